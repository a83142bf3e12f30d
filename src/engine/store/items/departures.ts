// How entries go: dropped, evicted, expired; and what is remembered of those that the peer has not heard of.
import { CLASS_COUNTER, type ClassCounters } from '../class-counters.js';
import { COUNTER } from '../counters.js';
import type { HashIndex } from '../index.js';
import {
  BYTE_STATE,
  BYTE_USE,
  STATE_TOMBSTONE,
  USE_FETCHED,
  USE_LOCAL,
  USE_PROVISIONAL,
  WORD_EXPTIME,
  WORD_FLAGS,
  WORD_LAST_ACCESS,
  WORD_VALUE_LENGTH,
  WORD_VERSION_HI,
  WORD_VERSION_LO,
} from '../layout.js';
import type { LostWrites } from '../lost-writes.js';
import type { Segments } from '../segments.js';
import type { Slabs } from '../slabs.js';
import type { StoreState } from '../store-state.js';
import type { StoreTime } from '../store-time.js';
import type { Values } from '../values.js';
import { describeItem, evictionLine } from '../watch-events.js';
import { WATCH_EVICTIONS, type WatchLog } from '../watch-log.js';
import type { Accounts } from './accounts.js';
import type { Liveness } from './liveness.js';
import type { PeerKnowledge } from './peer-knowledge.js';

export class Departures {
  readonly #segments: Segments;
  readonly #slabs: Slabs;
  readonly #values: Values;
  readonly #index: HashIndex;
  readonly #time: StoreTime;
  readonly #lost: LostWrites;
  readonly #counts: Float64Array;
  readonly #classCounters: ClassCounters;
  readonly #watchLog: WatchLog;
  readonly #accounts: Accounts;
  readonly #liveness: Liveness;
  readonly #peer: PeerKnowledge;

  constructor(state: StoreState, accounts: Accounts, liveness: Liveness, peer: PeerKnowledge) {
    this.#segments = state.segments;
    this.#slabs = state.slabs;
    this.#values = state.values;
    this.#index = state.index;
    this.#time = state.time;
    this.#lost = state.lost;
    this.#counts = state.counters.values;
    this.#classCounters = state.classCounters;
    this.#watchLog = state.watchLog;
    this.#accounts = accounts;
    this.#liveness = liveness;
    this.#peer = peer;
  }

  /** Takes an item or tombstone out of the index and frees its slot. */
  drop(ref: number): void {
    this.#index.unlink(ref, this.#index.hashOfRef(ref));
    this.#accounts.uncount(ref);
    this.#values.release(ref);
  }

  evict(ref: number): void {
    const segments = this.#segments;
    const classCounters = this.#classCounters;
    const slabClass = this.#slabs.classOfRef(ref);
    this.#counts[COUNTER.evictions]++;
    if (!segments.hasMark(ref, USE_FETCHED)) {
      this.#counts[COUNTER.evictedUnfetched]++;
      classCounters.add(slabClass, CLASS_COUNTER.evictedUnfetched, 1);
    }
    if (segments.word(ref, WORD_EXPTIME) !== 0) classCounters.add(slabClass, CLASS_COUNTER.evictedNonzero, 1);
    const unusedSec = Math.max(0, this.#time.nowSec - segments.word(ref, WORD_LAST_ACCESS));
    classCounters.set(slabClass, CLASS_COUNTER.evictedTimeSec, unusedSec);
    if (this.#watchLog.isWatched(WATCH_EVICTIONS)) this.#tellEviction(ref, unusedSec);
    this.#slabs.countEviction(ref);
    this.#noteEvicted(ref);
    this.drop(ref);
  }

  /** Frees an expired or flushed item; false when it had to become a tombstone in its slot. */
  reclaim(ref: number): boolean {
    const slabClass = this.#slabs.classOfRef(ref);
    this.#classCounters.add(slabClass, CLASS_COUNTER.reclaimed, 1);
    if (!this.#segments.hasMark(ref, USE_FETCHED)) {
      this.#counts[COUNTER.expiredUnfetched]++;
      this.#classCounters.add(slabClass, CLASS_COUNTER.expiredUnfetched, 1);
    }
    if (!this.#peer.mayMiss(ref)) {
      if (this.#liveness.isForgotten(ref)) this.dropForgotten(ref);
      else this.drop(ref);
      return true;
    }
    this.turnToTombstone(ref);
    return false;
  }

  /** Frees what a flush_all of this node alone took. If the peer has not heard of it, what it has is older. */
  dropForgotten(ref: number): void {
    this.#noteEvicted(ref);
    this.drop(ref);
  }

  /** Frees a tombstone before the peer has acknowledged it. */
  dropTombstone(ref: number): void {
    const segments = this.#segments;
    const hi = segments.word(ref, WORD_VERSION_HI);
    this.#lost.noteDeleted(this.#index.hashOfRef(ref), hi, segments.word(ref, WORD_VERSION_LO));
    this.drop(ref);
  }

  /** Makes an item a tombstone where it lies. */
  turnToTombstone(ref: number): void {
    const segments = this.#segments;
    this.#accounts.uncount(ref);
    this.#values.freePieces(ref);
    segments.setWord(ref, WORD_VALUE_LENGTH, 0);
    segments.setWord(ref, WORD_EXPTIME, 0);
    segments.setWord(ref, WORD_FLAGS, 0);
    segments.setByte(ref, BYTE_USE, 0);
    segments.setByte(ref, BYTE_STATE, STATE_TOMBSTONE);
    this.#accounts.countTombstone(ref, 1);
  }

  /** What is evicted before the peer has it leaves something older with the peer, if that has anything. */
  #noteEvicted(ref: number): void {
    const segments = this.#segments;
    // A provisional item gives way to what the peer has.
    if (segments.hasMark(ref, USE_LOCAL | USE_PROVISIONAL) || !this.#peer.isUnacknowledged(ref)) return;
    const hi = segments.word(ref, WORD_VERSION_HI);
    this.#lost.noteEvicted(this.#index.hashOfRef(ref), hi, segments.word(ref, WORD_VERSION_LO));
  }

  #tellEviction(ref: number, unusedSec: number): void {
    const { nowSec } = this.#time;
    const exptimeSec = this.#segments.word(ref, WORD_EXPTIME);
    const ttlSec = exptimeSec === 0 ? -1 : exptimeSec - nowSec;
    const item = describeItem(this.#segments, this.#slabs, ref);
    const line = evictionLine(item, this.#segments.hasMark(ref, USE_FETCHED), ttlSec, unusedSec);
    this.#watchLog.append(WATCH_EVICTIONS, nowSec * 1000, line);
  }
}
