// The cache itself: what each command does to memory, local ones and the peer's, and the lock over it. No clock, timer or
// I/O of its own. Here stands what there is to call; the work is done by the parts: operations/ knows what commands do,
// items/ how items come, lie and go.
import type { ClassCounters } from './class-counters.js';
import type { Counters } from './counters.js';
import type { Decimal64 } from './decimal64.js';
import type { HashIndex } from './index.js';
import { BYTE_USE, USE_STALE, USE_WINNER } from './layout.js';
import type { LostFloor, LostWrites } from './lost-writes.js';
import type { Lookup } from './operations/lookup.js';
import type { Overwriting } from './operations/overwriting.js';
import type { Storing } from './operations/storing.js';
import type { PrefixStats } from './prefix-stats.js';
import type { Segments } from './segments.js';
import type { Slabs } from './slabs.js';
import type { StoreLock } from './store-lock.js';
import { StoreParts } from './store-parts.js';
import { StoreState } from './store-state.js';
import type { StoreTime } from './store-time.js';
import {
  type ArithResult,
  type FlushState,
  type ItemMarks,
  type NO_MEMORY,
  REMOTE_LOCAL_KEY,
  type RemoteResult,
  type StoreMode,
  type StoreOptions,
  type StoreResult,
  type TOO_LARGE,
} from './store-types.js';
import { StoredEntries } from './stored-entries.js';
import type { SweepPace } from './sweep-pace.js';
import type { Values } from './values.js';
import type { VersionClock } from './version.js';
import type { WatchLog } from './watch-log.js';

export class Store extends StoredEntries {
  readonly counters: Counters;
  /** Figures by slab class; for statistics only. */
  readonly classCounters: ClassCounters;
  readonly prefixStats: PrefixStats;
  /** Pages, slots and sizes by class; for statistics only. */
  readonly slabs: Slabs;
  readonly watchLog: WatchLog;
  readonly sweepPace: SweepPace;
  readonly lostWrites: LostWrites;
  /** By which keys are hashed. */
  readonly hashSeed: number;
  readonly evictions: boolean;
  readonly itemSizeMaxBytes: number;
  /** All memory the store may ever touch, in bytes: its pages and its tables. */
  readonly memoryLimitBytes: number;
  /** The result of the last successful incr or decr. */
  readonly number: Decimal64;

  readonly #segments: Segments;
  readonly #values: Values;
  readonly #index: HashIndex;
  readonly #time: StoreTime;
  readonly #clock: VersionClock;
  /** Of the parts, those that every request needs: a load less each. */
  readonly #lock: StoreLock;
  readonly #lookup: Lookup;
  readonly #overwriting: Overwriting;
  readonly #storing: Storing;
  readonly #parts: StoreParts;
  readonly #refusal: Int32Array;
  /** Keeps the reads of warm() from being optimized away. */
  #warmth = 0;

  /** @throws RangeError when memoryBytes or itemSizeMaxBytes is outside what the layout can address. */
  constructor(options: StoreOptions) {
    const state = new StoreState(options);
    const parts = new StoreParts(state);
    super(state, parts.liveness, parts.peer);
    this.counters = state.counters;
    this.classCounters = state.classCounters;
    this.prefixStats = state.prefixStats;
    this.slabs = state.slabs;
    this.watchLog = state.watchLog;
    this.sweepPace = parts.sweepPace;
    this.lostWrites = state.lost;
    this.hashSeed = options.hashSeed;
    this.evictions = state.evictions;
    this.itemSizeMaxBytes = state.itemSizeMaxBytes;
    this.memoryLimitBytes = state.memoryLimitBytes;
    this.number = parts.arithmetic.number;
    this.#segments = state.segments;
    this.#values = state.values;
    this.#index = state.index;
    this.#time = state.time;
    this.#clock = state.clock;
    this.#lock = parts.lock;
    this.#lookup = parts.lookup;
    this.#overwriting = parts.overwriting;
    this.#storing = parts.storing;
    this.#parts = parts;
    this.#refusal = new Int32Array(state.memory.block('refusal', Int32Array.BYTES_PER_ELEMENT));
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
    this.#time.set(nowMs);
    this.#parts.flushing.advance();
  }

  /** As setNow() last told it. */
  get nowMs(): number {
    return this.#time.nowMs;
  }

  get nowSec(): number {
    return this.#time.nowSec;
  }

  /** Whether whoever speaks for a client is to refuse commands that write. Nothing here looks at it. */
  get refusesWrites(): boolean {
    return Atomics.load(this.#refusal, 0) !== 0;
  }

  set refusesWrites(refuses: boolean) {
    Atomics.store(this.#refusal, 0, refuses ? 1 : 0);
  }

  // ── Looking up ───────────────────────────────────────────────────────────────────────────────────────────────

  /** The item a client asked for, counted as a get and as a use; 0 = miss. */
  get(key: Uint8Array, start: number, length: number): number {
    return this.#lookup.get(key, start, length);
  }

  /** The same for gat, counted as a touch; touchItem() is to follow once the value was read. */
  getToTouch(key: Uint8Array, start: number, length: number): number {
    return this.#lookup.getToTouch(key, start, length);
  }

  /** The item of a meta get, counted like get(), or like `touch` if it is there and touched; not yet as a use. */
  look(key: Uint8Array, start: number, length: number, touches: boolean): number {
    return this.#lookup.look(key, start, length, touches);
  }

  /** The live item with this key, 0 when there is none. Counts nothing; frees it when it is dead. */
  find(key: Uint8Array, start: number, length: number): number {
    return this.#lookup.find(key, start, length);
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
    this.#lookup.use(ref);
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
    return this.#storing.reserve(key, start, length, flags, exptimeSec, valueLength, 0);
  }

  /** What reserve() says when it returns 0. */
  get reserveError(): typeof NO_MEMORY | typeof TOO_LARGE {
    return this.#storing.reserveError;
  }

  /** Tells watchers of a write in this mode for which reserve() returned 0. */
  tellRefused(key: Uint8Array, start: number, length: number, mode: StoreMode): void {
    this.#storing.tellRefused(key, start, length, mode);
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
    return this.#storing.reserveWithUnique(
      key,
      start,
      length,
      flags,
      exptimeSec,
      valueLength,
      uniqueHi,
      uniqueLo,
    );
  }

  /** Copies source[start .. end) into the value of a reserved item, from valueStart on; it must fit. */
  writeValue(ref: number, valueStart: number, source: Uint8Array, start: number, end: number): void {
    this.#values.write(ref, valueStart, source, start, end);
  }

  /** Gives a reserved slot back: the value never came, or was bad. */
  release(ref: number): void {
    this.#values.release(ref);
  }

  /**
   * Stores a filled, reserved item according to mode, or gives it back. The unique is what the client compares with;
   * 0/0 = with nothing, which MODE_CAS never matches.
   */
  commit(ref: number, mode: StoreMode, uniqueHi: number, uniqueLo: number): StoreResult {
    return this.#storing.commit(ref, mode, uniqueHi, uniqueLo);
  }

  /** The unique that the last successful commit() gave its item, and the length its value has now. */
  get storedUniqueHi(): number {
    return this.#parts.writes.storedUniqueHi;
  }

  get storedUniqueLo(): number {
    return this.#parts.writes.storedUniqueLo;
  }

  get storedLength(): number {
    return this.#parts.writes.storedLength;
  }

  /**
   * `set` in one go, of a value that lies in bytes as the key does: written over that of a live item, where there is one
   * whose slot is of the right size.
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
    return this.#overwriting.overwrite(
      bytes,
      keyStart,
      keyLength,
      flags,
      exptimeSec,
      valueStart,
      valueLength,
    );
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
    return this.#parts.insertion.insert(
      key,
      start,
      length,
      flags,
      exptimeSec,
      value,
      valueLength,
      uniqueHi,
      uniqueLo,
    );
  }

  // ── Other commands ───────────────────────────────────────────────────────────────────────────────────────────

  /** `delete`: whether there was something to delete. */
  remove(key: Uint8Array, start: number, length: number): boolean {
    return this.#parts.deletion.remove(key, start, length);
  }

  /** Counts a delete of a live item. */
  countDelete(ref: number, command: 'delete' | 'md'): void {
    this.#parts.deletion.count(ref, command);
  }

  /** Deletes a live item; with replication on a tombstone tells the peer. Counts nothing. */
  removeItem(ref: number): void {
    this.#parts.deletion.removeItem(ref);
  }

  /** What `set` of a too large value leaves behind: nothing of the key, rather than its old value. */
  discard(key: Uint8Array, start: number, length: number): void {
    const ref = this.find(key, start, length);
    if (ref !== 0) this.removeItem(ref);
  }

  /** `touch`: whether there was something to touch. exptimeSec is absolute. */
  touch(key: Uint8Array, start: number, length: number, exptimeSec: number): boolean {
    return this.#parts.touching.touch(key, start, length, exptimeSec);
  }

  /** Gives a live item a new expiry time; one that has passed deletes it. The version stays, as the CAS unique must. */
  touchItem(ref: number, exptimeSec: number): void {
    this.#parts.touching.touchItem(ref, exptimeSec);
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
    return this.#parts.arithmetic.change(key, start, length, deltaHi, deltaLo, isIncrement);
  }

  /** flush_all with the client's number: 0 or less = now, else seconds from now or a Unix time. */
  flushAll(exptime: number): void {
    this.#parts.flushing.flushAll(exptime);
  }

  /** `md I`: a live item gets a new version and is stale from now on; the next reader may win it. */
  markStale(ref: number): void {
    const segments = this.#segments;
    segments.setByte(ref, BYTE_USE, (segments.byte(ref, BYTE_USE) | USE_STALE) & ~USE_WINNER);
    this.#parts.writes.renew(ref);
  }

  /** Notes that a reader was told to recache the item. Stays here: after a failover another one is told so. */
  markWinner(ref: number): void {
    this.#segments.setMark(ref, USE_WINNER);
  }

  /** Gives a live item a new version, and the unique that the client wants it to show. */
  overrideUnique(key: Uint8Array, start: number, length: number, hi: number, lo: number): boolean {
    return this.#parts.ownUniques.override(key, start, length, hi, lo);
  }

  // ── The peer's writes ────────────────────────────────────────────────────────────────────────────────────────

  /** How often the peer's entry for a key met one here that it had not heard of: ours stayed, or gave way. */
  get conflictsWon(): number {
    return this.#parts.remote.conflictsWon;
  }

  get conflictsLost(): number {
    return this.#parts.remote.conflictsLost;
  }

  /** On equal order with differing content the node with bit 0 wins: true when that is the peer. */
  get remoteWinsTies(): boolean {
    return this.#parts.remote.remoteWinsTies;
  }

  set remoteWinsTies(wins: boolean) {
    this.#parts.remote.remoteWinsTies = wins;
  }

  /**
   * Replication says how this node stands to its peer, for all threads.
   * @param isInSync whether all that the peer has is here: else an add is provisional, as its key may exist there
   * @param answersForItems whether what lies here stands against such an add of the peer; not before clients are
   *   served, as it may come from before a restart
   */
  noteSync(isInSync: boolean, answersForItems: boolean): void {
    this.#parts.writes.noteSync(isInSync);
    this.#parts.remote.overrulesAdds = answersForItems;
  }

  /**
   * That many entries of the peer's are about to come: makes room in the index, if nothing lies here yet. Lets others
   * have the lock after each page of it, and stops once they have stored something.
   */
  expect(entries: number): void {
    while (this.#parts.reservation.expect(entries)) this.yieldLock();
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
    if (this.#parts.writes.staysLocal(bytes, keyStart, keyLength)) return REMOTE_LOCAL_KEY;
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
    return this.#parts.remote.applyItem(
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
    if (this.#parts.writes.staysLocal(bytes, keyStart, keyLength)) return REMOTE_LOCAL_KEY;
    return this.#parts.remote.applyTombstone(
      bytes,
      keyStart,
      keyLength,
      versionHi,
      versionLo,
      touchSeq,
      keep,
    );
  }

  /** Merges the peer's flush state into ours; never logs. */
  applyRemoteFlush(remote: FlushState): RemoteResult {
    return this.#parts.flushing.applyRemote(remote);
  }

  flushState(): FlushState {
    return this.#parts.flushing.snapshot();
  }

  /** Frees the tombstone of a delete that the peer acknowledged; false when the slot no longer holds it. */
  releaseTombstone(ref: number, versionHi: number, versionLo: number): boolean {
    return this.#parts.tombstones.release(ref, versionHi, versionLo);
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
    return this.#parts.sweep.run(this.sweepPace.allow(maxSlots, this.nowMs));
  }

  /** Lets the sweep begin again with the first slot. */
  restartSweep(): void {
    this.#parts.sweep.restart();
  }

  /** Takes a page from a class (from 0) that has two or more, for whoever needs it next; what no room is found for goes. */
  reassignPage(slabClass: number): boolean {
    return this.#parts.eviction.reassignPage(slabClass);
  }

  /** Bytes taken so far; pages are never given back to the system. */
  get memoryUsedBytes(): number {
    return this.#parts.statistics.memoryUsedBytes;
  }

  /** Seconds since the item that the class's hand comes to next was used; 0 when there is none near. */
  ageOfNextVictimSec(slabClass: number): number {
    return this.#parts.statistics.ageOfNextVictimSec(slabClass);
  }

  resetStats(): void {
    this.#parts.statistics.reset();
  }
}
