// Finding the item of a key, with what a get counts, and what a hit leaves with the item. What is found dead is freed.
import { CLASS_COUNTER } from '../class-counters.js';
import { COUNTER } from '../counters.js';
import type { HashIndex } from '../index.js';
import type { Accounts } from '../items/accounts.js';
import type { Departures } from '../items/departures.js';
import type { Liveness } from '../items/liveness.js';
import { BYTE_USE, STATE_TOMBSTONE, USE_FETCHED, USE_FREQUENCY_MASK, WORD_LAST_ACCESS } from '../layout.js';
import type { PrefixStats } from '../prefix-stats.js';
import type { Segments } from '../segments.js';
import type { Slabs } from '../slabs.js';
import type { StoreState } from '../store-state.js';
import type { StoreTime } from '../store-time.js';
import { describeItem, type FetchStatus, fetchLine, uriKey } from '../watch-events.js';
import { WATCH_FETCHERS, type WatchLog } from '../watch-log.js';

export class Lookup {
  readonly #segments: Segments;
  readonly #slabs: Slabs;
  readonly #index: HashIndex;
  readonly #time: StoreTime;
  readonly #counts: Float64Array;
  readonly #prefixStats: PrefixStats;
  readonly #watchLog: WatchLog;
  readonly #accounts: Accounts;
  readonly #liveness: Liveness;
  readonly #departures: Departures;

  constructor(state: StoreState, accounts: Accounts, liveness: Liveness, departures: Departures) {
    this.#segments = state.segments;
    this.#slabs = state.slabs;
    this.#index = state.index;
    this.#time = state.time;
    this.#counts = state.counters.values;
    this.#prefixStats = state.prefixStats;
    this.#watchLog = state.watchLog;
    this.#accounts = accounts;
    this.#liveness = liveness;
    this.#departures = departures;
  }

  /** The live item with this key, 0 when there is none. Counts nothing. */
  find(key: Uint8Array, start: number, length: number): number {
    const entry = this.#index.find(key, start, length, this.#index.hash(key, start, length));
    return entry === 0 ? 0 : this.liveOrReclaim(entry);
  }

  /** The entry itself if it is live, else 0; a dead item is freed. */
  liveOrReclaim(entry: number): number {
    if (this.#segments.state(entry) === STATE_TOMBSTONE) return 0;
    if (!this.#liveness.isExpired(entry) && !this.#liveness.isFlushed(entry)) return entry;
    this.#departures.reclaim(entry);
    return 0;
  }

  get(key: Uint8Array, start: number, length: number): number {
    this.#counts[COUNTER.cmdGet]++;
    const ref = this.#look(COUNTER.getHits, COUNTER.getMisses, key, start, length);
    if (ref !== 0) this.use(ref);
    return ref;
  }

  getToTouch(key: Uint8Array, start: number, length: number): number {
    this.#counts[COUNTER.cmdTouch]++;
    const ref = this.#look(COUNTER.touchHits, COUNTER.touchMisses, key, start, length);
    if (ref !== 0) this.use(ref);
    return ref;
  }

  look(key: Uint8Array, start: number, length: number, touches: boolean): number {
    // A miss is a miss of get even for one that touches, as in memcached.
    const ref = this.#look(
      touches ? COUNTER.touchHits : COUNTER.getHits,
      COUNTER.getMisses,
      key,
      start,
      length,
    );
    this.#counts[touches && ref !== 0 ? COUNTER.cmdTouch : COUNTER.cmdGet]++;
    return ref;
  }

  /** A reader's hit on a live item. */
  use(ref: number): void {
    const use = this.#segments.byte(ref, BYTE_USE);
    if ((use & USE_FETCHED) === 0) this.#segments.setByte(ref, BYTE_USE, use | USE_FETCHED);
    this.bump(ref);
  }

  /** What keeps an item from eviction: one byte, and the time once a second. */
  bump(ref: number): void {
    const segments = this.#segments;
    const { nowSec } = this.#time;
    const use = segments.byte(ref, BYTE_USE);
    if ((use & USE_FREQUENCY_MASK) !== USE_FREQUENCY_MASK) segments.setByte(ref, BYTE_USE, use + 1);
    // Not lower: after a flush_all of this node alone it may be a second that is still to come.
    if (segments.word(ref, WORD_LAST_ACCESS) < nowSec) segments.setWord(ref, WORD_LAST_ACCESS, nowSec);
  }

  #look(hits: number, misses: number, key: Uint8Array, start: number, length: number): number {
    const entry = this.#index.find(key, start, length, this.#index.hash(key, start, length));
    const isThere = entry !== 0 && this.#segments.state(entry) !== STATE_TOMBSTONE;
    const isFlushed = isThere && this.#liveness.isFlushed(entry);
    const isExpired = isThere && !isFlushed && this.#liveness.isExpired(entry);
    const ref = isThere && !isFlushed && !isExpired ? entry : 0;
    const counts = this.#counts;
    counts[ref === 0 ? misses : hits]++;
    if (this.#prefixStats.isEnabled) this.#prefixStats.countGet(key, start, length, ref !== 0);
    if (this.#watchLog.isWatched(WATCH_FETCHERS)) {
      this.#tellFetch(key, start, length, ref, isFlushed ? 'flushed' : isExpired ? 'expired' : 'not_found');
    }
    if (ref !== 0) {
      const counter = hits === COUNTER.getHits ? CLASS_COUNTER.getHits : CLASS_COUNTER.touchHits;
      this.#accounts.countOfClass(ref, counter);
    } else if (isThere) {
      counts[isFlushed ? COUNTER.getFlushed : COUNTER.getExpired]++;
      this.#departures.reclaim(entry);
    }
    return ref;
  }

  #tellFetch(key: Uint8Array, start: number, length: number, ref: number, otherwise: FetchStatus): void {
    const item =
      ref === 0
        ? { key: uriKey(key, start, length), slabId: 0, valueLength: 0 }
        : describeItem(this.#segments, this.#slabs, ref);
    const line = fetchLine(item, ref === 0 ? otherwise : 'found');
    this.#watchLog.append(WATCH_FETCHERS, this.#time.nowMs, line);
  }
}
