// The cache itself: every command's effect on memory, local ones and the peer's. No clock, timer or I/O of its own.
//
// Every local write is stamped with a version and logged here, so that no command can forget to replicate.
import { CHANGE_FLUSH, CHANGE_ITEM, CHANGE_TOMBSTONE, type ChangeLog } from './change-log.js';
import { CLASS_COUNTER, type ClassCounters } from './class-counters.js';
import { COUNTER, Counters } from './counters.js';
import { DECIMAL64_MAX_DIGITS, Decimal64, writeDecimal64 } from './decimal64.js';
import { RELATIVE_LIMIT_SEC } from './exptime.js';
import { FlushFloor } from './flush-floor.js';
import { hashKey } from './hash.js';
import { HashIndex } from './index.js';
import { Items } from './items.js';
import type { KeyPatterns } from './key-patterns.js';
import {
  BYTE_KEY_LENGTH,
  BYTE_TOUCH_SEQ,
  BYTE_USE,
  HEADER_BYTES,
  memcachedItemBytes,
  OWN_UNIQUE_BYTES,
  PAGE_BYTES,
  STATE_LIVE,
  STATE_TOMBSTONE,
  TOUCH_SEQ_MAX,
  USE_FETCHED,
  USE_FREQUENCY_MASK,
  USE_LOCAL,
  USE_OWN_UNIQUE,
  USE_PROVISIONAL,
  USE_STALE,
  USE_WINNER,
  WORD_EXPTIME,
  WORD_FLAGS,
  WORD_LAST_ACCESS,
  WORD_NEXT,
  WORD_VALUE_LENGTH,
  WORD_VERSION_HI,
  WORD_VERSION_LO,
} from './layout.js';
import { LocalFlush } from './local-flush.js';
import { type LostFloor, LostWrites } from './lost-writes.js';
import { parseNumericValue } from './numeric-value.js';
import { PrefixStats } from './prefix-stats.js';
import { RemoteWrites } from './remote-writes.js';
import { copyBytes, Segments } from './segments.js';
import { SharedMemory } from './shared-memory.js';
import { classForSize } from './slab-classes.js';
import { Slabs } from './slabs.js';
import { StoreLock } from './store-lock.js';
import {
  ARITH_NO_MEMORY,
  ARITH_NON_NUMERIC,
  ARITH_NOT_FOUND,
  ARITH_OK,
  type ArithResult,
  EXISTS,
  type FlushState,
  type ItemMarks,
  MAX_ITEM_BYTES,
  MAX_MEMORY_BYTES,
  MIN_MEMORY_BYTES,
  MODE_ADD,
  MODE_APPEND,
  MODE_APPEND_OR_ADD,
  MODE_CAS,
  MODE_CAS_OR_STALE,
  MODE_PREPEND,
  MODE_PREPEND_OR_ADD,
  MODE_REPLACE,
  NO_MEMORY,
  NOT_FOUND,
  NOT_STORED,
  REMOTE_APPLIED,
  REMOTE_CLOCK,
  REMOTE_LOCAL_KEY,
  REMOTE_OVERRULED,
  REMOTE_SAME,
  type RemoteResult,
  STORED,
  type StoreMode,
  type StoreOptions,
  type StoreResult,
  TOO_LARGE,
} from './store-types.js';
import { SweepPace } from './sweep-pace.js';
import type { Values } from './values.js';
import { compareVersions, type VersionClock, versionHiOfMs, versionLoOfMs } from './version.js';
import { deletionLine, type FetchStatus, fetchLine, storeLine, uriKey } from './watch-events.js';
import { WATCH_DELETIONS, WATCH_FETCHERS, WATCH_MUTATIONS, WatchLog } from './watch-log.js';

const DEFAULT_TOMBSTONE_SHARE = 1 / 16;
const OUT_OF_SYNC = 0;
const DEFAULT_INITIAL_BUCKETS = 0x4_0000;

export class Store {
  readonly counters: Counters;
  readonly sweepPace: SweepPace;
  readonly prefixStats: PrefixStats;
  readonly lostWrites: LostWrites;
  /** By which keys are hashed. */
  readonly hashSeed: number;
  readonly watchLog: WatchLog;
  readonly evictions: boolean;
  readonly itemSizeMaxBytes: number;
  /** All memory the store may ever touch, in bytes: its pages and its tables. */
  readonly memoryLimitBytes: number;
  /** Set by setNow(). */
  nowMs = 0;
  nowSec = 0;
  /** What reserve() says when it returns 0. */
  reserveError: typeof NO_MEMORY | typeof TOO_LARGE = NO_MEMORY;
  /** The result of the last successful incr or decr. */
  readonly number = new Decimal64();
  /** The unique that the last successful commit() gave its item, and the length its value has now. */
  storedUniqueHi = 0;
  storedUniqueLo = 0;
  storedLength = 0;

  readonly #items: Items;
  readonly #segments: Segments;
  readonly #slabs: Slabs;
  readonly #values: Values;
  readonly #index: HashIndex;
  readonly #remote: RemoteWrites;
  readonly #lock: StoreLock;
  readonly #flushFloor: FlushFloor;
  /** Present when flush_all is of this node alone. */
  readonly #localFlush: LocalFlush | undefined;
  readonly #counts: Float64Array;
  readonly #clock: VersionClock;
  readonly #changeLog: ChangeLog | undefined;
  readonly #refusal: Int32Array;
  readonly #localKeys: KeyPatterns | undefined;
  /** [OUT_OF_SYNC] 1 while the peer may have what is not here. */
  readonly #syncState: Uint32Array;
  readonly #tableBytes: number;
  /** Keeps the reads of warm() from being optimized away. */
  #warmth = 0;
  readonly #digits = new Uint8Array(DECIMAL64_MAX_DIGITS);

  /** @throws RangeError when memoryBytes or itemSizeMaxBytes is outside what the layout can address. */
  constructor(options: StoreOptions) {
    const { memoryBytes } = options;
    this.hashSeed = options.hashSeed;
    if (!(memoryBytes >= MIN_MEMORY_BYTES && memoryBytes <= MAX_MEMORY_BYTES)) {
      throw new RangeError(
        `memory must be ${MIN_MEMORY_BYTES} to ${MAX_MEMORY_BYTES} bytes, not ${memoryBytes}`,
      );
    }
    this.itemSizeMaxBytes = options.itemSizeMaxBytes ?? PAGE_BYTES;
    if (!(this.itemSizeMaxBytes >= 1024 && this.itemSizeMaxBytes <= MAX_ITEM_BYTES)) {
      throw new RangeError(`an item may be 1024 to ${MAX_ITEM_BYTES} bytes, not ${this.itemSizeMaxBytes}`);
    }
    // The tables grow with the number of pages; count them for more pages than there will be.
    const pagesAtMost = Math.floor(memoryBytes / PAGE_BYTES);
    this.#tableBytes = Slabs.tableBytes(pagesAtMost) + HashIndex.tableBytes(pagesAtMost);
    const pageLimit = Math.floor((memoryBytes - this.#tableBytes) / PAGE_BYTES);
    this.memoryLimitBytes = pageLimit * PAGE_BYTES + this.#tableBytes;
    this.evictions = options.evictions ?? true;
    this.#clock = options.clock;
    this.#changeLog = options.changeLog;
    this.#localKeys = options.localKeys;
    const memory = options.memory ?? new SharedMemory();
    this.#lock = new StoreLock(memory);
    this.#flushFloor = new FlushFloor(memory);
    this.#localFlush = options.flushesLocally ? new LocalFlush(memory) : undefined;
    this.lostWrites = new LostWrites(memory, memoryBytes);
    this.counters = new Counters(memory);
    this.#syncState = memory.words('store.sync-state', 1);
    this.sweepPace = new SweepPace(memory);
    this.prefixStats = new PrefixStats(memory);
    this.watchLog = new WatchLog(memory);
    this.#counts = this.counters.values;
    this.#refusal = new Int32Array(memory.block('refusal', Int32Array.BYTES_PER_ELEMENT));
    this.#segments = new Segments(memory, pageLimit * PAGE_BYTES);
    this.#slabs = new Slabs(
      memory,
      this.#segments,
      this.counters,
      pageLimit,
      options.minItemSpaceBytes ?? 48,
      options.growthFactor ?? 1.25,
    );
    this.#items = new Items({
      memory,
      segments: this.#segments,
      slabs: this.#slabs,
      flushFloor: this.#flushFloor,
      localFlush: this.#localFlush,
      counters: this.counters,
      watchLog: this.watchLog,
      hashSeed: options.hashSeed,
      initialBuckets: options.initialBuckets ?? DEFAULT_INITIAL_BUCKETS,
      evictions: this.evictions,
      tombstoneBytesMax: this.memoryLimitBytes * (options.tombstoneShare ?? DEFAULT_TOMBSTONE_SHARE),
      changeLog: options.changeLog,
      lost: this.lostWrites,
    });
    this.#values = this.#items.values;
    this.#index = this.#items.index;
    this.#remote = new RemoteWrites(this.#items, this.itemSizeMaxBytes, options.localKeys);
  }

  // ── Threads ──────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Takes the lock over everything the threads share: each command does so once, from before it asks the store
   * until it has copied what it needs, and so finds the store as if it were alone. A slot that was reserved is its
   * owner's: writeValue() needs no lock. Nor does setNow(), which takes it by itself. All else does.
   * Call unlock() in `finally`. Not reentrant.
   */
  lock(): void {
    this.#lock.lock();
  }

  unlock(): void {
    this.#lock.unlock();
  }

  /**
   * For long work under the lock, between two portions of it (a few microseconds each): lets in whoever waits. What
   * was read of the store before may have changed after it.
   */
  yieldLock(): void {
    this.#lock.yield();
  }

  /** Whether this thread holds the lock. */
  get isLocked(): boolean {
    return this.#lock.isHeld;
  }

  /**
   * Tells the time; call before each batch of work, without the lock. Also lets a delayed flush_all take effect.
   * Each thread has a time of its own: a millisecond more or less is no matter, as versions only ever grow.
   */
  setNow(nowMs: number): void {
    this.nowMs = nowMs;
    this.nowSec = Math.floor(nowMs / 1000);
    this.#items.nowSec = this.nowSec;
    this.#localFlush?.noteSecond(this.nowSec);
    if (this.#flushFloor.isDue(nowMs) || this.#localFlush?.isDue(nowMs)) this.#advanceFlush();
  }

  /** Whether whoever speaks for a client is to refuse commands that write. Nothing here looks at it. */
  get refusesWrites(): boolean {
    return Atomics.load(this.#refusal, 0) !== 0;
  }

  set refusesWrites(refuses: boolean) {
    Atomics.store(this.#refusal, 0, refuses ? 1 : 0);
  }

  // ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** The item a client asked for, counted as a get and as a use; 0 = miss. */
  get(key: Uint8Array, start: number, length: number): number {
    this.#counts[COUNTER.cmdGet]++;
    return this.#getCounting(COUNTER.getHits, COUNTER.getMisses, key, start, length);
  }

  /** The same for gat, counted as a touch; touchItem() is to follow once the value was read. */
  getToTouch(key: Uint8Array, start: number, length: number): number {
    this.#counts[COUNTER.cmdGet]++;
    this.#counts[COUNTER.cmdTouch]++;
    return this.#getCounting(COUNTER.touchHits, COUNTER.touchMisses, key, start, length);
  }

  /** The item of a meta get, counted like get(), or like `touch` if the command touches, but not yet as a use. */
  look(key: Uint8Array, start: number, length: number, touches: boolean): number {
    if (touches) {
      this.#counts[COUNTER.cmdTouch]++;
      return this.#look(COUNTER.touchHits, COUNTER.touchMisses, key, start, length);
    }
    this.#counts[COUNTER.cmdGet]++;
    return this.#look(COUNTER.getHits, COUNTER.getMisses, key, start, length);
  }

  /** The live item with this key, 0 when there is none. Counts nothing; frees it when it is dead. */
  find(key: Uint8Array, start: number, length: number): number {
    return this.#findLive(key, start, length, this.#index.hash(key, start, length));
  }

  /** The entry of a key, be it live, dead or a tombstone; 0 = none. Counts and frees nothing. */
  entry(key: Uint8Array, start: number, length: number): number {
    return this.#index.find(key, start, length, this.#index.hash(key, start, length));
  }

  /** The item that a key probably means, 0 = none: a guess for warm(), made without the lock and never an answer. */
  likelyItem(key: Uint8Array, start: number, length: number): number {
    return this.#index.likelyEntry(this.#index.hash(key, start, length));
  }

  /** Touches an item's memory, so that it is on its way into the processor's cache. Needs no lock. */
  warm(ref: number): void {
    this.#warmth ^= this.#segments.peek(ref);
  }

  /** A reader's hit on a live item. */
  use(ref: number): void {
    const use = this.#segments.byte(ref, BYTE_USE);
    if ((use & USE_FETCHED) === 0) this.#segments.setByte(ref, BYTE_USE, use | USE_FETCHED);
    this.#bump(ref);
  }

  // ── Storing: reserve, fill, commit ───────────────────────────────────────────────────────────────────────────

  /**
   * A slot for an item whose value is still to come: fill it with writeValue(), then commit() or release() it.
   * exptimeSec is absolute (absoluteExptime()). 0 when there is none; reserveError says why.
   */
  reserve(
    key: Uint8Array,
    start: number,
    length: number,
    flags: number,
    exptimeSec: number,
    valueLength: number,
    ownUniqueBytes = 0,
  ): number {
    if (this.prefixStats.isEnabled) this.prefixStats.countSet(key, start, length);
    if (memcachedItemBytes(length, valueLength, flags) > this.itemSizeMaxBytes) {
      this.#counts[COUNTER.storeTooLarge]++;
      this.reserveError = TOO_LARGE;
      return 0;
    }
    const ref = this.#items.reserve(length, ownUniqueBytes, flags, exptimeSec, valueLength);
    if (ref === 0) {
      this.#counts[COUNTER.storeNoMemory]++;
      this.#countNoMemory(HEADER_BYTES + length + ownUniqueBytes + valueLength);
      this.reserveError = NO_MEMORY;
      return 0;
    }
    const segments = this.#segments;
    copyBytes(key, start, start + length, segments.view(ref), segments.keyOffset(ref));
    segments.setWord(ref, WORD_NEXT, this.#index.hash(key, start, length));
    return ref;
  }

  /** reserve() for an item that will show this unique instead of its version. */
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
    if (ref !== 0) this.#giveUnique(ref, uniqueHi, uniqueLo);
    return ref;
  }

  /** Copies source[start .. end) into the value of a reserved item, from valueStart on; it must fit. */
  writeValue(ref: number, valueStart: number, source: Uint8Array, start: number, end: number): void {
    this.#values.write(ref, valueStart, source, start, end);
  }

  /**
   * `set` in one go, of a value that lies in bytes as the key does: written over that of a live item, where there is one
   * whose slot is of the right size. Half of a set's work is waiting for the memory of the slots and page tables that
   * this leaves alone.
   * @returns false when nothing was done, and the value has to have a slot of its own
   */
  overwrite(
    bytes: Uint8Array,
    keyStart: number,
    keyLength: number,
    flags: number,
    exptimeSec: number,
    valueStart: number,
    valueLength: number,
  ): boolean {
    if (this.prefixStats.isEnabled || this.watchLog.isWatched(WATCH_MUTATIONS)) return false;
    if (exptimeSec !== 0 && exptimeSec <= this.nowSec) return false;
    if (memcachedItemBytes(keyLength, valueLength, flags) > this.itemSizeMaxBytes) return false;
    const ref = this.#index.find(bytes, keyStart, keyLength, this.#index.hash(bytes, keyStart, keyLength));
    if (ref === 0 || !this.isLive(ref) || !this.#items.mayOverwrite(ref, valueLength)) return false;
    const segments = this.#segments;
    this.#counts[COUNTER.cmdSet]++;
    this.#countOfClass(ref, CLASS_COUNTER.cmdSet);
    this.#items.overwrite(ref, flags, exptimeSec, valueLength);
    copyBytes(bytes, valueStart, valueStart + valueLength, segments.view(ref), segments.valueOffset(ref));
    this.#stamp(ref);
    this.#log(ref);
    return true;
  }

  /** Gives a reserved slot back: the value never came, or was bad. */
  release(ref: number): void {
    this.#items.release(ref);
  }

  /**
   * Stores a filled, reserved item according to mode, or gives it back. The unique is what the client compares with;
   * 0/0 = with nothing, which MODE_CAS never matches.
   */
  commit(ref: number, mode: StoreMode, uniqueHi: number, uniqueLo: number): StoreResult {
    if (!this.watchLog.isWatched(WATCH_MUTATIONS)) return this.#commit(ref, mode, uniqueHi, uniqueLo);
    const item = this.#items.describe(ref);
    const exptimeSec = this.exptimeSec(ref);
    const result = this.#commit(ref, mode, uniqueHi, uniqueLo);
    const ttlSec = exptimeSec === 0 ? 0 : Math.max(0, exptimeSec - this.nowSec);
    this.watchLog.append(WATCH_MUTATIONS, this.nowMs, storeLine(item, mode, result, ttlSec));
    return result;
  }

  #commit(ref: number, mode: StoreMode, uniqueHi: number, uniqueLo: number): StoreResult {
    const segments = this.#segments;
    this.#counts[COUNTER.cmdSet]++;
    this.#countOfClass(ref, CLASS_COUNTER.cmdSet);
    const keyLength = segments.byte(ref, BYTE_KEY_LENGTH);
    const hash = segments.word(ref, WORD_NEXT);
    const entry = this.#index.find(segments.view(ref), segments.keyOffset(ref), keyLength, hash);
    const live = entry === 0 ? 0 : this.#liveOrReclaim(entry);
    const result = this.#judge(live, mode, uniqueHi, uniqueLo);
    if (result !== STORED) {
      this.#items.release(ref);
      return result;
    }
    if (mode === MODE_APPEND || mode === MODE_PREPEND) return this.#concatenate(ref, hash, mode);
    if (live !== 0 && (mode === MODE_APPEND_OR_ADD || mode === MODE_PREPEND_OR_ADD)) {
      return this.#concatenate(ref, hash, mode === MODE_APPEND_OR_ADD ? MODE_APPEND : MODE_PREPEND);
    }
    if (mode === MODE_CAS_OR_STALE && !this.#hasUnique(live, uniqueHi, uniqueLo))
      this.#inheritStale(ref, live);
    // Reclaiming may have freed the entry, or left a tombstone in its place.
    const old =
      live !== 0 || entry === 0
        ? live
        : this.#index.find(segments.view(ref), segments.keyOffset(ref), keyLength, hash);
    const exptimeSec = segments.word(ref, WORD_EXPTIME);
    if (exptimeSec !== 0 && exptimeSec <= this.nowSec) {
      this.#items.release(ref);
      this.#counts[COUNTER.totalItems]++;
      if (live !== 0) this.removeItem(live);
      this.#clock.tick(this.nowMs);
      this.#noteStored(this.#clock.hi, this.#clock.lo, segments.word(ref, WORD_VALUE_LENGTH));
      return STORED;
    }
    this.#publish(
      ref,
      hash,
      old,
      mode === MODE_ADD || mode === MODE_APPEND_OR_ADD || mode === MODE_PREPEND_OR_ADD,
    );
    return STORED;
  }

  /** What `set` of a too large value leaves behind: nothing of the key, rather than its old value. */
  discard(key: Uint8Array, start: number, length: number): void {
    const ref = this.find(key, start, length);
    if (ref !== 0) this.removeItem(ref);
  }

  // ── Other commands ───────────────────────────────────────────────────────────────────────────────────────────

  /** `delete`: whether there was something to delete. */
  remove(key: Uint8Array, start: number, length: number): boolean {
    const ref = this.find(key, start, length);
    if (this.prefixStats.isEnabled) this.prefixStats.countDelete(key, start, length);
    if (ref === 0) {
      this.#counts[COUNTER.deleteMisses]++;
      return false;
    }
    this.countDelete(ref, 'delete');
    this.removeItem(ref);
    return true;
  }

  /** Counts a delete of a live item. */
  countDelete(ref: number, command: 'delete' | 'md'): void {
    if (this.watchLog.isWatched(WATCH_DELETIONS)) {
      this.watchLog.append(WATCH_DELETIONS, this.nowMs, deletionLine(this.#items.describe(ref), command));
    }
    this.#counts[COUNTER.deleteHits]++;
    this.#countOfClass(ref, CLASS_COUNTER.deleteHits);
  }

  /** Deletes a live item; with replication on a tombstone tells the peer. */
  removeItem(ref: number): void {
    const changeLog = this.#changeLog;
    if (changeLog === undefined || this.#items.isLocal(ref)) {
      this.#items.drop(ref);
      return;
    }
    this.#stamp(ref);
    const tombstone = this.#items.entomb(ref);
    changeLog.append(tombstone, this.#clock.hi, this.#clock.lo, 0, CHANGE_TOMBSTONE);
  }

  /** `touch`: whether there was something to touch. exptimeSec is absolute. */
  touch(key: Uint8Array, start: number, length: number, exptimeSec: number): boolean {
    this.#counts[COUNTER.cmdTouch]++;
    const ref = this.find(key, start, length);
    this.#counts[ref === 0 ? COUNTER.touchMisses : COUNTER.touchHits]++;
    if (ref === 0) return false;
    this.#countOfClass(ref, CLASS_COUNTER.touchHits);
    this.use(ref);
    this.touchItem(ref, exptimeSec);
    return true;
  }

  /** Gives a live item a new expiry time; one that has passed deletes it. The version stays, as the CAS unique must. */
  touchItem(ref: number, exptimeSec: number): void {
    if (exptimeSec !== 0 && exptimeSec <= this.nowSec) {
      this.removeItem(ref);
      return;
    }
    const segments = this.#segments;
    segments.setWord(ref, WORD_EXPTIME, exptimeSec);
    const touchSeq = segments.byte(ref, BYTE_TOUCH_SEQ);
    if (touchSeq === TOUCH_SEQ_MAX) this.#stamp(ref);
    else segments.setByte(ref, BYTE_TOUCH_SEQ, touchSeq + 1);
    this.#log(ref);
  }

  /** incr and decr by a 64-bit delta; the result is in `number`. */
  arithmetic(
    key: Uint8Array,
    start: number,
    length: number,
    deltaHi: number,
    deltaLo: number,
    isIncrement: boolean,
  ): ArithResult {
    const segments = this.#segments;
    const ref = this.find(key, start, length);
    if (ref === 0) {
      this.#counts[isIncrement ? COUNTER.incrMisses : COUNTER.decrMisses]++;
      return ARITH_NOT_FOUND;
    }
    const valueLength = segments.word(ref, WORD_VALUE_LENGTH);
    const valueAt = segments.valueOffset(ref);
    const view = segments.view(ref);
    if (!parseNumericValue(this.number, view, valueAt, valueLength)) return ARITH_NON_NUMERIC;
    if (isIncrement) this.number.add(deltaHi, deltaLo);
    else this.number.subtract(deltaHi, deltaLo);
    this.#counts[isIncrement ? COUNTER.incrHits : COUNTER.decrHits]++;
    this.#countOfClass(ref, isIncrement ? CLASS_COUNTER.incrHits : CLASS_COUNTER.decrHits);
    const digits = writeDecimal64(this.number.hi, this.number.lo, this.#digits, 0);
    this.#bump(ref);
    if (digits > valueLength && !this.#slotHolds(ref, length + segments.ownUniqueBytes(ref) + digits)) {
      const flags = this.flags(ref);
      const exptimeSec = this.exptimeSec(ref);
      const stored = this.insert(key, start, length, flags, exptimeSec, this.#digits, digits, 0, 0);
      return stored === 0 ? ARITH_NO_MEMORY : ARITH_OK;
    }
    copyBytes(this.#digits, 0, digits, view, valueAt);
    // memcached keeps the length and pads with blanks.
    if (digits < valueLength) view.fill(0x20, valueAt + digits, valueAt + valueLength);
    else if (digits > valueLength) this.#items.resizeValue(ref, digits);
    this.#renew(ref);
    return ARITH_OK;
  }

  /**
   * Stores a short value under a key, whatever was there. A unique of 0/0 = its version.
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
    const ref = this.#reserveRaw(length, flags, exptimeSec, valueLength, hasUnique ? OWN_UNIQUE_BYTES : 0);
    if (ref === 0) return 0;
    copyBytes(key, start, start + length, segments.view(ref), segments.keyOffset(ref));
    if (hasUnique) this.#giveUnique(ref, uniqueHi, uniqueLo);
    copyBytes(value, 0, valueLength, segments.view(ref), segments.valueOffset(ref));
    // Looked up anew: making room may have evicted it.
    this.#publish(ref, hash, this.#index.find(key, start, length, hash), isAdd);
    return ref;
  }

  // ── Marks of the meta commands ───────────────────────────────────────────────────────────────────────────────

  /** `md I`: a live item gets a new version and is stale from now on; the next reader may win it. */
  markStale(ref: number): void {
    const segments = this.#segments;
    segments.setByte(ref, BYTE_USE, (segments.byte(ref, BYTE_USE) | USE_STALE) & ~USE_WINNER);
    this.#renew(ref);
  }

  isStale(ref: number): boolean {
    return (this.#segments.byte(ref, BYTE_USE) & USE_STALE) !== 0;
  }

  /** Whether the item was made by an add while this node or the peer was not in sync, and not written since. */
  isProvisional(ref: number): boolean {
    return (this.#segments.byte(ref, BYTE_USE) & USE_PROVISIONAL) !== 0;
  }

  /** Notes that a reader was told to recache the item. Stays here: after a failover another one is told so. */
  markWinner(ref: number): void {
    this.#segments.setByte(ref, BYTE_USE, this.#segments.byte(ref, BYTE_USE) | USE_WINNER);
  }

  hasWinner(ref: number): boolean {
    return (this.#segments.byte(ref, BYTE_USE) & USE_WINNER) !== 0;
  }

  wasFetched(ref: number): boolean {
    return (this.#segments.byte(ref, BYTE_USE) & USE_FETCHED) !== 0;
  }

  lastAccessSec(ref: number): number {
    return this.#segments.word(ref, WORD_LAST_ACCESS);
  }

  /** Gives a live item a new version, and the unique that the client wants it to show. */
  overrideUnique(key: Uint8Array, start: number, length: number, hi: number, lo: number): boolean {
    const segments = this.#segments;
    const ref = this.find(key, start, length);
    if (ref === 0) return false;
    if (segments.ownUniqueBytes(ref) !== 0) {
      this.#stamp(ref);
      segments.setOwnUnique(ref, hi, lo);
      this.#log(ref);
      return true;
    }
    return this.#copyWithUnique(key, start, length, hi, lo);
  }

  /** flush_all with the client's number: 0 or less = now, else seconds from now or a Unix time. */
  flushAll(exptime: number): void {
    this.#counts[COUNTER.cmdFlush]++;
    const dueMs = exptime > RELATIVE_LIMIT_SEC ? exptime * 1000 : this.nowMs + exptime * 1000;
    if (this.#localFlush !== undefined) {
      if (dueMs <= this.nowMs) this.#localFlush.flushNow();
      else this.#localFlush.flushLater(dueMs);
      return;
    }
    const clock = this.#clock;
    clock.tick(this.nowMs);
    if (dueMs <= this.nowMs) this.#flushFloor.flushNow(clock.hi, clock.lo);
    else this.#flushFloor.flushLater(versionHiOfMs(dueMs), versionLoOfMs(dueMs), clock.hi, clock.lo);
    this.#changeLog?.append(0, clock.hi, clock.lo, 0, CHANGE_FLUSH);
  }

  // ── What a slot holds: for replies, full copies and the sender ───────────────────────────────────────────────

  /** Buckets of the index. A scan goes from 0 up and reads this anew each time: splits only move items upwards. */
  get bucketCount(): number {
    return this.#index.bucketCount;
  }

  /** First entry of a bucket, 0 = none. Finish a bucket before anything else runs: refs may move between steps. */
  bucketHead(bucket: number): number {
    return this.#index.bucketHead(bucket);
  }

  /** Next entry of the same bucket, 0 = none. */
  nextInBucket(ref: number): number {
    return this.#segments.next(ref);
  }

  /** Whether an entry of a bucket can be served: not a tombstone, expired or flushed. */
  isLive(ref: number): boolean {
    return (
      this.#segments.state(ref) === STATE_LIVE && !this.#items.isExpired(ref) && !this.#items.isFlushed(ref)
    );
  }

  isTombstone(ref: number): boolean {
    return this.#segments.state(ref) === STATE_TOMBSTONE;
  }

  /** Whether an entry means something to the peer: a live item, or a tombstone that no flush made superfluous. */
  isTold(ref: number): boolean {
    if (this.isLocal(ref)) return false;
    return this.isTombstone(ref) ? !this.#items.isFlushed(ref) : this.isLive(ref);
  }

  /** The hash of an entry's key, for a seed of the caller's. */
  keyHash(ref: number, seed: number): number {
    const segments = this.#segments;
    return hashKey(segments.view(ref), segments.keyOffset(ref), segments.byte(ref, BYTE_KEY_LENGTH), seed);
  }

  /** Items and tombstones. */
  get entryCount(): number {
    return this.#index.entryCount;
  }

  /** Whether nobody else is told of an entry: its key stays on this node, or this node alone has forgotten it. */
  isLocal(ref: number): boolean {
    return this.#items.isLocal(ref) || this.#items.isForgotten(ref);
  }

  /** Whether a flush_all of this node alone took the item, and it has not been freed yet. */
  isForgotten(ref: number): boolean {
    return this.#items.isForgotten(ref);
  }

  /** Whether the slot holds an entry, whichever. Any ref is safe to ask about. */
  isEntry(ref: number): boolean {
    if (!this.#slabs.isSlot(ref)) return false;
    const state = this.#segments.state(ref);
    return state === STATE_LIVE || state === STATE_TOMBSTONE;
  }

  /** Whether the slot still holds exactly this entry (live or tombstone). Any ref is safe to ask about. */
  holds(ref: number, versionHi: number, versionLo: number, touchSeq: number): boolean {
    // A page may have changed its class since: what lies at ref could be the middle of a client's value.
    if (!this.isEntry(ref)) return false;
    const segments = this.#segments;
    return (
      segments.word(ref, WORD_VERSION_HI) === versionHi &&
      segments.word(ref, WORD_VERSION_LO) === versionLo &&
      segments.byte(ref, BYTE_TOUCH_SEQ) === touchSeq
    );
  }

  /** Bytes of header, key and value. */
  itemBytes(ref: number): number {
    return this.#items.values.itemBytes(ref);
  }

  keyLength(ref: number): number {
    return this.#segments.byte(ref, BYTE_KEY_LENGTH);
  }

  valueLength(ref: number): number {
    return this.#segments.word(ref, WORD_VALUE_LENGTH);
  }

  flags(ref: number): number {
    return this.#segments.word(ref, WORD_FLAGS);
  }

  exptimeSec(ref: number): number {
    return this.#segments.word(ref, WORD_EXPTIME);
  }

  /** The unique that clients see and compare with: the version, unless a client gave one of its own. */
  uniqueHi(ref: number): number {
    const segments = this.#segments;
    return segments.ownUniqueBytes(ref) === 0
      ? segments.word(ref, WORD_VERSION_HI)
      : segments.ownUnique(ref, 0);
  }

  uniqueLo(ref: number): number {
    const segments = this.#segments;
    return segments.ownUniqueBytes(ref) === 0
      ? segments.word(ref, WORD_VERSION_LO)
      : segments.ownUnique(ref, 4);
  }

  /** Whether a client gave the item's unique. */
  hasOwnUnique(ref: number): boolean {
    return this.#segments.ownUniqueBytes(ref) !== 0;
  }

  versionHi(ref: number): number {
    return this.#segments.word(ref, WORD_VERSION_HI);
  }

  versionLo(ref: number): number {
    return this.#segments.word(ref, WORD_VERSION_LO);
  }

  touchSeq(ref: number): number {
    return this.#segments.byte(ref, BYTE_TOUCH_SEQ);
  }

  copyKey(ref: number, target: Uint8Array, targetStart: number): void {
    const keyAt = this.#segments.keyOffset(ref);
    copyBytes(this.#segments.view(ref), keyAt, keyAt + this.keyLength(ref), target, targetStart);
  }

  /** Copies length bytes of the value from valueStart on. */
  copyValue(ref: number, valueStart: number, length: number, target: Uint8Array, targetStart: number): void {
    this.#values.read(ref, valueStart, length, target, targetStart);
  }

  // ── The peer's writes ────────────────────────────────────────────────────────────────────────────────────────

  /** How often the peer's entry for a key met one here that it had not heard of: ours stayed, or gave way. */
  get conflictsWon(): number {
    return this.#remote.conflictsWon;
  }

  get conflictsLost(): number {
    return this.#remote.conflictsLost;
  }

  /** On equal order with differing content the node with bit 0 wins: true when that is the peer. */
  get remoteWinsTies(): boolean {
    return this.#remote.remoteWinsTies;
  }

  set remoteWinsTies(wins: boolean) {
    this.#remote.remoteWinsTies = wins;
  }

  /**
   * Replication says how this node stands to its peer, for all threads.
   * @param isInSync whether all that the peer has is here: else an add is provisional, as its key may exist there
   * @param answersForItems whether what lies here stands against such an add of the peer; not before clients are
   *   served, as it may come from before a restart
   */
  noteSync(isInSync: boolean, answersForItems: boolean): void {
    this.#syncState[OUT_OF_SYNC] = isInSync ? 0 : 1;
    this.#remote.overrulesAdds = answersForItems;
  }

  /** Applies the peer's item, which lies in bytes; logs only what overrules it. exptimeSec is absolute in this node's clock. */
  applyRemoteItem(
    bytes: Uint8Array,
    keyStart: number,
    keyLength: number,
    valueStart: number,
    valueLength: number,
    flags: number,
    exptimeSec: number,
    versionHi: number,
    versionLo: number,
    touchSeq: number,
    marks?: ItemMarks,
  ): RemoteResult {
    if (this.#staysLocal(bytes, keyStart, keyLength)) return REMOTE_LOCAL_KEY;
    return this.restoreItem(
      bytes,
      keyStart,
      keyLength,
      valueStart,
      valueLength,
      flags,
      exptimeSec,
      versionHi,
      versionLo,
      touchSeq,
      marks,
    );
  }

  /** Takes back an item that this node itself had before it was restarted; also one whose key stays here. */
  restoreItem(
    bytes: Uint8Array,
    keyStart: number,
    keyLength: number,
    valueStart: number,
    valueLength: number,
    flags: number,
    exptimeSec: number,
    versionHi: number,
    versionLo: number,
    touchSeq: number,
    marks?: ItemMarks,
  ): RemoteResult {
    if (!this.#clock.observe(versionHi, versionLo, this.nowMs)) return REMOTE_CLOCK;
    const result = this.#remote.applyItem(
      bytes,
      keyStart,
      keyLength,
      valueStart,
      valueLength,
      flags,
      exptimeSec,
      versionHi,
      versionLo,
      touchSeq,
      this.#flushFloor.covers(versionHi, versionLo),
      marks,
    );
    if (result === REMOTE_OVERRULED) {
      this.#stamp(this.#remote.overrulingRef);
      this.#log(this.#remote.overrulingRef);
    }
    return result;
  }

  /**
   * Applies the peer's delete; never logs. With keep a tombstone stays here as well (released by releaseTombstone
   * or the cap); a link that delivers in order does not need it, since the peer cannot send anything older any more.
   */
  applyRemoteTombstone(
    bytes: Uint8Array,
    keyStart: number,
    keyLength: number,
    versionHi: number,
    versionLo: number,
    touchSeq: number,
    keep: boolean,
  ): RemoteResult {
    if (this.#staysLocal(bytes, keyStart, keyLength)) return REMOTE_LOCAL_KEY;
    if (!this.#clock.observe(versionHi, versionLo, this.nowMs)) return REMOTE_CLOCK;
    return this.#remote.applyTombstone(
      bytes,
      keyStart,
      keyLength,
      versionHi,
      versionLo,
      touchSeq,
      keep,
      this.#flushFloor.covers(versionHi, versionLo),
    );
  }

  /** Merges the peer's flush state into ours; never logs. */
  applyRemoteFlush(remote: FlushState): RemoteResult {
    const clock = this.#clock;
    // What is written here from now on must lie above the floor as well, or it would be dead at once.
    const isNear =
      clock.observe(remote.stampHi, remote.stampLo, this.nowMs) &&
      clock.observe(remote.floorHi, remote.floorLo, this.nowMs);
    if (!isNear) return REMOTE_CLOCK;
    return this.#flushFloor.merge(remote) ? REMOTE_APPLIED : REMOTE_SAME;
  }

  flushState(): FlushState {
    return this.#flushFloor.snapshot();
  }

  // ── Tombstones ───────────────────────────────────────────────────────────────────────────────────────────────

  /** Frees the tombstone of a delete that the peer acknowledged; false when the slot no longer holds it. */
  releaseTombstone(ref: number, versionHi: number, versionLo: number): boolean {
    if (!this.#slabs.isSlot(ref) || this.#segments.state(ref) !== STATE_TOMBSTONE) return false;
    if (this.versionHi(ref) !== versionHi || this.versionLo(ref) !== versionLo) return false;
    this.#items.drop(ref);
    return true;
  }

  get tombstoneCount(): number {
    return this.counters.read('tombstones');
  }

  /** Takes over what an earlier process of this node knew: its last version, and what was lost unsent. */
  restoreVersions(latestHi: number, latestLo: number, lost: LostFloor): void {
    this.#clock.observe(latestHi, latestLo, this.nowMs);
    this.lostWrites.restoreFloor(lost);
  }

  // ── Upkeep and statistics ────────────────────────────────────────────────────────────────────────────────────

  /** Frees expired and flushed items among the next maxSlots slots; returns how many it freed. Call from a timer. */
  sweep(maxSlots: number): number {
    return this.#items.sweep(this.sweepPace.allow(maxSlots, this.nowMs));
  }

  /** Lets the sweep begin again with the first slot. */
  restartSweep(): void {
    this.#items.restartSweep();
  }

  /** Takes a page from a class (from 0) that has two or more, for whoever needs it next; what no room is found for goes. */
  reassignPage(slabClass: number): boolean {
    return this.evictions && this.#slabs.pagesOfClass(slabClass) > 1 && this.#items.emptyPage(slabClass);
  }

  /** Bytes taken so far; pages are never given back to the system. */
  get memoryUsedBytes(): number {
    return this.#slabs.pagesTaken * PAGE_BYTES + this.#tableBytes;
  }

  /** Pages, slots and sizes by class; for statistics only. */
  get slabs(): Slabs {
    return this.#slabs;
  }

  /** Figures by slab class; for statistics only. */
  get classCounters(): ClassCounters {
    return this.#items.classCounters;
  }

  /** Seconds since the item that the class's hand comes to next was used; 0 when there is none near. */
  ageOfNextVictimSec(slabClass: number): number {
    const ref = this.#items.nextVictim(slabClass);
    return ref === 0 ? 0 : Math.max(0, this.nowSec - this.lastAccessSec(ref));
  }

  resetStats(): void {
    this.counters.reset();
    this.#items.classCounters.reset();
    this.prefixStats.reset();
    this.#slabs.resetEvictionCounts();
  }

  // ── Inside ───────────────────────────────────────────────────────────────────────────────────────────────────

  #advanceFlush(): void {
    this.#lock.lock();
    try {
      if (this.#localFlush?.isDue(this.nowMs)) this.#localFlush.flushNow();
      if (!this.#flushFloor.isDue(this.nowMs)) return;
      // All that was known here until now, and nothing that the peer may have been given meanwhile.
      const hi = this.#clock.latestHi;
      const lo = (this.#clock.latestLo | 1) >>> 0;
      this.#flushFloor.takeEffect(hi, lo);
      this.#changeLog?.append(0, hi, lo, 0, CHANGE_FLUSH);
    } finally {
      this.#lock.unlock();
    }
  }

  #getCounting(hits: number, misses: number, key: Uint8Array, start: number, length: number): number {
    const ref = this.#look(hits, misses, key, start, length);
    if (ref !== 0) this.use(ref);
    return ref;
  }

  #look(hits: number, misses: number, key: Uint8Array, start: number, length: number): number {
    const entry = this.#index.find(key, start, length, this.#index.hash(key, start, length));
    const isThere = entry !== 0 && this.#segments.state(entry) !== STATE_TOMBSTONE;
    const isFlushed = isThere && this.#items.isFlushed(entry);
    const isExpired = isThere && !isFlushed && this.#items.isExpired(entry);
    const ref = isThere && !isFlushed && !isExpired ? entry : 0;
    const counts = this.#counts;
    counts[ref === 0 ? misses : hits]++;
    if (this.prefixStats.isEnabled) this.prefixStats.countGet(key, start, length, ref !== 0);
    if (this.watchLog.isWatched(WATCH_FETCHERS)) {
      this.#tellFetch(key, start, length, ref, isFlushed ? 'flushed' : isExpired ? 'expired' : 'not_found');
    }
    if (ref !== 0) {
      this.#countOfClass(ref, hits === COUNTER.getHits ? CLASS_COUNTER.getHits : CLASS_COUNTER.touchHits);
    } else if (isThere) {
      counts[isFlushed ? COUNTER.getFlushed : COUNTER.getExpired]++;
      this.#items.reclaim(entry);
    }
    return ref;
  }

  #tellFetch(key: Uint8Array, start: number, length: number, ref: number, otherwise: FetchStatus): void {
    const item =
      ref === 0 ? { key: uriKey(key, start, length), slabId: 0, valueLength: 0 } : this.#items.describe(ref);
    this.watchLog.append(WATCH_FETCHERS, this.nowMs, fetchLine(item, ref === 0 ? otherwise : 'found'));
  }

  #findLive(key: Uint8Array, start: number, length: number, hash: number): number {
    const entry = this.#index.find(key, start, length, hash);
    return entry === 0 ? 0 : this.#liveOrReclaim(entry);
  }

  /** The entry itself if it is live, else 0; a dead item is freed. */
  #liveOrReclaim(entry: number): number {
    if (this.#segments.state(entry) === STATE_TOMBSTONE) return 0;
    if (!this.#items.isExpired(entry) && !this.#items.isFlushed(entry)) return entry;
    this.#items.reclaim(entry);
    return 0;
  }

  /** Whether mode lets an item be stored over the live one. */
  #judge(live: number, mode: StoreMode, uniqueHi: number, uniqueLo: number): StoreResult {
    switch (mode) {
      case MODE_ADD:
        if (live === 0) return STORED;
        this.#bump(live);
        return NOT_STORED;
      case MODE_REPLACE:
        return live === 0 ? NOT_STORED : STORED;
      case MODE_APPEND:
      case MODE_PREPEND:
        if (live === 0) return NOT_STORED;
        return this.#mayAppend(live, uniqueHi, uniqueLo) ? STORED : EXISTS;
      case MODE_APPEND_OR_ADD:
      case MODE_PREPEND_OR_ADD:
        return live === 0 || this.#mayAppend(live, uniqueHi, uniqueLo) ? STORED : EXISTS;
      case MODE_CAS:
      case MODE_CAS_OR_STALE:
        return this.#judgeCas(live, mode === MODE_CAS_OR_STALE, uniqueHi, uniqueLo);
      default:
        return STORED;
    }
  }

  #judgeCas(live: number, allowOlder: boolean, uniqueHi: number, uniqueLo: number): StoreResult {
    const counts = this.#counts;
    if (live === 0) {
      counts[COUNTER.casMisses]++;
      return NOT_FOUND;
    }
    const isGiven = uniqueHi !== 0 || uniqueLo !== 0;
    const order = compareVersions(uniqueHi, uniqueLo, this.uniqueHi(live), this.uniqueLo(live));
    const isHit = isGiven && (order === 0 || (allowOlder && order < 0));
    counts[isHit ? COUNTER.casHits : COUNTER.casBadval]++;
    this.#countOfClass(live, isHit ? CLASS_COUNTER.casHits : CLASS_COUNTER.casBadval);
    return isHit ? STORED : EXISTS;
  }

  #hasUnique(ref: number, hi: number, lo: number): boolean {
    return this.uniqueLo(ref) === lo && this.uniqueHi(ref) === hi;
  }

  #mayAppend(live: number, uniqueHi: number, uniqueLo: number): boolean {
    return (uniqueHi === 0 && uniqueLo === 0) || this.#hasUnique(live, uniqueHi, uniqueLo);
  }

  /** What is stored under an older unique than the item's: a new value, as stale as before, for as long as before. */
  #inheritStale(ref: number, live: number): void {
    const segments = this.#segments;
    const winner = segments.byte(live, BYTE_USE) & USE_WINNER;
    segments.setByte(ref, BYTE_USE, segments.byte(ref, BYTE_USE) | USE_STALE | winner);
    segments.setWord(ref, WORD_EXPTIME, segments.word(live, WORD_EXPTIME));
  }

  /** append and prepend: a new item of the old one's flags and expiry. piece is the reserved item with the addition. */
  #concatenate(piece: number, hash: number, mode: StoreMode): StoreResult {
    const segments = this.#segments;
    const keyLength = segments.byte(piece, BYTE_KEY_LENGTH);
    const pieceKeyAt = segments.keyOffset(piece);
    const pieceLength = segments.word(piece, WORD_VALUE_LENGTH);
    let old = this.#index.find(segments.view(piece), pieceKeyAt, keyLength, hash);
    const flags = segments.word(old, WORD_FLAGS);
    const exptimeSec = segments.word(old, WORD_EXPTIME);
    const oldLength = segments.word(old, WORD_VALUE_LENGTH);
    const hasUnique = segments.ownUniqueBytes(piece) !== 0;
    const ref = this.#reserveRaw(
      keyLength,
      flags,
      exptimeSec,
      oldLength + pieceLength,
      hasUnique ? OWN_UNIQUE_BYTES : 0,
    );
    // Making room may have evicted the very item.
    if (ref !== 0) old = this.#index.find(segments.view(piece), pieceKeyAt, keyLength, hash);
    if (ref === 0 || old === 0) {
      if (ref !== 0) this.#items.release(ref);
      this.#items.release(piece);
      return NOT_STORED;
    }
    copyBytes(
      segments.view(piece),
      pieceKeyAt,
      pieceKeyAt + keyLength,
      segments.view(ref),
      segments.keyOffset(ref),
    );
    if (hasUnique) this.#giveUnique(ref, segments.ownUnique(piece, 0), segments.ownUnique(piece, 4));
    this.#values.transfer(old, ref, mode === MODE_APPEND ? 0 : pieceLength);
    this.#values.transfer(piece, ref, mode === MODE_APPEND ? oldLength : 0);
    this.#items.release(piece);
    this.#publish(ref, hash, old);
    return STORED;
  }

  #reserveRaw(
    keyLength: number,
    flags: number,
    exptimeSec: number,
    valueLength: number,
    ownUniqueBytes: number,
  ): number {
    if (memcachedItemBytes(keyLength, valueLength, flags) > this.itemSizeMaxBytes) return 0;
    return this.#items.reserve(keyLength, ownUniqueBytes, flags, exptimeSec, valueLength);
  }

  #slotHolds(ref: number, keyAndValueBytes: number): boolean {
    return HEADER_BYTES + keyAndValueBytes <= this.#slabs.sizes[this.#slabs.classOfRef(ref)];
  }

  /**
   * Stamps, publishes and logs a filled item.
   * @param isAdd the client creates the item because it found none
   */
  #publish(ref: number, hash: number, old: number, isAdd = false): void {
    const segments = this.#segments;
    this.#stamp(ref);
    if (this.#staysLocal(segments.view(ref), segments.keyOffset(ref), segments.byte(ref, BYTE_KEY_LENGTH))) {
      segments.setByte(ref, BYTE_USE, segments.byte(ref, BYTE_USE) | USE_LOCAL);
    } else if (isAdd && old === 0 && this.#mayLack && !this.lostWrites.has(hash)) {
      // Nothing at all is known of the key here, not even that it was deleted or evicted.
      segments.setByte(ref, BYTE_USE, segments.byte(ref, BYTE_USE) | USE_PROVISIONAL);
    }
    this.#items.publish(ref, hash, old);
    this.#noteStored(this.uniqueHi(ref), this.uniqueLo(ref), this.valueLength(ref));
    this.#log(ref);
  }

  #noteStored(uniqueHi: number, uniqueLo: number, valueLength: number): void {
    this.storedUniqueHi = uniqueHi;
    this.storedUniqueLo = uniqueLo;
    this.storedLength = valueLength;
  }

  /** A live item changed in its place: a new version, which is also its unique again. */
  #renew(ref: number): void {
    this.#stamp(ref);
    if (this.hasOwnUnique(ref)) this.#segments.setOwnUnique(ref, this.#clock.hi, this.#clock.lo);
    this.#log(ref);
  }

  /** Whether the peer may have what is not here. */
  get #mayLack(): boolean {
    return this.#syncState[OUT_OF_SYNC] !== 0 || this.#localFlush?.hasFlushed === true;
  }

  #staysLocal(key: Uint8Array, start: number, length: number): boolean {
    return this.#localKeys?.matches(key, start, length) === true;
  }

  /** Marks a slot that has room for it as having a unique of its own. Before the value is written: it moves that. */
  #giveUnique(ref: number, hi: number, lo: number): void {
    this.#segments.setByte(ref, BYTE_USE, this.#segments.byte(ref, BYTE_USE) | USE_OWN_UNIQUE);
    this.#segments.setOwnUnique(ref, hi, lo);
  }

  /** Stores the live item with this key again, marks included, in a slot that has room for a unique. */
  #copyWithUnique(key: Uint8Array, start: number, length: number, hi: number, lo: number): boolean {
    const segments = this.#segments;
    const hash = this.#index.hash(key, start, length);
    let old = this.#index.find(key, start, length, hash);
    const valueLength = this.valueLength(old);
    const ref = this.#reserveRaw(
      length,
      this.flags(old),
      this.exptimeSec(old),
      valueLength,
      OWN_UNIQUE_BYTES,
    );
    if (ref === 0) return false;
    // Making room may have evicted the very item.
    old = this.#index.find(key, start, length, hash);
    if (old === 0) {
      this.#items.release(ref);
      return false;
    }
    segments.setByte(ref, BYTE_USE, segments.byte(old, BYTE_USE));
    copyBytes(key, start, start + length, segments.view(ref), segments.keyOffset(ref));
    this.#giveUnique(ref, hi, lo);
    this.#values.transfer(old, ref, 0);
    this.#publish(ref, hash, old);
    return true;
  }

  /** What keeps an item from eviction: one byte, and the time once a second. */
  #bump(ref: number): void {
    const segments = this.#segments;
    const use = segments.byte(ref, BYTE_USE);
    if ((use & USE_FREQUENCY_MASK) !== USE_FREQUENCY_MASK) segments.setByte(ref, BYTE_USE, use + 1);
    // Not lower: after a flush_all of this node alone it may be a second that is still to come.
    if (segments.word(ref, WORD_LAST_ACCESS) < this.nowSec)
      segments.setWord(ref, WORD_LAST_ACCESS, this.nowSec);
  }

  #countOfClass(ref: number, counter: number): void {
    this.#items.classCounters.add(this.#slabs.classOfRef(ref), counter, 1);
  }

  #countNoMemory(itemBytes: number): void {
    const { sizes, slotBytesMax } = this.#slabs;
    const slabClass = classForSize(sizes, Math.min(itemBytes, slotBytesMax));
    this.#items.classCounters.add(slabClass, CLASS_COUNTER.outOfMemory, 1);
  }

  /** A new version; what was provisional no longer is. */
  #stamp(ref: number): void {
    const segments = this.#segments;
    this.#clock.tick(this.nowMs);
    const use = segments.byte(ref, BYTE_USE);
    if ((use & USE_PROVISIONAL) !== 0) segments.setByte(ref, BYTE_USE, use & ~USE_PROVISIONAL);
    segments.setVersion(ref, this.#clock.hi, this.#clock.lo, 0);
  }

  #log(ref: number): void {
    if (this.#changeLog === undefined || this.#items.isLocal(ref)) return;
    const touchSeq = this.touchSeq(ref);
    this.#changeLog.append(ref, this.versionHi(ref), this.versionLo(ref), touchSeq, CHANGE_ITEM);
  }
}
