// Uniques that the client gives itself, for an item that is there already.
import type { HashIndex } from '../index.js';
import type { Reservation } from '../items/reservation.js';
import { BYTE_USE, OWN_UNIQUE_BYTES, WORD_EXPTIME, WORD_FLAGS, WORD_VALUE_LENGTH } from '../layout.js';
import { copyBytes, type Segments } from '../segments.js';
import type { StoreState } from '../store-state.js';
import type { Values } from '../values.js';
import type { LocalWrites } from './local-writes.js';
import type { Lookup } from './lookup.js';

export class OwnUniques {
  readonly #segments: Segments;
  readonly #values: Values;
  readonly #index: HashIndex;
  readonly #reservation: Reservation;
  readonly #lookup: Lookup;
  readonly #writes: LocalWrites;

  constructor(
    { segments, values, index }: StoreState,
    reservation: Reservation,
    lookup: Lookup,
    writes: LocalWrites,
  ) {
    this.#segments = segments;
    this.#values = values;
    this.#index = index;
    this.#reservation = reservation;
    this.#lookup = lookup;
    this.#writes = writes;
  }

  /** False when there is no such item, or no room for its unique. */
  override(key: Uint8Array, start: number, length: number, hi: number, lo: number): boolean {
    const segments = this.#segments;
    const ref = this.#lookup.find(key, start, length);
    if (ref === 0) return false;
    if (segments.ownUniqueBytes(ref) === 0) return this.#copyWithUnique(key, start, length, hi, lo);
    this.#writes.stamp(ref);
    segments.setOwnUnique(ref, hi, lo);
    this.#writes.log(ref);
    return true;
  }

  /** Stores the live item with this key again, marks included, in a slot that has room for a unique. */
  #copyWithUnique(key: Uint8Array, start: number, length: number, hi: number, lo: number): boolean {
    const segments = this.#segments;
    const hash = this.#index.hash(key, start, length);
    let old = this.#index.find(key, start, length, hash);
    const ref = this.#reservation.reserveAllowed(
      length,
      OWN_UNIQUE_BYTES,
      segments.word(old, WORD_FLAGS),
      segments.word(old, WORD_EXPTIME),
      segments.word(old, WORD_VALUE_LENGTH),
    );
    if (ref === 0) return false;
    // Making room may have evicted the very item.
    old = this.#index.find(key, start, length, hash);
    if (old === 0) {
      this.#values.release(ref);
      return false;
    }
    segments.setByte(ref, BYTE_USE, segments.byte(old, BYTE_USE));
    copyBytes(key, start, start + length, segments.view(ref), segments.keyOffset(ref));
    segments.giveUnique(ref, hi, lo);
    this.#values.transfer(old, ref, 0);
    this.#writes.publish(ref, hash, old, false);
    return true;
  }
}
