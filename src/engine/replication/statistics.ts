// `stats replication` of a link between two nodes of ours, and what is counted for it alone.

import type { Exchange } from './exchange.js';
import { nodeIdHex } from './handshake.js';
import type { Readiness } from './readiness.js';
import type { LinkStats, ReplicationState, ReplicationStats, ReplicatorOptions } from './types.js';

/** What the figures are taken from, apart from the node's memory and log. */
export interface StatisticsSources {
  readonly readiness: Readiness;
  readonly exchange: Exchange;
  readonly state: ReplicationState;
  readonly secretCount: number;
}

export class Statistics {
  bytesSent = 0;
  bytesReceived = 0;
  readonly #options: ReplicatorOptions;
  #linkUpMs = 0;
  #linksUp = 0;

  constructor(options: ReplicatorOptions) {
    this.#options = options;
  }

  linkUp(nowMs: number): void {
    this.#linkUpMs = nowMs;
    this.#linksUp += 1;
  }

  read(sources: StatisticsSources, nowMs: number): ReplicationStats {
    const { link, incoming, outgoing, syncs, offset, limit } = sources.exchange;
    const { store, changeLog, clock, nodeId } = this.#options;
    const { received, applied, conflicts } = incoming;
    const logSeq = changeLog.headSeq;
    const { ackedSeq } = outgoing;
    return {
      repl_protocol: 'own',
      repl_state: sources.state,
      repl_peer: link?.address ?? '',
      repl_node_id: nodeIdHex(nodeId),
      repl_node_bit: clock.nodeBit,
      repl_link_uptime_sec: link === null ? 0 : Math.max(0, Math.floor((nowMs - this.#linkUpMs) / 1_000)),
      repl_log_seq: logSeq,
      repl_acked_seq: ackedSeq,
      repl_unacked: logSeq - ackedSeq,
      repl_received: received,
      repl_applied: applied,
      repl_ignored: received - applied,
      repl_conflicts: conflicts,
      repl_tombstones: store.tombstoneCount,
      repl_full_copies_sent: syncs.sentCounts.full,
      repl_full_copies_received: syncs.receivedCounts.full,
      repl_last_sync_items: syncs.lastKeys,
      repl_last_sync_ms: Math.round(syncs.lastMs),
      repl_clock_offset_ms: Math.round(offset.estimateMs),
      repl_secrets: sources.secretCount,
      repl_tls: link?.channelBinding == null ? 0 : 1,
      repl_unsendable: limit.unsendable,
      repl_serving: sources.readiness.serving ? 1 : 0,
      ...this.#ofLink(sources.exchange, nowMs),
    };
  }

  #ofLink({ link, outgoing, lag, syncs }: Exchange, nowMs: number): LinkStats {
    const { sentCounts, receivedCounts, lastKind, lastBytes } = syncs;
    const { store, changeLog } = this.#options;
    return {
      repl_link_role: link?.role ?? 'none',
      repl_reconnects: Math.max(0, this.#linksUp - 1),
      repl_bytes_sent: this.bytesSent,
      repl_bytes_received: this.bytesReceived,
      repl_conflicts_won: store.conflictsWon,
      repl_conflicts_lost: store.conflictsLost,
      repl_log_capacity: changeLog.capacity,
      repl_log_unsent: Math.min(changeLog.capacity, changeLog.headSeq - outgoing.positionSeq),
      repl_losses_pending: store.lostWrites.isPending ? 1 : 0,
      repl_partial_syncs_sent: sentCounts.partial,
      repl_partial_syncs_received: receivedCounts.partial,
      repl_digest_syncs_sent: sentCounts.digest,
      repl_digest_syncs_received: receivedCounts.digest,
      repl_last_sync_kind: lastKind,
      repl_last_sync_bytes: lastBytes,
      repl_lag_p50_ms: inTenths(lag.quantileMs(0.5)),
      repl_lag_p99_ms: inTenths(lag.quantileMs(0.99)),
      repl_lag_oldest_ms: Math.round(lag.oldestMs(nowMs)),
    };
  }
}

function inTenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
