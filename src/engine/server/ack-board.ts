// What the thread that replicates lets all threads know of acknowledgement: how far the peer is, and whether replies
// wait for it.
import type { SharedMemory } from '../store/shared-memory.js';
import type { NodeAckMode } from './ack-modes.js';

/** Another number after each change of the others, for threads that wait for one. */
const TICKET = 0;
const AWAITS_PEER = 1;
const IS_DEGRADED = 2;
const DEGRADATIONS = 3;
const WORDS = 4;

const ACKED_SEQ = 0;
const DEGRADED_SINCE_MS = 1;
const NUMBERS = 2;

/** A part of `stats replication`. */
export interface AckStats {
  readonly repl_ack_mode: NodeAckMode;
  /** 1 while a reply does not mean that the peer has the write (`peer`, `mixed`), or while writes are refused (`strict`). */
  readonly repl_ack_degraded: 0 | 1;
  /** For how long it has been so; 0 when it is not. */
  readonly repl_ack_degraded_sec: number;
  /** How often it came to that; that a node starts without a peer is not counted. */
  readonly repl_ack_degradations: number;
}

/** Written by one thread only. The ticket is written last and read first, so that nobody misses what it stands for. */
export class AckBoard {
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;

  constructor(memory: SharedMemory) {
    this.#words = new Int32Array(memory.block('ack-board.words', WORDS * Int32Array.BYTES_PER_ELEMENT));
    this.#numbers = memory.doubles('ack-board.numbers', NUMBERS);
  }

  /** Whether replies to those who wrote wait until the peer has it. */
  get awaitsPeer(): boolean {
    return Atomics.load(this.#words, AWAITS_PEER) === 1;
  }

  /** Up to which entry of the change log the peer has what it says. */
  get ackedSeq(): number {
    return this.#numbers[ACKED_SEQ];
  }

  /** To be taken before a look at the rest, if `change` is to be awaited after it. */
  get ticket(): number {
    return Atomics.load(this.#words, TICKET);
  }

  /** Resolves when anything has changed since the ticket was taken. */
  change(ticket: number): Promise<unknown> {
    const wait = Atomics.waitAsync(this.#words, TICKET, ticket);
    return wait.async ? wait.value : Promise.resolve();
  }

  publish(awaitsPeer: boolean, ackedSeq: number): void {
    if (awaitsPeer === this.awaitsPeer && ackedSeq === this.ackedSeq) return;
    this.#numbers[ACKED_SEQ] = ackedSeq;
    Atomics.store(this.#words, AWAITS_PEER, awaitsPeer ? 1 : 0);
    Atomics.add(this.#words, TICKET, 1);
    Atomics.notify(this.#words, TICKET);
  }

  /** @param sinceMs Unix ms; undefined: all is well */
  noteDegraded(sinceMs: number | undefined): void {
    this.#numbers[DEGRADED_SINCE_MS] = sinceMs ?? 0;
    Atomics.store(this.#words, IS_DEGRADED, sinceMs === undefined ? 0 : 1);
  }

  countDegradation(): void {
    Atomics.add(this.#words, DEGRADATIONS, 1);
  }

  stats(mode: NodeAckMode, nowMs: number): AckStats {
    const isDegraded = Atomics.load(this.#words, IS_DEGRADED) === 1;
    return {
      repl_ack_mode: mode,
      repl_ack_degraded: isDegraded ? 1 : 0,
      repl_ack_degraded_sec: isDegraded
        ? Math.max(0, Math.floor((nowMs - this.#numbers[DEGRADED_SINCE_MS]) / 1000))
        : 0,
      repl_ack_degradations: Atomics.load(this.#words, DEGRADATIONS),
    };
  }
}
