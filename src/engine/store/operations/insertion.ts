// Storing a short value whatever is there: what arithmetic makes of a number, or begins with.
import type { HashIndex } from '../index.js';
import type { Reservation } from '../items/reservation.js';
import { OWN_UNIQUE_BYTES } from '../layout.js';
import { copyBytes, type Segments } from '../segments.js';
import type { StoreState } from '../store-state.js';
import type { LocalWrites } from './local-writes.js';

export class Insertion {
  readonly #segments: Segments;
  readonly #index: HashIndex;
  readonly #reservation: Reservation;
  readonly #writes: LocalWrites;

  constructor({ segments, index }: StoreState, reservation: Reservation, writes: LocalWrites) {
    this.#segments = segments;
    this.#index = index;
    this.#reservation = reservation;
    this.#writes = writes;
  }

  /**
   * A unique of 0/0 = its version.
   * @returns the item, 0 when there is no room for it
   */
  insert(
    key: Uint8Array,
    start: number,
    length: number,
    flags: number,
    exptimeSec: number,
    value: Uint8Array,
    valueLength: number,
    uniqueHi: number,
    uniqueLo: number,
  ): number {
    const segments = this.#segments;
    const hash = this.#index.hash(key, start, length);
    const isAdd = this.#index.find(key, start, length, hash) === 0;
    const hasUnique = uniqueHi !== 0 || uniqueLo !== 0;
    const uniqueBytes = hasUnique ? OWN_UNIQUE_BYTES : 0;
    const ref = this.#reservation.reserveAllowed(length, uniqueBytes, flags, exptimeSec, valueLength);
    if (ref === 0) return 0;
    copyBytes(key, start, start + length, segments.view(ref), segments.keyOffset(ref));
    if (hasUnique) segments.giveUnique(ref, uniqueHi, uniqueLo);
    copyBytes(value, 0, valueLength, segments.view(ref), segments.valueOffset(ref));
    // Looked up anew: making room may have evicted it.
    this.#writes.publish(ref, hash, this.#index.find(key, start, length, hash), isAdd);
    return ref;
  }
}
