// The legacy protocol's core for this node, and who may be its peer: there is no secret to prove, only an address.
import { randomBytes } from 'node:crypto';
import { LegacyHandover } from '../replication/legacy/handover.js';
import { LegacyReplicator } from '../replication/legacy/legacy-replicator.js';
import type { ReplicationMachine } from '../replication/types.js';
import type { NodeState } from './node-state.js';
import { PeerAddresses } from './peer-addresses.js';

const NODE_ID_BYTES = 8;

/**
 * So long may a connection be silent, or what was sent stay on its way, before the kernel gives it up. What is older
 * than this when the link goes down has reached the peer's host.
 *
 * Not shorter: a legacy node that has nothing to send does not notice that we gave up while the network was cut. It
 * keeps its end, does not listen, and can't be reached until it writes. A cut that TCP outlives costs nothing.
 */
export const LINK_LOSS_MS = 120_000;

/** @param successor makes the core that takes over once the peer speaks our own protocol */
export function legacyMachineOf(
  { options, store, clock, replication }: NodeState,
  successor: () => ReplicationMachine,
): ReplicationMachine | undefined {
  if (options.replication === undefined || replication === undefined) return undefined;
  const { peer, readyTimeoutMs } = options.replication;
  const addresses = peer === undefined ? undefined : new PeerAddresses(peer.host);
  const accepts = (address: string): boolean => addresses?.include(address) ?? true;
  const legacy = new LegacyReplicator({
    store,
    changeLog: replication.changeLog,
    clock,
    nodeId: randomBytes(NODE_ID_BYTES),
    dials: peer !== undefined,
    accepts,
    random: Math.random,
    readyTimeoutMs,
    maxValueBytes: options.maxItemBytes,
  });
  return new LegacyHandover({ legacy, successor, accepts });
}
