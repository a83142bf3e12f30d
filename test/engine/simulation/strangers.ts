// Whoever else connects to the replication port: those who say nothing, nonsense, or that they belong elsewhere.

import { FrameWriter } from '../../../src/engine/replication/frame-writer.js';
import { FRAME } from '../../../src/engine/replication/frames.js';
import { encodeHello, NODE_ID_BYTES, NONCE_BYTES } from '../../../src/engine/replication/handshake.js';
import type { ReplicationEvent } from '../../../src/engine/replication/types.js';
import type { Network, Process, Side } from './network.js';
import type { Random } from './random.js';
import { EPOCH_MS } from './version.js';

type Manner = 'silent' | 'nonsense' | 'otherPair';

export class Stranger implements Process {
  /** Strangers are where the peer is; whether on the same host is another matter. */
  readonly side: Side;
  readonly isAtPeerAddress: boolean;
  isRunning = true;
  readonly #network: Network;
  readonly #words: Uint8Array | null;

  constructor(side: Side, manner: Manner, random: Random, network: Network) {
    this.side = side;
    this.#network = network;
    this.isAtPeerAddress = random.chance(0.5);
    this.#words = wordsOf(manner, random);
  }

  deliver(event: ReplicationEvent): void {
    if (event.kind === 'dialed' && this.#words !== null) this.#network.send(this, event.link, this.#words);
  }

  /** Its connections end. */
  leave(): void {
    this.isRunning = false;
    this.#network.processEnded(this, true);
  }
}

export const MANNERS: readonly Manner[] = ['silent', 'nonsense', 'otherPair'];

function wordsOf(manner: Manner, random: Random): Uint8Array | null {
  if (manner === 'silent') return null;
  if (manner === 'nonsense') return random.bytes(random.int(1, 600));
  const writer = new FrameWriter();
  const hello = encodeHello({
    nodeId: random.bytes(NODE_ID_BYTES),
    pairId: 'another pair',
    hasSecret: random.chance(0.5),
    nonce: random.bytes(NONCE_BYTES),
    nowMs: EPOCH_MS,
    clockMs: EPOCH_MS,
    maxItemBytes: 1_048_576,
  });
  writer.bytesFrame(FRAME.hello, hello);
  return writer.bytes;
}
