// flush_all of this node alone: whatever is here at that moment is forgotten, whatever comes later stays.
//
// It can't go by versions: the peer keeps its items, and those that it sends later have the versions they always had.
// It goes by the second of the last access, which is never lower than that of the arrival: what arrives after a flush
// is given a later second than anything had before it, if need be one that is still to come.
import type { SharedMemory } from './shared-memory.js';

/** Items last accessed before this second are forgotten; 0 = there was no flush. */
const FIRST_KEPT_SEC = 0;
/** The latest second that any thread has given to an item. */
const LATEST_SEC = 1;
const WORDS = 2;

export class LocalFlush {
  readonly #words: Int32Array;
  /** [0] when a flush is still to come, in Unix ms; 0 = none is. */
  readonly #due: Float64Array;

  constructor(memory: SharedMemory) {
    this.#words = new Int32Array(memory.block('local-flush.words', WORDS * Int32Array.BYTES_PER_ELEMENT));
    this.#due = memory.doubles('local-flush.due', 1);
  }

  get hasFlushed(): boolean {
    return this.#words[FIRST_KEPT_SEC] !== 0;
  }

  /** Whether an item with this second of its last access was here when it was flushed. */
  covers(lastAccessSec: number): boolean {
    return lastAccessSec < this.#words[FIRST_KEPT_SEC];
  }

  /** The second of access for an item that arrives now. */
  arrivalSec(nowSec: number): number {
    return Math.max(nowSec, this.#words[FIRST_KEPT_SEC]);
  }

  /** A thread goes by this second from now on. Needs no lock. */
  noteSecond(nowSec: number): void {
    const words = this.#words;
    let latestSec = Atomics.load(words, LATEST_SEC);
    while (nowSec > latestSec) {
      const foundSec = Atomics.compareExchange(words, LATEST_SEC, latestSec, nowSec);
      if (foundSec === latestSec) return;
      latestSec = foundSec;
    }
  }

  /** Under the lock. Takes the place of one that is still to come. */
  flushNow(): void {
    const words = this.#words;
    words[FIRST_KEPT_SEC] = Math.max(Atomics.load(words, LATEST_SEC), words[FIRST_KEPT_SEC]) + 1;
    this.#due[0] = 0;
  }

  flushLater(dueMs: number): void {
    this.#due[0] = dueMs;
  }

  /** Whether the time of a pending flush has come. A guess when the lock is not held: ask again under it. */
  isDue(nowMs: number): boolean {
    return this.#due[0] !== 0 && nowMs >= this.#due[0];
  }
}
