// When a write is answered: what --repl-ack says for the node, what ack[...] says for an address, and what that makes.
import type { ReplicationProtocol } from '../replication/types.js';
import { FatalError } from './exit.js';
import type { ClientEndpoint } from './listen-addresses.js';

const ACK_MODES = ['none', 'peer', 'strict'] as const;
/** `none`, at once; `peer`, once the peer has it, if there is one; `strict`, never without. */
export type AckMode = (typeof ACK_MODES)[number];

/** The modes of all places where clients connect, as one: `mixed` where replies of some wait and others' do not. */
export type NodeAckMode = AckMode | 'mixed';

export interface AckOptions {
  /** Empty with -s. */
  readonly listen: readonly ClientEndpoint[];
  /** --repl-ack; absent: nothing is replicated. */
  readonly replication: { readonly ack: AckMode } | undefined;
}

/** The node's mode holds where the address says nothing else: on the unix socket, too. */
export function nodeAckMode({ listen, replication }: AckOptions): NodeAckMode {
  const own = replication?.ack ?? 'none';
  const [first = own, ...others] = listen.map(({ ack }) => ack ?? own);
  return others.every((mode) => mode === first) ? first : 'mixed';
}

/** @throws FatalError unless it is a mode */
export function ackMode(text: string): AckMode {
  const mode = ACK_MODES.find((name) => name === text);
  if (mode === undefined) throw new FatalError(`--repl-ack ${text}: must be none, peer or strict`);
  return mode;
}

/** @throws FatalError when an address has a mode of its own, and the node is none that can have that */
export function checkAddressAcks(
  listen: readonly ClientEndpoint[],
  replication: { readonly ack: AckMode; readonly protocol: ReplicationProtocol } | undefined,
): void {
  const given = listen.find(({ ack }) => ack !== undefined)?.ack;
  if (given === undefined) return;
  const prefix = `-l ack[${given}]`;
  if (replication === undefined) throw new FatalError(`${prefix}: needs replication to be on, with -x or -X`);
  if (replication.protocol === 'legacy') {
    throw new FatalError(`${prefix}: the legacy protocol has no acknowledgement, so leave it out`);
  }
  if (replication.ack === 'strict') {
    throw new FatalError(
      `${prefix} with --repl-ack strict, which refuses writes on all addresses: leave one of them out, or choose ` +
        '--repl-ack peer',
    );
  }
}
