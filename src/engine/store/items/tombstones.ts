// What is left of a deleted item until the peer has heard of it. All of them together have a bounded share of memory.
import { COUNTER } from '../counters.js';
import type { HashIndex } from '../index.js';
import {
  BYTE_KEY_LENGTH,
  BYTE_STATE,
  BYTE_USE,
  HEADER_BYTES,
  STATE_TOMBSTONE,
  WORD_VERSION_HI,
  WORD_VERSION_LO,
} from '../layout.js';
import { copyBytes, type Segments } from '../segments.js';
import { classForSize } from '../slab-classes.js';
import type { Slabs } from '../slabs.js';
import type { StoreState } from '../store-state.js';
import type { Values } from '../values.js';
import type { Accounts } from './accounts.js';
import { ArenaHand } from './arena-hand.js';
import type { Departures } from './departures.js';
import type { Reservation } from './reservation.js';

export class Tombstones {
  readonly #segments: Segments;
  readonly #slabs: Slabs;
  readonly #values: Values;
  readonly #index: HashIndex;
  readonly #counts: Float64Array;
  readonly #bytesMax: number;
  readonly #accounts: Accounts;
  readonly #departures: Departures;
  readonly #reservation: Reservation;
  readonly #hand: ArenaHand;

  constructor(state: StoreState, accounts: Accounts, departures: Departures, reservation: Reservation) {
    this.#segments = state.segments;
    this.#slabs = state.slabs;
    this.#values = state.values;
    this.#index = state.index;
    this.#counts = state.counters.values;
    this.#bytesMax = state.tombstoneBytesMax;
    this.#accounts = accounts;
    this.#departures = departures;
    this.#reservation = reservation;
    this.#hand = new ArenaHand(state.memory, 'tombstones.hand', state.slabs);
  }

  /** Turns a live item into a tombstone, in a smaller slot if one is free. Returns where it is now. */
  entomb(ref: number): number {
    this.#makeRoom();
    const slabs = this.#slabs;
    const keyLength = this.#segments.byte(ref, BYTE_KEY_LENGTH);
    const smallClass = classForSize(slabs.sizes, HEADER_BYTES + keyLength);
    if (smallClass !== slabs.classOfRef(ref)) {
      const small = slabs.allocate(smallClass);
      if (small !== 0) return this.#moveTo(small, ref, keyLength);
    }
    this.#departures.turnToTombstone(ref);
    return ref;
  }

  /** A tombstone for a key that has no entry; 0 when there is no room for it. */
  add(
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
    hash: number,
    versionHi: number,
    versionLo: number,
    touchSeq: number,
  ): number {
    this.#makeRoom();
    const segments = this.#segments;
    const ref = this.#reservation.reserve(keyLength, 0, 0, 0, 0);
    if (ref === 0) return 0;
    segments.setVersion(ref, versionHi, versionLo, touchSeq);
    copyBytes(key, keyStart, keyStart + keyLength, segments.view(ref), segments.keyOffset(ref));
    this.#index.link(ref, hash);
    segments.setByte(ref, BYTE_STATE, STATE_TOMBSTONE);
    this.#accounts.countTombstone(ref, 1);
    return ref;
  }

  /** Frees the tombstone of a delete that the peer acknowledged; false when the slot no longer holds it. */
  release(ref: number, versionHi: number, versionLo: number): boolean {
    const segments = this.#segments;
    if (!this.#slabs.isSlot(ref) || segments.state(ref) !== STATE_TOMBSTONE) return false;
    if (segments.word(ref, WORD_VERSION_HI) !== versionHi) return false;
    if (segments.word(ref, WORD_VERSION_LO) !== versionLo) return false;
    this.#departures.drop(ref);
    return true;
  }

  #moveTo(small: number, ref: number, keyLength: number): number {
    const segments = this.#segments;
    segments.setHeader(small, keyLength, 0, 0, 0);
    segments.setByte(small, BYTE_USE, 0);
    segments.copyVersion(ref, small);
    const keyAt = segments.keyOffset(ref);
    copyBytes(segments.view(ref), keyAt, keyAt + keyLength, segments.view(small), segments.keyOffset(small));
    this.#index.exchange(ref, small, this.#index.hashOfRef(ref));
    segments.setByte(small, BYTE_STATE, STATE_TOMBSTONE);
    this.#accounts.countTombstone(small, 1);
    this.#accounts.uncount(ref);
    this.#values.release(ref);
    return small;
  }

  /** Keeps tombstones within their share of memory by dropping those that a hand of their own meets next. */
  #makeRoom(): void {
    const hand = this.#hand;
    while (this.#counts[COUNTER.tombstoneBytes] >= this.#bytesMax) {
      if (this.#counts[COUNTER.tombstones] === 0) return;
      const { page } = hand;
      if (page < this.#slabs.pagesTaken && this.#slabs.tombstonesOfPage(page) === 0) {
        hand.moveTo(page + 1);
        continue;
      }
      const ref = hand.next();
      if (ref !== 0 && this.#segments.state(ref) === STATE_TOMBSTONE) this.#departures.dropTombstone(ref);
    }
  }
}
