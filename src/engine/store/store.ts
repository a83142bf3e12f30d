// The cache itself: every command's effect on memory, local ones and the peer's. No clock, timer or I/O of its own.
//
// Every local write is stamped with a version and logged here, so that no command can forget to replicate.
import { CHANGE_FLUSH, CHANGE_ITEM, CHANGE_TOMBSTONE, type ChangeLog } from './change-log.js';
import { COUNTER, Counters } from './counters.js';
import { DECIMAL64_MAX_DIGITS, Decimal64, writeDecimal64 } from './decimal64.js';
import { RELATIVE_LIMIT_SEC } from './exptime.js';
import { FlushFloor } from './flush-floor.js';
import { HashIndex } from './index.js';
import { Items } from './items.js';
import {
  BYTE_KEY_LENGTH,
  BYTE_TOUCH_SEQ,
  BYTE_USE,
  HEADER_BYTES,
  memcachedItemBytes,
  PAGE_BYTES,
  STATE_LIVE,
  STATE_TOMBSTONE,
  TOUCH_SEQ_MAX,
  USE_FETCHED,
  USE_FREQUENCY_MASK,
  WORD_EXPTIME,
  WORD_FLAGS,
  WORD_LAST_ACCESS,
  WORD_NEXT,
  WORD_VALUE_LENGTH,
  WORD_VERSION_HI,
  WORD_VERSION_LO,
} from './layout.js';
import { parseNumericValue } from './numeric-value.js';
import { RemoteWrites } from './remote-writes.js';
import { copyBytes, Segments } from './segments.js';
import { SharedMemory } from './shared-memory.js';
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
  MAX_MEMORY_BYTES,
  MIN_MEMORY_BYTES,
  MODE_ADD,
  MODE_APPEND,
  MODE_CAS,
  MODE_PREPEND,
  MODE_REPLACE,
  NO_MEMORY,
  NOT_FOUND,
  NOT_STORED,
  REMOTE_APPLIED,
  REMOTE_CLOCK,
  REMOTE_SAME,
  type RemoteResult,
  STORED,
  type StoreMode,
  type StoreOptions,
  type StoreResult,
  TOO_LARGE,
} from './store-types.js';
import { type VersionClock, versionHiOfMs, versionLoOfMs } from './version.js';

// biome-ignore lint/performance/noBarrelFile: these are the store's answers; they live apart only because its parts need them too.
export {
  type FlushState,
  REMOTE_APPLIED,
  REMOTE_BELOW_DELETE_FLOOR,
  REMOTE_CLOCK,
  REMOTE_DEAD,
  REMOTE_INVALID,
  REMOTE_NO_MEMORY,
  REMOTE_OLDER,
  REMOTE_SAME,
  type RemoteResult,
  type StoreOptions,
} from './store-types.js';

const DEFAULT_TOMBSTONE_SHARE = 1 / 16;
const DEFAULT_INITIAL_BUCKETS = 0x4_0000;

export class Store {
  readonly counters: Counters;
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

  readonly #items: Items;
  readonly #segments: Segments;
  readonly #slabs: Slabs;
  readonly #index: HashIndex;
  readonly #remote: RemoteWrites;
  readonly #lock: StoreLock;
  readonly #flushFloor: FlushFloor;
  readonly #counts: Float64Array;
  readonly #clock: VersionClock;
  readonly #changeLog: ChangeLog | undefined;
  readonly #tableBytes: number;
  readonly #digits = new Uint8Array(DECIMAL64_MAX_DIGITS);

  /** @throws RangeError when memoryBytes or itemSizeMaxBytes is outside what the layout can address. */
  constructor(options: StoreOptions) {
    const { memoryBytes } = options;
    if (!(memoryBytes >= MIN_MEMORY_BYTES && memoryBytes <= MAX_MEMORY_BYTES)) {
      throw new RangeError(
        `memory must be ${MIN_MEMORY_BYTES} to ${MAX_MEMORY_BYTES} bytes, not ${memoryBytes}`,
      );
    }
    this.itemSizeMaxBytes = options.itemSizeMaxBytes ?? PAGE_BYTES;
    if (!(this.itemSizeMaxBytes >= 1024 && this.itemSizeMaxBytes <= PAGE_BYTES)) {
      throw new RangeError(`an item may be 1024 to ${PAGE_BYTES} bytes, not ${this.itemSizeMaxBytes}`);
    }
    // The tables grow with the number of pages; count them for more pages than there will be.
    const pagesAtMost = Math.floor(memoryBytes / PAGE_BYTES);
    this.#tableBytes = Slabs.tableBytes(pagesAtMost) + HashIndex.tableBytes(pagesAtMost);
    const pageLimit = Math.floor((memoryBytes - this.#tableBytes) / PAGE_BYTES);
    this.memoryLimitBytes = pageLimit * PAGE_BYTES + this.#tableBytes;
    this.evictions = options.evictions ?? true;
    this.#clock = options.clock;
    this.#changeLog = options.changeLog;
    const memory = options.memory ?? new SharedMemory();
    this.#lock = new StoreLock(memory);
    this.#flushFloor = new FlushFloor(memory);
    this.counters = new Counters(memory);
    this.#counts = this.counters.values;
    this.#segments = new Segments(memory, pageLimit * PAGE_BYTES);
    this.#slabs = new Slabs(
      memory,
      this.#segments,
      pageLimit,
      options.minItemSpaceBytes ?? 48,
      options.growthFactor ?? 1.25,
    );
    this.#items = new Items({
      memory,
      segments: this.#segments,
      slabs: this.#slabs,
      flushFloor: this.#flushFloor,
      counters: this.counters,
      hashSeed: options.hashSeed,
      initialBuckets: options.initialBuckets ?? DEFAULT_INITIAL_BUCKETS,
      evictions: this.evictions,
      tombstoneBytesMax: this.memoryLimitBytes * (options.tombstoneShare ?? DEFAULT_TOMBSTONE_SHARE),
      changeLog: options.changeLog,
    });
    this.#index = this.#items.index;
    this.#remote = new RemoteWrites(this.#items, this.itemSizeMaxBytes);
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
    if (this.#flushFloor.isDue(nowMs)) this.#advanceFlush();
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

  /** The live item with this key, 0 when there is none. Counts nothing; frees it when it is dead. */
  find(key: Uint8Array, start: number, length: number): number {
    return this.#findLive(key, start, length, this.#index.hash(key, start, length));
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
  ): number {
    if (memcachedItemBytes(length, valueLength, flags) > this.itemSizeMaxBytes) {
      this.#counts[COUNTER.storeTooLarge]++;
      this.reserveError = TOO_LARGE;
      return 0;
    }
    const ref = this.#items.allocate(HEADER_BYTES + length + valueLength);
    if (ref === 0) {
      this.#counts[COUNTER.storeNoMemory]++;
      this.reserveError = NO_MEMORY;
      return 0;
    }
    const segments = this.#segments;
    segments.setHeader(ref, length, flags, exptimeSec, valueLength);
    copyBytes(key, start, start + length, segments.view(ref), segments.keyOffset(ref));
    segments.setWord(ref, WORD_NEXT, this.#index.hash(key, start, length));
    return ref;
  }

  /** Copies source[start .. end) into the value of a reserved item, from valueStart on; it must fit. */
  writeValue(ref: number, valueStart: number, source: Uint8Array, start: number, end: number): void {
    copyBytes(source, start, end, this.#segments.view(ref), this.#segments.valueOffset(ref) + valueStart);
  }

  /** Gives a reserved slot back: the value never came, or was bad. */
  release(ref: number): void {
    this.#items.release(ref);
  }

  /** Stores a filled, reserved item according to mode, or gives it back. The unique counts with MODE_CAS only. */
  commit(ref: number, mode: StoreMode, uniqueHi: number, uniqueLo: number): StoreResult {
    const segments = this.#segments;
    this.#counts[COUNTER.cmdSet]++;
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
      return STORED;
    }
    this.#publish(ref, hash, old);
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
    this.#counts[ref === 0 ? COUNTER.deleteMisses : COUNTER.deleteHits]++;
    if (ref === 0) return false;
    this.removeItem(ref);
    return true;
  }

  /** Deletes a live item; with replication on a tombstone tells the peer. */
  removeItem(ref: number): void {
    const changeLog = this.#changeLog;
    if (changeLog === undefined) {
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
    this.#use(ref);
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
    const digits = writeDecimal64(this.number.hi, this.number.lo, this.#digits, 0);
    this.#use(ref);
    if (digits > valueLength && !this.#slotHolds(ref, length + digits)) {
      return this.#storeNumber(key, start, length, digits);
    }
    copyBytes(this.#digits, 0, digits, view, valueAt);
    // memcached keeps the length and pads with blanks.
    if (digits < valueLength) view.fill(0x20, valueAt + digits, valueAt + valueLength);
    else if (digits > valueLength) this.#items.resizeValue(ref, digits);
    this.#stamp(ref);
    this.#log(ref);
    return ARITH_OK;
  }

  /** flush_all with the client's number: 0 or less = now, else seconds from now or a Unix time. */
  flushAll(exptime: number): void {
    this.#counts[COUNTER.cmdFlush]++;
    const clock = this.#clock;
    clock.tick(this.nowMs);
    const dueMs = exptime > RELATIVE_LIMIT_SEC ? exptime * 1000 : this.nowMs + exptime * 1000;
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

  /** Whether the slot still holds exactly this entry (live or tombstone). Any ref is safe to ask about. */
  holds(ref: number, versionHi: number, versionLo: number, touchSeq: number): boolean {
    // A page may have changed its class since: what lies at ref could be the middle of a client's value.
    if (!this.#slabs.isSlot(ref)) return false;
    const segments = this.#segments;
    return (
      segments.state(ref) >= STATE_LIVE &&
      segments.word(ref, WORD_VERSION_HI) === versionHi &&
      segments.word(ref, WORD_VERSION_LO) === versionLo &&
      segments.byte(ref, BYTE_TOUCH_SEQ) === touchSeq
    );
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
    const from = this.#segments.valueOffset(ref) + valueStart;
    copyBytes(this.#segments.view(ref), from, from + length, target, targetStart);
  }

  // ── The peer's writes ────────────────────────────────────────────────────────────────────────────────────────

  /** On equal order with differing content the node with bit 0 wins: true when that is the peer. */
  get remoteWinsTies(): boolean {
    return this.#remote.remoteWinsTies;
  }

  set remoteWinsTies(wins: boolean) {
    this.#remote.remoteWinsTies = wins;
  }

  /** Applies the peer's item, which lies in bytes; never logs. exptimeSec is absolute in this node's clock. */
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
  ): RemoteResult {
    if (!this.#clock.observe(versionHi, versionLo, this.nowMs)) return REMOTE_CLOCK;
    return this.#remote.applyItem(
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
    );
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
    if (!this.#clock.observe(remote.stampHi, remote.stampLo, this.nowMs)) return REMOTE_CLOCK;
    const changed = this.#flushFloor.merge(remote);
    this.#flushFloor.advance(this.nowMs);
    return changed ? REMOTE_APPLIED : REMOTE_SAME;
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

  /** Entries at or below it that are absent here are refused: their tombstone may have been dropped. 0/0 = none. */
  get deleteFloorHi(): number {
    return this.#items.deleteFloorHi;
  }

  get deleteFloorLo(): number {
    return this.#items.deleteFloorLo;
  }

  // ── Upkeep and statistics ────────────────────────────────────────────────────────────────────────────────────

  /** Frees expired and flushed items among the next maxSlots slots; returns how many it freed. Call from a timer. */
  sweep(maxSlots: number): number {
    return this.#items.sweep(maxSlots);
  }

  /** Bytes taken so far; pages are never given back to the system. */
  get memoryUsedBytes(): number {
    return this.#slabs.pagesTaken * PAGE_BYTES + this.#tableBytes;
  }

  /** Pages, slots and sizes by class; for statistics only. */
  get slabs(): Slabs {
    return this.#slabs;
  }

  resetStats(): void {
    this.counters.reset();
    this.#slabs.resetEvictionCounts();
  }

  // ── Inside ───────────────────────────────────────────────────────────────────────────────────────────────────

  #advanceFlush(): void {
    this.#lock.lock();
    try {
      this.#flushFloor.advance(this.nowMs);
    } finally {
      this.#lock.unlock();
    }
  }

  #getCounting(hits: number, misses: number, key: Uint8Array, start: number, length: number): number {
    const counts = this.#counts;
    const ref = this.#index.find(key, start, length, this.#index.hash(key, start, length));
    if (ref === 0 || this.#segments.state(ref) === STATE_TOMBSTONE) {
      counts[misses]++;
      return 0;
    }
    const isFlushed = this.#items.isFlushed(ref);
    if (isFlushed || this.#items.isExpired(ref)) {
      counts[misses]++;
      counts[isFlushed ? COUNTER.getFlushed : COUNTER.getExpired]++;
      this.#items.reclaim(ref);
      return 0;
    }
    counts[hits]++;
    this.#use(ref);
    return ref;
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
        this.#use(live);
        return NOT_STORED;
      case MODE_REPLACE:
      case MODE_APPEND:
      case MODE_PREPEND:
        return live === 0 ? NOT_STORED : STORED;
      case MODE_CAS: {
        const isSame = live !== 0 && this.versionLo(live) === uniqueLo && this.versionHi(live) === uniqueHi;
        if (live === 0) this.#counts[COUNTER.casMisses]++;
        else this.#counts[isSame ? COUNTER.casHits : COUNTER.casBadval]++;
        if (live === 0) return NOT_FOUND;
        return isSame ? STORED : EXISTS;
      }
      default:
        return STORED;
    }
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
    const ref = this.#reserveRaw(keyLength, flags, exptimeSec, oldLength + pieceLength);
    // Making room may have evicted the very item.
    if (ref !== 0) old = this.#index.find(segments.view(piece), pieceKeyAt, keyLength, hash);
    if (ref === 0 || old === 0) {
      if (ref !== 0) this.#items.release(ref);
      this.#items.release(piece);
      return NOT_STORED;
    }
    const view = segments.view(ref);
    const keyAt = segments.keyOffset(ref);
    const valueAt = keyAt + keyLength;
    copyBytes(segments.view(piece), pieceKeyAt, pieceKeyAt + keyLength, view, keyAt);
    this.copyValue(old, 0, oldLength, view, mode === MODE_APPEND ? valueAt : valueAt + pieceLength);
    this.copyValue(piece, 0, pieceLength, view, mode === MODE_APPEND ? valueAt + oldLength : valueAt);
    this.#items.release(piece);
    this.#publish(ref, hash, old);
    return STORED;
  }

  #reserveRaw(keyLength: number, flags: number, exptimeSec: number, valueLength: number): number {
    if (memcachedItemBytes(keyLength, valueLength, flags) > this.itemSizeMaxBytes) return 0;
    const ref = this.#items.allocate(HEADER_BYTES + keyLength + valueLength);
    if (ref !== 0) this.#segments.setHeader(ref, keyLength, flags, exptimeSec, valueLength);
    return ref;
  }

  /** A number that outgrew its slot. */
  #storeNumber(key: Uint8Array, start: number, length: number, digits: number): ArithResult {
    const segments = this.#segments;
    const hash = this.#index.hash(key, start, length);
    let old = this.#index.find(key, start, length, hash);
    const ref = this.#reserveRaw(length, this.flags(old), this.exptimeSec(old), digits);
    if (ref === 0) return ARITH_NO_MEMORY;
    old = this.#index.find(key, start, length, hash);
    copyBytes(key, start, start + length, segments.view(ref), segments.keyOffset(ref));
    copyBytes(this.#digits, 0, digits, segments.view(ref), segments.valueOffset(ref));
    this.#publish(ref, hash, old);
    return ARITH_OK;
  }

  #slotHolds(ref: number, keyAndValueBytes: number): boolean {
    return HEADER_BYTES + keyAndValueBytes <= this.#slabs.sizes[this.#slabs.classOfRef(ref)];
  }

  /** Stamps, publishes and logs a filled item. */
  #publish(ref: number, hash: number, old: number): void {
    this.#stamp(ref);
    this.#items.publish(ref, hash, old);
    this.#log(ref);
  }

  #stamp(ref: number): void {
    this.#clock.tick(this.nowMs);
    this.#segments.setVersion(ref, this.#clock.hi, this.#clock.lo, 0);
  }

  #log(ref: number): void {
    if (this.#changeLog === undefined) return;
    const touchSeq = this.touchSeq(ref);
    this.#changeLog.append(ref, this.versionHi(ref), this.versionLo(ref), touchSeq, CHANGE_ITEM);
  }

  /** A hit: one byte, and the time once a second. */
  #use(ref: number): void {
    const segments = this.#segments;
    const use = segments.byte(ref, BYTE_USE);
    if (use !== (USE_FETCHED | USE_FREQUENCY_MASK)) {
      const frequency = use & USE_FREQUENCY_MASK;
      segments.setByte(
        ref,
        BYTE_USE,
        USE_FETCHED | (frequency === USE_FREQUENCY_MASK ? frequency : frequency + 1),
      );
    }
    if (segments.word(ref, WORD_LAST_ACCESS) !== this.nowSec)
      segments.setWord(ref, WORD_LAST_ACCESS, this.nowSec);
  }
}
