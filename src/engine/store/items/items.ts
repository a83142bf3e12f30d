// Live items: how a filled slot becomes one, and whether and how a new value takes the place of an old one.
import { COUNTER } from '../counters.js';
import type { HashIndex } from '../index.js';
import {
  BYTE_KEY_LENGTH,
  BYTE_STATE,
  BYTE_USE,
  HEADER_BYTES,
  STATE_LIVE,
  USE_FETCHED,
  USE_FREQUENCY_MASK,
  WORD_EXPTIME,
  WORD_FLAGS,
  WORD_LAST_ACCESS,
} from '../layout.js';
import type { LocalFlush } from '../local-flush.js';
import type { Segments } from '../segments.js';
import type { Slabs } from '../slabs.js';
import type { StoreState } from '../store-state.js';
import type { StoreTime } from '../store-time.js';
import type { Values } from '../values.js';
import type { Accounts } from './accounts.js';

export class Items {
  readonly #segments: Segments;
  readonly #slabs: Slabs;
  readonly #values: Values;
  readonly #index: HashIndex;
  readonly #time: StoreTime;
  readonly #localFlush: LocalFlush | undefined;
  readonly #counts: Float64Array;
  readonly #accounts: Accounts;

  constructor(state: StoreState, accounts: Accounts) {
    this.#segments = state.segments;
    this.#slabs = state.slabs;
    this.#values = state.values;
    this.#index = state.index;
    this.#time = state.time;
    this.#localFlush = state.localFlush;
    this.#counts = state.counters.values;
    this.#accounts = accounts;
  }

  /** Enters a filled, reserved slot into the index as a live item, in the place of oldRef (0 = none). */
  publish(ref: number, hash: number, oldRef: number): void {
    if (oldRef === 0) {
      this.#index.link(ref, hash);
    } else {
      this.#index.exchange(oldRef, ref, hash);
      this.#accounts.uncount(oldRef);
      this.#values.release(oldRef);
    }
    this.#segments.setWord(ref, WORD_LAST_ACCESS, this.#arrivalSec);
    this.#segments.setByte(ref, BYTE_STATE, STATE_LIVE);
    this.#counts[COUNTER.totalItems]++;
    this.#accounts.countItem(ref, 1);
  }

  /**
   * Whether a new value may take the place of a live item's: neither is chained, the slot is what the new one would get,
   * and the item has no marks that say more of the old value than that it was read.
   */
  mayOverwrite(ref: number, valueLength: number): boolean {
    const segments = this.#segments;
    const slabs = this.#slabs;
    if (segments.hasMark(ref, ~(USE_FREQUENCY_MASK | USE_FETCHED))) return false;
    if (this.#values.isChained(ref)) return false;
    const itemBytes = HEADER_BYTES + segments.byte(ref, BYTE_KEY_LENGTH) + valueLength;
    const slabClass = slabs.classOfRef(ref);
    return itemBytes <= slabs.sizes[slabClass] && (slabClass === 0 || itemBytes > slabs.sizes[slabClass - 1]);
  }

  /** Makes a live item a new one with the same key, but for its value and version. */
  overwrite(ref: number, flags: number, exptimeSec: number, valueLength: number): void {
    const segments = this.#segments;
    this.#accounts.resizeValue(ref, valueLength);
    segments.setWord(ref, WORD_FLAGS, flags);
    segments.setWord(ref, WORD_EXPTIME, exptimeSec);
    segments.setWord(ref, WORD_LAST_ACCESS, this.#arrivalSec);
    // It stays where it is in the clock hand's queue: one use to its credit gives it a full turn.
    segments.setByte(ref, BYTE_USE, 1);
    this.#slabs.countWrite(ref);
    this.#counts[COUNTER.totalItems]++;
  }

  /** The second of access of what is stored now. */
  get #arrivalSec(): number {
    const { nowSec } = this.#time;
    return this.#localFlush === undefined ? nowSec : this.#localFlush.arrivalSec(nowSec);
  }
}
