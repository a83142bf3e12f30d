// For each node bit, up to which version something holds of the versions with that bit.
import { compareVersions } from './version.js';

/** The highest version with bit 0 (hi, lo), then that with bit 1. */
export const BIT_MARKS_WORDS = 4;

export class BitMarks {
  readonly #words: Uint32Array;

  constructor(words: Uint32Array = new Uint32Array(BIT_MARKS_WORDS)) {
    this.#words = words;
  }

  covers(hi: number, lo: number): boolean {
    const at = (lo & 1) * 2;
    return compareVersions(hi, lo, this.#words[at], this.#words[at + 1]) <= 0;
  }

  raise(hi: number, lo: number): void {
    if (this.covers(hi, lo)) return;
    const at = (lo & 1) * 2;
    this.#words[at] = hi;
    this.#words[at + 1] = lo;
  }

  /** The highest version with each bit, to be taken over by others. */
  get words(): ArrayLike<number> {
    return this.#words;
  }

  raiseTo(words: ArrayLike<number>): void {
    for (let at = 0; at < BIT_MARKS_WORDS; at += 2) this.raise(words[at], words[at + 1]);
  }

  clear(): void {
    this.#words.fill(0);
  }
}

/** A version as a node with that bit makes it. */
export function withBit(lo: number, bit: 0 | 1): number {
  return ((lo & ~1) | bit) >>> 0;
}
