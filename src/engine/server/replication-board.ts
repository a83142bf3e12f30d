// Where the thread that replicates puts up its figures, for a client of any thread who asks for `stats replication`.
import type { RingChangeLog } from '../replication/change-log.js';
import { SYNC_KINDS } from '../replication/have.js';
import type {
  LinkStats,
  ReplicationProtocol,
  ReplicationState,
  ReplicationStats,
} from '../replication/types.js';
import type { SharedMemory } from '../store/shared-memory.js';
import type { Store } from '../store/store.js';

const STATES: readonly ReplicationState[] = ['alone', 'connecting', 'syncing', 'synced'];
const PROTOCOLS: readonly ReplicationProtocol[] = ['own', 'legacy'];
const ROLES: readonly LinkStats['repl_link_role'][] = ['none', 'dialer', 'acceptor'];
const KINDS: readonly LinkStats['repl_last_sync_kind'][] = ['none', ...SYNC_KINDS];
const TEXT_MAX_BYTES = 256;

/** Figures as they are put up, in the order of their place in memory. */
const FIGURES = [
  'repl_node_bit',
  'repl_link_uptime_sec',
  'repl_acked_seq',
  'repl_received',
  'repl_applied',
  'repl_ignored',
  'repl_conflicts',
  'repl_full_copies_sent',
  'repl_full_copies_received',
  'repl_last_sync_items',
  'repl_last_sync_ms',
  'repl_clock_offset_ms',
  'repl_secrets',
  'repl_tls',
  'repl_unsendable',
  'repl_serving',
  'repl_reconnects',
  'repl_bytes_sent',
  'repl_bytes_received',
  'repl_conflicts_won',
  'repl_conflicts_lost',
  'repl_log_capacity',
  'repl_log_unsent',
  'repl_losses_pending',
  'repl_partial_syncs_sent',
  'repl_partial_syncs_received',
  'repl_digest_syncs_sent',
  'repl_digest_syncs_received',
  'repl_last_sync_bytes',
  'repl_lag_p50_ms',
  'repl_lag_p99_ms',
  'repl_lag_oldest_ms',
] as const satisfies readonly (keyof ReplicationStats)[];
const STATE = FIGURES.length;
const PEER_BYTES = FIGURES.length + 1;
const PROTOCOL = FIGURES.length + 2;
const ROLE = FIGURES.length + 3;
const KIND = FIGURES.length + 4;

/** Used under the store lock by both sides, so that figures which belong together are read together. */
export class ReplicationBoard {
  readonly #store: Store;
  readonly #log: RingChangeLog;
  readonly #numbers: Float64Array;
  readonly #peer: Buffer;
  readonly #nodeId: Buffer;

  constructor(memory: SharedMemory, store: Store, log: RingChangeLog) {
    this.#store = store;
    this.#log = log;
    this.#numbers = memory.doubles('replication-board.numbers', FIGURES.length + 5);
    this.#peer = Buffer.from(memory.block('replication-board.peer', TEXT_MAX_BYTES));
    this.#nodeId = Buffer.from(memory.block('replication-board.node-id', 16));
  }

  publish(stats: ReplicationStats): void {
    for (let at = 0; at < FIGURES.length; at++) this.#numbers[at] = stats[FIGURES[at]];
    this.#numbers[STATE] = STATES.indexOf(stats.repl_state);
    this.#numbers[PROTOCOL] = PROTOCOLS.indexOf(stats.repl_protocol);
    this.#numbers[ROLE] = ROLES.indexOf(stats.repl_link_role);
    this.#numbers[KIND] = KINDS.indexOf(stats.repl_last_sync_kind);
    this.#numbers[PEER_BYTES] = this.#peer.write(stats.repl_peer, 'latin1');
    this.#nodeId.write(stats.repl_node_id, 'latin1');
  }

  /** What was published last; but what this node itself has written is told as it is now. */
  read(): ReplicationStats {
    const numbers = this.#numbers;
    const figure = (name: (typeof FIGURES)[number]): number => numbers[FIGURES.indexOf(name)];
    const logSeq = this.#log.headSeq;
    return {
      repl_protocol: PROTOCOLS[numbers[PROTOCOL]],
      repl_state: STATES[numbers[STATE]],
      repl_peer: this.#peer.toString('latin1', 0, numbers[PEER_BYTES]),
      repl_node_id: this.#nodeId.toString('latin1'),
      repl_node_bit: figure('repl_node_bit') === 0 ? 0 : 1,
      repl_link_uptime_sec: figure('repl_link_uptime_sec'),
      repl_log_seq: logSeq,
      repl_acked_seq: figure('repl_acked_seq'),
      repl_unacked: logSeq - figure('repl_acked_seq'),
      repl_received: figure('repl_received'),
      repl_applied: figure('repl_applied'),
      repl_ignored: figure('repl_ignored'),
      repl_conflicts: figure('repl_conflicts'),
      repl_tombstones: this.#store.tombstoneCount,
      repl_full_copies_sent: figure('repl_full_copies_sent'),
      repl_full_copies_received: figure('repl_full_copies_received'),
      repl_last_sync_items: figure('repl_last_sync_items'),
      repl_last_sync_ms: figure('repl_last_sync_ms'),
      repl_clock_offset_ms: figure('repl_clock_offset_ms'),
      repl_secrets: figure('repl_secrets'),
      repl_tls: figure('repl_tls') === 0 ? 0 : 1,
      repl_unsendable: figure('repl_unsendable'),
      repl_serving: figure('repl_serving') === 0 ? 0 : 1,
      repl_link_role: ROLES[numbers[ROLE]],
      repl_reconnects: figure('repl_reconnects'),
      repl_bytes_sent: figure('repl_bytes_sent'),
      repl_bytes_received: figure('repl_bytes_received'),
      repl_conflicts_won: figure('repl_conflicts_won'),
      repl_conflicts_lost: figure('repl_conflicts_lost'),
      repl_log_capacity: figure('repl_log_capacity'),
      repl_log_unsent: figure('repl_log_unsent'),
      repl_losses_pending: figure('repl_losses_pending') === 0 ? 0 : 1,
      repl_partial_syncs_sent: figure('repl_partial_syncs_sent'),
      repl_partial_syncs_received: figure('repl_partial_syncs_received'),
      repl_digest_syncs_sent: figure('repl_digest_syncs_sent'),
      repl_digest_syncs_received: figure('repl_digest_syncs_received'),
      repl_last_sync_kind: KINDS[numbers[KIND]],
      repl_last_sync_bytes: figure('repl_last_sync_bytes'),
      repl_lag_p50_ms: figure('repl_lag_p50_ms'),
      repl_lag_p99_ms: figure('repl_lag_p99_ms'),
      repl_lag_oldest_ms: figure('repl_lag_oldest_ms'),
    };
  }
}
