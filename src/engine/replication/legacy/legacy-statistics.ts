// `stats replication` of a node whose peer runs the C program.

import type { Store } from '../../store/store.js';
import type { RingChangeLog } from '../change-log.js';
import { nodeIdHex } from '../handshake.js';
import type { Readiness } from '../readiness.js';
import { NO_LINK_STATS, type ReplicationState, type ReplicationStats } from '../types.js';
import type { CopyReport } from './copy-report.js';
import type { LegacyIncoming } from './legacy-incoming.js';
import type { LegacyLink } from './legacy-link.js';
import type { LegacyOutgoing } from './legacy-outgoing.js';
import { OWN_NODE_BIT } from './origin.js';

/** What the figures are taken from. */
export interface LegacyStatisticsSources {
  readonly store: Store;
  readonly log: RingChangeLog;
  readonly nodeId: Uint8Array;
  readonly readiness: Readiness;
  readonly incoming: LegacyIncoming;
  readonly outgoing: LegacyOutgoing;
  readonly copies: CopyReport;
  readonly link: LegacyLink | null;
  readonly state: ReplicationState;
  /** Up to where the kernel has taken the changes. */
  readonly takenSeq: number;
}

export function legacyStatistics(sources: LegacyStatisticsSources, nowMs: number): ReplicationStats {
  const { link, copies, takenSeq } = sources;
  const { received, applied, conflicts } = sources.incoming;
  const logSeq = sources.log.headSeq;
  return {
    repl_protocol: 'legacy',
    repl_state: sources.state,
    repl_peer: link?.address ?? '',
    repl_node_id: nodeIdHex(sources.nodeId),
    repl_node_bit: OWN_NODE_BIT,
    repl_link_uptime_sec: link === null ? 0 : Math.max(0, Math.floor((nowMs - link.sinceMs) / 1_000)),
    repl_log_seq: logSeq,
    repl_acked_seq: takenSeq,
    repl_unacked: logSeq - takenSeq,
    repl_received: received,
    repl_applied: applied,
    repl_ignored: received - applied,
    repl_conflicts: conflicts,
    repl_tombstones: sources.store.tombstoneCount,
    repl_full_copies_sent: copies.copiesSent,
    repl_full_copies_received: copies.copiesReceived,
    repl_last_sync_items: copies.lastItems,
    repl_last_sync_ms: Math.round(copies.lastMs),
    repl_clock_offset_ms: 0,
    repl_secrets: 0,
    repl_tls: 0,
    repl_unsendable: sources.outgoing.unsendable,
    ...NO_LINK_STATS,
    repl_serving: sources.readiness.serving ? 1 : 0,
  };
}
