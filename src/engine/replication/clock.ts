// The hybrid logical clock that gives every write its version: 48 bits of Unix ms, 15 of counter, 1 node bit.

import { SharedMemory } from '../store/shared-memory.js';
import { msOfVersion, type VersionClock, versionHiOfMs, versionLoOfMs } from '../store/version.js';

/** How far ahead of this node's time a version from the peer may be and still be taken over, in ms. */
export const MAX_FORWARD_DRIFT_MS = 3_600_000;

/** One more on the counter, which stands above the node bit. */
const COUNTER_STEP = 2;

/**
 * Versions are two u32: `hi` is ms >> 16, `lo` is (ms & 0xffff) << 16 | counter << 1 | node bit. Each `tick` is
 * greater than every version ticked or observed before, whatever the wall clock does, so a write that follows
 * another in the eyes of a client has the higher version on whichever node it is made. The node bit keeps the
 * versions of the two nodes apart.
 *
 * State lives in shared memory: the threads of a node share one clock, which ticks under the store lock.
 */
export class HybridClock implements VersionClock {
  /** [hi, lo] of the greatest version ticked or observed, less its node bit; [2] the node bit. */
  readonly #state: Uint32Array;
  /** The last `tick`. */
  hi = 0;
  lo = 0;

  /** @param nodeBit what the clock begins with; a clock over another thread's memory takes what it finds. */
  constructor(nodeBit: 0 | 1, memory = new SharedMemory()) {
    this.#state = memory.words('clock', 3);
    if (memory.isFresh) this.#state[2] = nodeBit;
  }

  get nodeBit(): 0 | 1 {
    return this.#state[2] === 0 ? 0 : 1;
  }

  /** The pair settles at the handshake who is 0 and who is 1. Versions given before keep the bit they have. */
  set nodeBit(bit: 0 | 1) {
    this.#state[2] = bit;
  }

  /** The greatest version ticked or observed, its node bit cleared. */
  get latestHi(): number {
    return this.#state[0];
  }

  get latestLo(): number {
    return this.#state[1];
  }

  /** The time part of the greatest version known, in Unix ms: may be ahead of the wall clock. */
  get latestMs(): number {
    return msOfVersion(this.#state[0], this.#state[1]);
  }

  /** Leaves a new version, greater than any before, in `hi` and `lo`. */
  tick(nowMs: number): void {
    const state = this.#state;
    const wholeMs = Math.floor(nowMs);
    const wallHi = versionHiOfMs(wholeMs);
    const wallLo = versionLoOfMs(wholeMs);
    let hi = state[0];
    let lo = state[1];
    if (wallHi > hi || (wallHi === hi && wallLo > lo)) {
      hi = wallHi;
      lo = wallLo;
    } else {
      // The same ms again, or time went back. A full counter carries into the ms, which is then borrowed from
      // the future: 32 million writes a second for one second put the clock one second ahead.
      lo = (lo + COUNTER_STEP) >>> 0;
      if (lo < COUNTER_STEP) hi = (hi + 1) >>> 0;
    }
    state[0] = hi;
    state[1] = lo;
    this.hi = hi;
    this.lo = (lo | state[2]) >>> 0;
  }

  /**
   * Takes note of a version from the peer, so that the next `tick` exceeds it.
   *
   * @returns false, and takes no note, if it is more than {@link MAX_FORWARD_DRIFT_MS} ahead of `nowMs`: one host
   *   with a broken clock must not drag the other with it.
   */
  observe(hi: number, lo: number, nowMs: number): boolean {
    const state = this.#state;
    const plain = (lo & ~1) >>> 0;
    if (hi < state[0] || (hi === state[0] && plain <= state[1])) return true;
    if (msOfVersion(hi, lo) > nowMs + MAX_FORWARD_DRIFT_MS) return false;
    state[0] = hi;
    state[1] = plain;
    return true;
  }
}
