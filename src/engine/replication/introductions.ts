// Connections whose other end is still a stranger: from our greeting to its proof, or to the reason to refuse it.

import type { Store } from '../store/store.js';
import type { HybridClock } from './clock.js';
import { FRAME } from './frames.js';
import {
  decodeHello,
  encodeHello,
  type Hello,
  judgeHello,
  makeProofs,
  NONCE_BYTES,
  provenSecrets,
  type Role,
  type Transcript,
} from './handshake.js';
import { Link } from './link.js';
import type { Refusal } from './refusals.js';
import type { LinkId, MessageAuthenticator, ReplicatorOptions } from './types.js';

/** How long a stranger may take to show who it is. */
const HANDSHAKE_TIMEOUT_MS = 2_000;
/**
 * How many who connected may be at it at once, from addresses of the peer's and from all others each: what they can make
 * us hold is bounded by this, and nobody else can take the places where the peer is awaited.
 */
const MAX_STRANGERS = 8;

/** What a frame of a stranger comes to: there is more to hear, it is proven, or it is refused. */
export type Introduction = 'unfinished' | 'proven' | Refusal;

export class Introductions {
  readonly #options: ReplicatorOptions;
  readonly #store: Store;
  readonly #clock: HybridClock;
  #secrets: readonly MessageAuthenticator[];

  constructor(options: ReplicatorOptions) {
    this.#options = options;
    this.#store = options.store;
    this.#clock = options.clock;
    this.#secrets = options.secrets;
  }

  /** How many secrets are accepted. */
  get secretCount(): number {
    return this.#secrets.length;
  }

  changeSecrets(secrets: readonly MessageAuthenticator[]): void {
    this.#secrets = secrets;
  }

  /**
   * Whether there is a place for one more who connects. Where others share the peer's address (both nodes on one host,
   * NAT), the places there may be full as well: then a newcomer has the place of the oldest that has said nothing. The
   * peer greets as soon as it is connected.
   * @returns the link to be closed for it, if there is a place only so
   */
  placeFor(isFromPeer: boolean, links: Iterable<Link>): 'free' | 'none' | Link {
    let strangers = 0;
    let oldestSilent: Link | undefined;
    for (const link of links) {
      if (!link.isStranger || link.role === 'dialer' || link.isFromPeer !== isFromPeer) continue;
      strangers += 1;
      if (link.state === 'greeting') oldestSilent ??= link;
    }
    if (strangers < MAX_STRANGERS) return 'free';
    return isFromPeer && oldestSilent !== undefined ? oldestSilent : 'none';
  }

  isOverdue(link: Link, nowMs: number): boolean {
    return nowMs - link.sinceMs >= HANDSHAKE_TIMEOUT_MS;
  }

  /** A new connection: says hello. */
  meet(id: LinkId, role: Role, address: string, isFromPeer: boolean, nowMs: number): Link {
    const { nodeId, pairId, randomBytes } = this.#options;
    const hello: Hello = {
      nodeId,
      pairId,
      hasSecret: this.#secrets.length > 0,
      nonce: randomBytes(NONCE_BYTES),
      nowMs,
      clockMs: this.#clock.latestMs,
      maxItemBytes: this.#store.itemSizeMaxBytes,
    };
    const link = new Link(id, role, address, isFromPeer, nowMs, hello, encodeHello(hello));
    link.writer.bytesFrame(FRAME.hello, link.ownHelloBytes);
    return link;
  }

  /** Takes a frame of a stranger, other than its refusal. */
  hear(link: Link, type: number, payload: Uint8Array, nowMs: number): Introduction {
    if (type === FRAME.hello && link.state === 'greeting') return this.#hearHello(link, payload, nowMs);
    if (type === FRAME.proof && link.state === 'proving') return this.#hearProof(link, payload);
    return 'notRepcached';
  }

  /** Writes the proofs that are due. */
  prove(link: Link): void {
    if (link.proofsDue === null) return;
    link.writer.bytesFrame(FRAME.proof, makeProofs(link.proofsDue, link.role, transcriptOf(link)));
    link.proofsDue = null;
  }

  #hearHello(link: Link, payload: Uint8Array, nowMs: number): Introduction {
    const hello = decodeHello(payload);
    if (typeof hello === 'string') return hello;
    const refusal = judgeHello(link.ownHello, hello, nowMs);
    if (refusal !== null) return refusal;
    link.peerHello = hello;
    link.peerHelloBytes = payload.slice();
    link.enter('proving');
    // The dialler proves itself first; the acceptor only to one who has.
    if (link.role === 'dialer') link.proofsDue = this.#secrets;
    return 'unfinished';
  }

  #hearProof(link: Link, proofs: Uint8Array): Introduction {
    const peerRole: Role = link.role === 'dialer' ? 'acceptor' : 'dialer';
    const proven = provenSecrets(this.#secrets, peerRole, transcriptOf(link), proofs);
    if (proven === null) return 'wrongSecret';
    // To one who has shown a secret that is no news. It goes out if the link stays.
    if (link.role === 'acceptor') link.proofsDue = proven;
    return 'proven';
  }
}

/** What is proven on a link whose peer has greeted. */
function transcriptOf(link: Link): Transcript {
  const { role, ownHelloBytes, channelBinding } = link;
  const peerHelloBytes = link.peerHelloBytes!;
  return role === 'dialer'
    ? { dialerHello: ownHelloBytes, acceptorHello: peerHelloBytes, channelBinding }
    : { dialerHello: peerHelloBytes, acceptorHello: ownHelloBytes, channelBinding };
}
