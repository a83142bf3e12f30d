// What a node says of its link in `stats replication`, read and judged.
import type { MemcachedClient } from './client/client.js';
import { ClientError } from './client/client-error.js';
import type { OpenNode } from './open-pair.js';
import type { NodeName } from './types.js';

export type ReplicationState = 'off' | 'alone' | 'connecting' | 'syncing' | 'synced';

export interface AckStats {
  mode: string;
  /** For how long the mode's promise could not be kept; absent while it is kept. */
  degradedSec?: number;
}

export interface ReplicationStats {
  state: ReplicationState;
  /** `host:port` of the peer, as the node knows it. */
  peer: string;
  linkUptimeSec: number;
  /** Sequence number of the newest local change, and of the newest that the peer acknowledged. */
  logSeq: number;
  ackedSeq: number;
  unacked: number;
  conflicts: number;
  tombstones: number;
  fullCopiesSent: number;
  fullCopiesReceived: number;
  lastSyncItems: number;
  lastSyncMs: number;
  /** The peer's clock minus this node's. */
  clockOffsetMs: number;
  /** When writes are answered; absent where the server does not tell. */
  ack?: AckStats;
  /** How many secrets the node accepts: 2 while the secret is being changed; absent where the server does not tell. */
  secrets?: number;
  /** The server tells nothing of its link: only the state was found out, every figure here is 0. */
  linkOnly?: true;
  /** What is wrong, where the state alone does not tell. */
  problem?: { what: string; remedy: string };
}

/** @throws ClientError; of kind `answered` when the server knows nothing of replication. */
export async function readReplicationStats(client: MemcachedClient): Promise<ReplicationStats> {
  const stats = await client.stats('replication');
  const state = stats.get('repl_state');
  if (state === undefined || !isState(state)) {
    throw new ClientError('garbled', `${client.label} gives no usable repl_state: ${state ?? 'nothing'}`);
  }
  const number = (name: string): number => Number(stats.get(name) ?? 0);
  return {
    state,
    peer: stats.get('repl_peer') ?? '',
    linkUptimeSec: number('repl_link_uptime_sec'),
    logSeq: number('repl_log_seq'),
    ackedSeq: number('repl_acked_seq'),
    unacked: number('repl_unacked'),
    conflicts: number('repl_conflicts'),
    tombstones: number('repl_tombstones'),
    fullCopiesSent: number('repl_full_copies_sent'),
    fullCopiesReceived: number('repl_full_copies_received'),
    lastSyncItems: number('repl_last_sync_items'),
    lastSyncMs: number('repl_last_sync_ms'),
    clockOffsetMs: number('repl_clock_offset_ms'),
    ...ackOf(stats),
    ...(stats.has('repl_secrets') && { secrets: number('repl_secrets') }),
  };
}

function ackOf(stats: ReadonlyMap<string, string>): { ack?: AckStats } {
  const mode = stats.get('repl_ack_mode');
  if (mode === undefined) return {};
  if (stats.get('repl_ack_degraded') !== '1') return { ack: { mode } };
  return { ack: { mode, degradedSec: Number(stats.get('repl_ack_degraded_sec') ?? 0) } };
}

/** By whatever way this node's link is known. @throws as `readReplicationStats` does, or the host's OperatorError */
export function replicationOf(
  node: Pick<OpenNode, 'readLink'>,
  client: MemcachedClient,
): Promise<ReplicationStats> {
  return node.readLink?.() ?? readReplicationStats(client);
}

/** Nothing that was written until now is still on its way to the peer. `sinceSeq`: the log's end when "now" was. */
export function caughtUp(stats: ReplicationStats, sinceSeq: number): boolean {
  return stats.state === 'synced' && (stats.unacked === 0 || stats.ackedSeq >= sinceSeq);
}

/** In the operator's words; undefined when the link is up and in sync. */
export function linkProblem(
  node: NodeName,
  stats: ReplicationStats,
): { what: string; remedy: string } | undefined {
  if (stats.problem !== undefined) return stats.problem;
  switch (stats.state) {
    case 'synced':
      return undefined;
    case 'off':
      return {
        what: `${node} runs without replication`,
        remedy: 'run `repcachectl deploy`, which gives both nodes their peer and restarts what differs',
      };
    case 'syncing':
      return {
        what: `${node} is still copying its peer's data`,
        remedy: 'wait until `repcachectl status` says in sync, then run this again',
      };
    case 'alone':
    case 'connecting':
      return {
        what: `${node} has no link to its peer ${stats.peer}`.trimEnd(),
        remedy:
          `see why with \`repcachectl logs\`: a firewall on the replication port, another secret, ` +
          `or another pair id keep the link from coming up`,
      };
  }
}

function isState(state: string): state is ReplicationState {
  return ['off', 'alone', 'connecting', 'syncing', 'synced'].includes(state);
}
