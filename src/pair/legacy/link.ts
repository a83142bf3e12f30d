// The link of a legacy pair, seen from outside: the C program tells nothing of it, but the kernel knows its sockets.
// While it waits for its peer it listens on the replication port; while it has one, that port is closed.
import type { Host } from '../../host/host.js';
import type { ReplicationState, ReplicationStats } from '../replication-stats.js';
import type { NodeName } from '../types.js';

export interface LinkPlace {
  readonly name: NodeName;
  readonly peerAddress: string;
  readonly replicationPort: number;
  readonly peerReplicationPort: number;
}

/** `stranger`: somebody who is not the peer has taken the only place. */
export type LegacyLink = 'linked' | 'listening' | 'closed' | 'stranger';

const LISTEN = '0A';
const ESTABLISHED = '01';

/** @throws OperatorError when the host can't be asked */
export async function readLegacyLink(host: Host, place: LinkPlace): Promise<ReplicationStats> {
  const script = 'cat /proc/net/tcp; [ ! -e /proc/net/tcp6 ] || cat /proc/net/tcp6';
  const { stdout } = await host.run(['sh', '-c', script], { label: 'looking at the replication link' });
  return statsOf(legacyLinkFrom(stdout, place), place);
}

/** Reads the kernel's tables of TCP sockets (proc_net_tcp.txt of the kernel's documentation). */
export function legacyLinkFrom(tables: string, place: LinkPlace): LegacyLink {
  const peer = hexAddress(place.peerAddress);
  let listening = false;
  let stranger = false;
  for (const line of tables.split('\n')) {
    const match = /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) ([0-9A-F]+):([0-9A-F]{4}) ([0-9A-F]{2}) /.exec(line);
    if (match === null) continue;
    const [, , localPort, remote, remotePort, state] = match;
    const isOurs = Number.parseInt(localPort, 16) === place.replicationPort;
    if (isOurs && state === LISTEN) listening = true;
    if (state !== ESTABLISHED) continue;
    const isPeer = peer === undefined || remote.endsWith(peer);
    if (isPeer && (isOurs || Number.parseInt(remotePort, 16) === place.peerReplicationPort)) return 'linked';
    if (isOurs && !isPeer) stranger = true;
  }
  if (stranger) return 'stranger';
  return listening ? 'listening' : 'closed';
}

/** An IPv4 address as the tables have it (of a 32-bit word, in the processor's order); undefined for others. */
function hexAddress(address: string): string | undefined {
  if (!/^\d+\.\d+\.\d+\.\d+$/.test(address)) return undefined;
  const bytes = address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0').toUpperCase());
  return bytes.toReversed().join('');
}

const STATES: Readonly<Record<LegacyLink, ReplicationState>> = {
  linked: 'synced',
  listening: 'alone',
  closed: 'connecting',
  stranger: 'connecting',
};

function statsOf(link: LegacyLink, { name, peerAddress, replicationPort }: LinkPlace): ReplicationStats {
  const problems = {
    linked: undefined,
    listening: {
      what: `${name} waits on port ${replicationPort} for a peer that no longer dials: a legacy node dials once, as it starts`,
      remedy: 'run `repcachectl heal`: it keeps one node, and restarts the other, which then dials',
    },
    closed: {
      what: `${name} has no link to its peer ${peerAddress} and does not wait for one`,
      remedy: `it may still be dialling; should it stay so, run \`repcachectl heal\``,
    },
    stranger: {
      what: `${name} is linked to somebody who is not its peer ${peerAddress}, and who gets the whole cache`,
      remedy: `let nobody but the peer reach port ${replicationPort}, then run \`repcachectl heal\``,
    },
  } as const;
  const problem = problems[link];
  return { ...NO_FIGURES, state: STATES[link], peer: peerAddress, ...(problem && { problem }) };
}

/** The distribution's memcached, which knows no peer. */
export function noReplication(name: NodeName): ReplicationStats {
  return {
    ...NO_FIGURES,
    state: 'off',
    peer: '',
    problem: {
      what: `${name} is the distribution's memcached: nothing is replicated, what it holds is lost with it`,
      remedy: 'for a replicated pair: `repcachectl destroy`, then `repcachectl deploy --engine repcached`',
    },
  };
}

const NO_FIGURES = {
  linkOnly: true,
  linkUptimeSec: 0,
  logSeq: 0,
  ackedSeq: 0,
  unacked: 0,
  conflicts: 0,
  tombstones: 0,
  fullCopiesSent: 0,
  fullCopiesReceived: 0,
  lastSyncItems: 0,
  lastSyncMs: 0,
  clockOffsetMs: 0,
} as const;
