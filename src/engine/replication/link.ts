// One connection to the peer, or to somebody who may be it: its state, and what it still has to say.

import { FrameDecoder } from './frame-decoder.js';
import { FrameWriter } from './frame-writer.js';
import type { Hello, Role } from './handshake.js';
import type { Have } from './have.js';
import type { LinkId, MessageAuthenticator } from './types.js';

/**
 * - `greeting`: connected, our hello is on its way, the peer's has not come. A stranger ends here or in the next
 *   state, within 2 s and a few hundred bytes.
 * - `proving`: the peer's hello was good; its proof has not come.
 * - `measuring`: the peer is who it says, and this is the one link of the pair. A ping is on its way: without the
 *   clock offset neither side could say when a copied item expires.
 *   Meanwhile each side tells what it has.
 * - `syncing`: what the peer lacks goes out, the changes made meanwhile in between.
 * - `streaming`: all that is out, changes go as they are made. Back to `syncing` leads a change log that overflowed, or
 *   a peer that asks for it.
 * - `closed`: whatever still comes for it is ignored.
 *
 * What the peer sends us has no state here: its sync may start earlier or end later than ours.
 */
export type LinkState = 'greeting' | 'proving' | 'measuring' | 'syncing' | 'streaming' | 'closed';

const NEXT: Readonly<Record<LinkState, readonly LinkState[]>> = {
  greeting: ['proving', 'closed'],
  proving: ['measuring', 'closed'],
  measuring: ['syncing', 'closed'],
  syncing: ['streaming', 'closed'],
  streaming: ['syncing', 'closed'],
  closed: [],
};

export class Link {
  readonly id: LinkId;
  readonly role: Role;
  /** `host:port`, for log lines. */
  readonly address: string;
  /** Whether it was dialled, or came from an address of the peer's. */
  readonly isFromPeer: boolean;
  readonly sinceMs: number;
  readonly decoder = new FrameDecoder();
  readonly writer = new FrameWriter();
  readonly ownHello: Hello;
  /** The greetings as they travelled: the proofs cover them. */
  readonly ownHelloBytes: Uint8Array;
  peerHelloBytes: Uint8Array | null = null;
  peerHello: Hello | null = null;
  /** The last time that anything came in. */
  heardMs: number;
  pingedMs = Number.NEGATIVE_INFINITY;
  /** A `send` is out and its `writable` has not come: the writer's memory is not ours. */
  awaitingWritable = false;
  /** What the ping to be answered next said; null if none is. */
  pongDueMs: number | null = null;
  /** What to acknowledge next; null if nothing is. */
  ackDueSeq: number | null = null;
  /** Whether the peer is to be told what we have. */
  haveIsDue = true;
  /** What the peer said last that it has. */
  peerHave: Have | null = null;
  /** Whether the offset of the peer's clock is known. */
  isMeasured = false;
  /** Whether a sync is to begin with the next send. */
  syncIsDue = false;
  /** The secrets to prove next; null if nothing is to be proven. */
  proofsDue: readonly MessageAuthenticator[] | null = null;
  /** Known once the TLS handshake is done; null in the clear. */
  channelBinding: Uint8Array | null = null;
  #state: LinkState = 'greeting';

  constructor(
    id: LinkId,
    role: Role,
    address: string,
    isFromPeer: boolean,
    nowMs: number,
    ownHello: Hello,
    ownHelloBytes: Uint8Array,
  ) {
    this.id = id;
    this.role = role;
    this.address = address;
    this.isFromPeer = isFromPeer;
    this.sinceMs = nowMs;
    this.heardMs = nowMs;
    this.ownHello = ownHello;
    this.ownHelloBytes = ownHelloBytes;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** The only way from one state to another. */
  enter(state: LinkState): void {
    if (!NEXT[this.#state].includes(state)) throw new Error(`link cannot go from ${this.#state} to ${state}`);
    this.#state = state;
  }

  /** Whether it is not yet known who the other end is. */
  get isStranger(): boolean {
    return this.#state === 'greeting' || this.#state === 'proving';
  }

  /** Whether items may go out on it. */
  get carriesData(): boolean {
    return this.#state === 'syncing' || this.#state === 'streaming';
  }
}
