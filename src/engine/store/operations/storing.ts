// Storing what a client sends: a slot is reserved, filled as the value arrives, and then committed by one of the modes.
import { CLASS_COUNTER } from '../class-counters.js';
import { COUNTER } from '../counters.js';
import type { HashIndex } from '../index.js';
import type { Accounts } from '../items/accounts.js';
import type { Reservation } from '../items/reservation.js';
import {
  BYTE_KEY_LENGTH,
  BYTE_USE,
  HEADER_BYTES,
  OWN_UNIQUE_BYTES,
  USE_STALE,
  USE_WINNER,
  WORD_EXPTIME,
  WORD_NEXT,
  WORD_VALUE_LENGTH,
} from '../layout.js';
import type { PrefixStats } from '../prefix-stats.js';
import { copyBytes, type Segments } from '../segments.js';
import type { Slabs } from '../slabs.js';
import type { StoreState } from '../store-state.js';
import type { StoreTime } from '../store-time.js';
import {
  MODE_ADD,
  MODE_APPEND,
  MODE_APPEND_OR_ADD,
  MODE_CAS_OR_STALE,
  MODE_PREPEND,
  MODE_PREPEND_OR_ADD,
  MODE_SET,
  NO_MEMORY,
  STORED,
  type StoreMode,
  type StoreResult,
  TOO_LARGE,
} from '../store-types.js';
import type { Values } from '../values.js';
import { describeItem, storeLine, uriKey } from '../watch-events.js';
import { WATCH_MUTATIONS, type WatchLog } from '../watch-log.js';
import type { CommitRules } from './commit-rules.js';
import type { Concatenation } from './concatenation.js';
import type { Deletion } from './deletion.js';
import type { LocalWrites } from './local-writes.js';
import type { Lookup } from './lookup.js';

/** What it builds on. */
export interface StoringParts {
  readonly accounts: Accounts;
  readonly reservation: Reservation;
  readonly lookup: Lookup;
  readonly writes: LocalWrites;
  readonly deletion: Deletion;
}

export class Storing {
  /** What reserve() says when it returns 0. */
  reserveError: typeof NO_MEMORY | typeof TOO_LARGE = NO_MEMORY;

  readonly #segments: Segments;
  readonly #slabs: Slabs;
  readonly #values: Values;
  readonly #index: HashIndex;
  readonly #time: StoreTime;
  readonly #counts: Float64Array;
  readonly #prefixStats: PrefixStats;
  readonly #watchLog: WatchLog;
  readonly #accounts: Accounts;
  readonly #reservation: Reservation;
  readonly #lookup: Lookup;
  readonly #writes: LocalWrites;
  readonly #deletion: Deletion;
  readonly #rules: CommitRules;
  readonly #concatenation: Concatenation;

  constructor(state: StoreState, parts: StoringParts, rules: CommitRules, concatenation: Concatenation) {
    this.#segments = state.segments;
    this.#slabs = state.slabs;
    this.#values = state.values;
    this.#index = state.index;
    this.#time = state.time;
    this.#counts = state.counters.values;
    this.#prefixStats = state.prefixStats;
    this.#watchLog = state.watchLog;
    this.#accounts = parts.accounts;
    this.#reservation = parts.reservation;
    this.#lookup = parts.lookup;
    this.#writes = parts.writes;
    this.#deletion = parts.deletion;
    this.#rules = rules;
    this.#concatenation = concatenation;
  }

  reserve(
    key: Uint8Array,
    start: number,
    length: number,
    flags: number,
    exptimeSec: number,
    valueLength: number,
    ownUniqueBytes: number,
  ): number {
    if (this.#prefixStats.isEnabled) this.#prefixStats.countSet(key, start, length);
    if (!this.#reservation.isAllowed(length, valueLength, flags)) {
      this.#counts[COUNTER.storeTooLarge]++;
      this.reserveError = TOO_LARGE;
      return 0;
    }
    const ref = this.#reservation.reserve(length, ownUniqueBytes, flags, exptimeSec, valueLength);
    if (ref === 0) {
      this.#accounts.countNoMemory(HEADER_BYTES + length + ownUniqueBytes + valueLength);
      this.reserveError = NO_MEMORY;
      return 0;
    }
    const segments = this.#segments;
    copyBytes(key, start, start + length, segments.view(ref), segments.keyOffset(ref));
    segments.setWord(ref, WORD_NEXT, this.#index.hash(key, start, length));
    return ref;
  }

  reserveWithUnique(
    key: Uint8Array,
    start: number,
    length: number,
    flags: number,
    exptimeSec: number,
    valueLength: number,
    uniqueHi: number,
    uniqueLo: number,
  ): number {
    const ref = this.reserve(key, start, length, flags, exptimeSec, valueLength, OWN_UNIQUE_BYTES);
    if (ref !== 0) this.#segments.giveUnique(ref, uniqueHi, uniqueLo);
    return ref;
  }

  commit(ref: number, mode: StoreMode, uniqueHi: number, uniqueLo: number): StoreResult {
    if (!this.#watchLog.isWatched(WATCH_MUTATIONS)) return this.#commit(ref, mode, uniqueHi, uniqueLo);
    const segments = this.#segments;
    // The commit may free it, or make it a part of another item.
    const asSent = this.#storeLineOf(ref);
    const keyAt = segments.keyOffset(ref);
    const key = new Uint8Array(
      segments.view(ref).subarray(keyAt, keyAt + segments.byte(ref, BYTE_KEY_LENGTH)),
    );
    const result = this.#commit(ref, mode, uniqueHi, uniqueLo);
    const isWhole = mode === MODE_SET || mode === MODE_ADD || result !== STORED;
    const stored = isWhole ? 0 : this.#lookup.find(key, 0, key.length);
    const line = stored === 0 ? asSent : this.#storeLineOf(stored);
    this.#watchLog.append(WATCH_MUTATIONS, this.#time.nowMs, line(mode, result));
    return result;
  }

  /** For watchers: an item as it is now, and what came of it. */
  #storeLineOf(ref: number): (mode: StoreMode, result: StoreResult) => string {
    const item = describeItem(this.#segments, this.#slabs, ref);
    const exptimeSec = this.#segments.word(ref, WORD_EXPTIME);
    const ttlSec = exptimeSec === 0 ? 0 : Math.max(0, exptimeSec - this.#time.nowSec);
    return (mode, result) => storeLine(item, mode, result, ttlSec);
  }

  tellRefused(key: Uint8Array, start: number, length: number, mode: StoreMode): void {
    if (!this.#watchLog.isWatched(WATCH_MUTATIONS)) return;
    const item = { key: uriKey(key, start, length), slabId: 0, valueLength: 0 };
    this.#watchLog.append(WATCH_MUTATIONS, this.#time.nowMs, storeLine(item, mode, this.reserveError, 0));
  }

  #commit(ref: number, mode: StoreMode, uniqueHi: number, uniqueLo: number): StoreResult {
    const segments = this.#segments;
    this.#counts[COUNTER.cmdSet]++;
    this.#accounts.countOfClass(ref, CLASS_COUNTER.cmdSet);
    const keyLength = segments.byte(ref, BYTE_KEY_LENGTH);
    const hash = segments.word(ref, WORD_NEXT);
    const entry = this.#index.find(segments.view(ref), segments.keyOffset(ref), keyLength, hash);
    const live = entry === 0 ? 0 : this.#lookup.liveOrReclaim(entry);
    const result = this.#rules.judge(live, mode, uniqueHi, uniqueLo);
    if (result !== STORED) {
      this.#values.release(ref);
      return result;
    }
    if (mode === MODE_APPEND || mode === MODE_PREPEND) {
      return this.#concatenation.concatenate(ref, hash, mode === MODE_APPEND);
    }
    if (live !== 0 && (mode === MODE_APPEND_OR_ADD || mode === MODE_PREPEND_OR_ADD)) {
      return this.#concatenation.concatenate(ref, hash, mode === MODE_APPEND_OR_ADD);
    }
    if (mode === MODE_CAS_OR_STALE && !this.#rules.isUniqueOf(live, uniqueHi, uniqueLo))
      this.#inheritStale(ref, live);
    // Reclaiming may have freed the entry, or left a tombstone in its place.
    const old =
      live !== 0 || entry === 0
        ? live
        : this.#index.find(segments.view(ref), segments.keyOffset(ref), keyLength, hash);
    const exptimeSec = segments.word(ref, WORD_EXPTIME);
    if (exptimeSec !== 0 && exptimeSec <= this.#time.nowSec) {
      this.#values.release(ref);
      this.#counts[COUNTER.totalItems]++;
      if (live !== 0) this.#deletion.removeItem(live);
      this.#writes.noteStillborn(segments.word(ref, WORD_VALUE_LENGTH));
      return STORED;
    }
    const isAdd = mode === MODE_ADD || mode === MODE_APPEND_OR_ADD || mode === MODE_PREPEND_OR_ADD;
    this.#writes.publish(ref, hash, old, isAdd);
    return STORED;
  }

  /** What is stored under an older unique than the item's: a new value, as stale as before, for as long as before. */
  #inheritStale(ref: number, live: number): void {
    const segments = this.#segments;
    const winner = segments.byte(live, BYTE_USE) & USE_WINNER;
    segments.setMark(ref, USE_STALE | winner);
    segments.setWord(ref, WORD_EXPTIME, segments.word(live, WORD_EXPTIME));
  }
}
