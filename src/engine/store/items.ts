// Items in slots: taking a slot (evicting if need be), entering and leaving the index, tombstones, and the accounts.
// Knows what an item is, but nothing of commands, versions to come or the log's order.
import { CHANGE_ITEM, CHANGE_TOMBSTONE, type ChangeLog } from './change-log.js';
import { CLASS_COUNTER, ClassCounters } from './class-counters.js';
import { COUNTER, type Counters } from './counters.js';
import { Eviction, type ItemKeeper } from './eviction.js';
import type { FlushFloor } from './flush-floor.js';
import { HashIndex } from './index.js';
import {
  BYTE_KEY_LENGTH,
  BYTE_STATE,
  BYTE_TOUCH_SEQ,
  BYTE_USE,
  HEADER_BYTES,
  SEGMENT_REF_MASK,
  STATE_LIVE,
  STATE_PIECE,
  STATE_RESERVED,
  STATE_TOMBSTONE,
  USE_FETCHED,
  USE_FREQUENCY_MASK,
  USE_LOCAL,
  USE_OWN_UNIQUE,
  USE_PROVISIONAL,
  WORD_EXPTIME,
  WORD_FLAGS,
  WORD_LAST_ACCESS,
  WORD_VALUE_LENGTH,
  WORD_VERSION_HI,
  WORD_VERSION_LO,
} from './layout.js';
import type { LocalFlush } from './local-flush.js';
import type { LostWrites } from './lost-writes.js';
import { copyBytes, type Segments } from './segments.js';
import type { SharedMemory } from './shared-memory.js';
import { classForSize } from './slab-classes.js';
import type { Slabs } from './slabs.js';
import { Values } from './values.js';
import { evictionLine, uriKey, type WatchedItem } from './watch-events.js';
import { WATCH_EVICTIONS, type WatchLog } from './watch-log.js';

/** How often room is made anew when another got it first: the index, or a page that went with its last item. */
const ROOM_TRIES = 3;

const SWEEP_PAGE = 0;
const SWEEP_SLOT = 1;
const TOMBSTONE_PAGE = 2;
const TOMBSTONE_SLOT = 3;
const CONTROL_WORDS = 4;

export interface ItemsOptions {
  memory: SharedMemory;
  segments: Segments;
  slabs: Slabs;
  flushFloor: FlushFloor;
  localFlush: LocalFlush | undefined;
  counters: Counters;
  watchLog: WatchLog;
  hashSeed: number;
  initialBuckets: number;
  evictions: boolean;
  tombstoneBytesMax: number;
  changeLog: ChangeLog | undefined;
  lost: LostWrites;
}

export class Items implements ItemKeeper {
  readonly segments: Segments;
  readonly slabs: Slabs;
  readonly index: HashIndex;
  readonly values: Values;
  readonly classCounters: ClassCounters;
  readonly lost: LostWrites;
  nowSec = 0;

  readonly #flushFloor: FlushFloor;
  readonly #localFlush: LocalFlush | undefined;
  readonly #counts: Float64Array;
  readonly #evictions: boolean;
  readonly #eviction: Eviction;
  readonly #tombstoneBytesMax: number;
  readonly #changeLog: ChangeLog | undefined;
  readonly #watchLog: WatchLog;
  readonly #control: Uint32Array;

  constructor(options: ItemsOptions) {
    this.segments = options.segments;
    this.slabs = options.slabs;
    this.index = new HashIndex(
      options.memory,
      options.segments,
      options.slabs,
      options.hashSeed,
      options.initialBuckets,
    );
    this.#control = options.memory.words('items.control', CONTROL_WORDS);
    this.#flushFloor = options.flushFloor;
    this.#localFlush = options.localFlush;
    this.#counts = options.counters.values;
    this.#watchLog = options.watchLog;
    this.classCounters = new ClassCounters(options.memory);
    this.#evictions = options.evictions;
    this.values = new Values(options.segments, options.slabs);
    this.#eviction = new Eviction(this, {
      memory: options.memory,
      segments: options.segments,
      slabs: options.slabs,
      values: this.values,
      counters: options.counters,
      mayEvict: options.evictions,
    });
    this.#tombstoneBytesMax = options.tombstoneBytesMax;
    this.#changeLog = options.changeLog;
    this.lost = options.lost;
  }

  // ── States ───────────────────────────────────────────────────────────────────────────────────────────────────

  isExpired(ref: number): boolean {
    const exptimeSec = this.segments.word(ref, WORD_EXPTIME);
    return exptimeSec !== 0 && exptimeSec <= this.nowSec;
  }

  isDead(ref: number): boolean {
    return this.isExpired(ref) || this.isFlushed(ref);
  }

  isFlushed(ref: number): boolean {
    const { segments } = this;
    return (
      this.#flushFloor.covers(segments.word(ref, WORD_VERSION_HI), segments.word(ref, WORD_VERSION_LO)) ||
      this.isForgotten(ref)
    );
  }

  /** Whether a flush_all of this node alone took the item: to the peer it says nothing. */
  isForgotten(ref: number): boolean {
    return (
      this.#localFlush !== undefined &&
      this.segments.state(ref) === STATE_LIVE &&
      this.#localFlush.covers(this.segments.word(ref, WORD_LAST_ACCESS))
    );
  }

  /** Whether the key stays on this node. */
  isLocal(ref: number): boolean {
    return (this.segments.byte(ref, BYTE_USE) & USE_LOCAL) !== 0;
  }

  /** Whether an add made the item while this node was not in sync. */
  isProvisional(ref: number): boolean {
    return (this.segments.byte(ref, BYTE_USE) & USE_PROVISIONAL) !== 0;
  }

  /** The second of access of what is stored now. */
  get #arrivalSec(): number {
    return this.#localFlush === undefined ? this.nowSec : this.#localFlush.arrivalSec(this.nowSec);
  }

  // ── Slots ────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Memory for an item, with its header set: one slot, or a chain of them. May evict anything that is not reserved.
   * ownUniqueBytes: OWN_UNIQUE_BYTES for an item with a unique of its own, else 0. Returns 0 when there is no memory.
   */
  reserve(
    keyLength: number,
    ownUniqueBytes: number,
    flags: number,
    exptimeSec: number,
    valueLength: number,
  ): number {
    if (this.index.isCrowded) this.#growIndex();
    const itemBytes = HEADER_BYTES + keyLength + ownUniqueBytes + valueLength;
    const pieceBytes = this.values.pieceBytesOf(itemBytes);
    const ref = this.#allocate(pieceBytes === 0 ? itemBytes : this.values.unchainedBytesMax);
    if (ref === 0) return 0;
    this.segments.setHeader(ref, keyLength, flags, exptimeSec, valueLength);
    if (ownUniqueBytes !== 0) {
      this.segments.setByte(ref, BYTE_USE, this.segments.byte(ref, BYTE_USE) | USE_OWN_UNIQUE);
    }
    if (pieceBytes !== 0 && !this.#chain(ref, pieceBytes)) {
      this.release(ref);
      return 0;
    }
    return ref;
  }

  /** Gives a reserved item back. */
  release(ref: number): void {
    this.values.freePieces(ref);
    this.slabs.free(ref);
  }

  #allocate(sizeBytes: number): number {
    const slabClass = classForSize(this.slabs.sizes, sizeBytes);
    let ref = this.slabs.allocate(slabClass);
    // The slot of a victim lies just behind the hand and has a full turn before it. A slot that was free may lie
    // just before it: one use to its credit gives its item a turn as well.
    const use = ref !== 0 && this.slabs.reusedSlot ? 1 : 0;
    for (let tries = 0; ref === 0; tries++) {
      const roomyClass = tries === ROOM_TRIES ? -1 : this.#eviction.makeRoom(slabClass);
      if (roomyClass < 0) return 0;
      ref = this.slabs.allocate(roomyClass);
    }
    this.segments.setByte(ref, BYTE_STATE, STATE_RESERVED);
    this.segments.setByte(ref, BYTE_USE, use);
    return ref;
  }

  #chain(head: number, pieceBytes: number): boolean {
    this.values.beginChain(head);
    let previous = 0;
    for (let left = pieceBytes; left > 0; ) {
      const taken = this.values.nextPieceBytes(left);
      const piece = this.#allocate(HEADER_BYTES + taken);
      if (piece === 0) return false;
      this.values.addPiece(head, previous, piece);
      previous = piece;
      left -= taken;
    }
    return true;
  }

  /** Enters a filled, reserved slot into the index as a live item, in the place of oldRef (0 = none). */
  publish(ref: number, hash: number, oldRef: number): void {
    if (oldRef === 0) {
      this.index.link(ref, hash);
    } else {
      this.index.exchange(oldRef, ref, hash);
      this.#uncount(oldRef);
      this.release(oldRef);
    }
    this.segments.setWord(ref, WORD_LAST_ACCESS, this.#arrivalSec);
    this.segments.setByte(ref, BYTE_STATE, STATE_LIVE);
    this.#counts[COUNTER.totalItems]++;
    this.#countItem(ref, 1);
  }

  /**
   * Whether a new value may take the place of a live item's: neither is chained, the slot is what the new one would get,
   * and the item has no marks that say more of the old value than that it was read.
   */
  mayOverwrite(ref: number, valueLength: number): boolean {
    const { segments, slabs, values } = this;
    if ((segments.byte(ref, BYTE_USE) & ~(USE_FREQUENCY_MASK | USE_FETCHED)) !== 0) return false;
    if (values.isChained(ref)) return false;
    const itemBytes = HEADER_BYTES + segments.byte(ref, BYTE_KEY_LENGTH) + valueLength;
    const slabClass = slabs.classOfRef(ref);
    return itemBytes <= slabs.sizes[slabClass] && (slabClass === 0 || itemBytes > slabs.sizes[slabClass - 1]);
  }

  /** Makes a live item a new one with the same key, but for its value and version. */
  overwrite(ref: number, flags: number, exptimeSec: number, valueLength: number): void {
    const { segments } = this;
    this.resizeValue(ref, valueLength);
    segments.setWord(ref, WORD_FLAGS, flags);
    segments.setWord(ref, WORD_EXPTIME, exptimeSec);
    segments.setWord(ref, WORD_LAST_ACCESS, this.#arrivalSec);
    // It stays where it is in the clock hand's queue: one use to its credit gives it a full turn.
    segments.setByte(ref, BYTE_USE, 1);
    this.slabs.countWrite(ref);
    this.#counts[COUNTER.totalItems]++;
  }

  /** Changes the length of a live item's value; its slot must hold the new length. */
  resizeValue(ref: number, valueLength: number): void {
    const change = valueLength - this.segments.word(ref, WORD_VALUE_LENGTH);
    this.#counts[COUNTER.bytes] += change;
    this.classCounters.add(this.slabs.classOfRef(ref), CLASS_COUNTER.bytes, change);
    this.segments.setWord(ref, WORD_VALUE_LENGTH, valueLength);
  }

  /** Takes an item or tombstone out of the index and frees its slot. */
  drop(ref: number): void {
    this.index.unlink(ref, this.index.hashOfRef(ref));
    this.#uncount(ref);
    this.release(ref);
  }

  evict(ref: number): void {
    const { segments, classCounters } = this;
    const slabClass = this.slabs.classOfRef(ref);
    this.#counts[COUNTER.evictions]++;
    if ((segments.byte(ref, BYTE_USE) & USE_FETCHED) === 0) {
      this.#counts[COUNTER.evictedUnfetched]++;
      classCounters.add(slabClass, CLASS_COUNTER.evictedUnfetched, 1);
    }
    if (segments.word(ref, WORD_EXPTIME) !== 0) classCounters.add(slabClass, CLASS_COUNTER.evictedNonzero, 1);
    const unusedSec = Math.max(0, this.nowSec - segments.word(ref, WORD_LAST_ACCESS));
    classCounters.set(slabClass, CLASS_COUNTER.evictedTimeSec, unusedSec);
    if (this.#watchLog.isWatched(WATCH_EVICTIONS)) this.#tellEviction(ref, unusedSec);
    this.slabs.countEviction(ref);
    this.#noteEvicted(ref);
    this.drop(ref);
  }

  /** Frees what a flush_all of this node alone took. If the peer has not heard of it, what it has is older. */
  dropForgotten(ref: number): void {
    this.#noteEvicted(ref);
    this.drop(ref);
  }

  /** What is evicted before the peer has it leaves something older with the peer, if that has anything. */
  #noteEvicted(ref: number): void {
    // A provisional item gives way to what the peer has.
    if (this.isLocal(ref) || this.isProvisional(ref) || !this.isUnacknowledged(ref)) return;
    const { segments } = this;
    const hi = segments.word(ref, WORD_VERSION_HI);
    this.lost.noteEvicted(this.index.hashOfRef(ref), hi, segments.word(ref, WORD_VERSION_LO));
  }

  /** Whether this node made the entry and the peer has not said that it has it. */
  isUnacknowledged(ref: number): boolean {
    const { segments } = this;
    const hi = segments.word(ref, WORD_VERSION_HI);
    return this.#changeLog?.isUnacknowledged(hi, segments.word(ref, WORD_VERSION_LO)) === true;
  }

  #tellEviction(ref: number, unusedSec: number): void {
    const exptimeSec = this.segments.word(ref, WORD_EXPTIME);
    const wasFetched = (this.segments.byte(ref, BYTE_USE) & USE_FETCHED) !== 0;
    const ttlSec = exptimeSec === 0 ? -1 : exptimeSec - this.nowSec;
    const line = evictionLine(this.describe(ref), wasFetched, ttlSec, unusedSec);
    this.#watchLog.append(WATCH_EVICTIONS, this.nowSec * 1000, line);
  }

  /** An item as watchers are told of it. */
  describe(ref: number): WatchedItem {
    const { segments } = this;
    return {
      key: uriKey(segments.view(ref), segments.keyOffset(ref), segments.byte(ref, BYTE_KEY_LENGTH)),
      slabId: this.slabs.classOfRef(ref) + 1,
      valueLength: segments.word(ref, WORD_VALUE_LENGTH),
    };
  }

  /** Moves an item, a tombstone or a piece to a free slot of the same class or a larger one, and frees its own. */
  relocate(ref: number, to: number): void {
    const { segments, values } = this;
    const at = (ref & SEGMENT_REF_MASK) << 3;
    const slotBytes = this.slabs.sizes[this.slabs.classOfRef(ref)];
    copyBytes(segments.view(ref), at, at + slotBytes, segments.view(to), (to & SEGMENT_REF_MASK) << 3);
    if (segments.state(ref) === STATE_PIECE) {
      values.replacePiece(ref, to);
    } else {
      this.index.exchange(ref, to, this.index.hashOfRef(ref));
      values.adopt(to);
      this.#uncount(ref);
      if (segments.state(to) === STATE_TOMBSTONE) this.#countTombstone(to, 1);
      else this.#countItem(to, 1);
      this.#logMove(to);
    }
    this.slabs.free(ref);
  }

  /**
   * The sender finds an entry by its slot: it is logged again under the new one. Also when the peer knows the version:
   * that is said of all up to one that was acknowledged, and of these the moved one may be the last to be sent.
   */
  #logMove(ref: number): void {
    if (this.isLocal(ref)) return;
    const { segments } = this;
    this.#changeLog?.appendMove(
      ref,
      segments.word(ref, WORD_VERSION_HI),
      segments.word(ref, WORD_VERSION_LO),
      segments.byte(ref, BYTE_TOUCH_SEQ),
      segments.state(ref) === STATE_TOMBSTONE ? CHANGE_TOMBSTONE : CHANGE_ITEM,
    );
  }

  /** Frees an expired or flushed item; false when it had to become a tombstone in its slot. */
  reclaim(ref: number): boolean {
    const slabClass = this.slabs.classOfRef(ref);
    this.classCounters.add(slabClass, CLASS_COUNTER.reclaimed, 1);
    if ((this.segments.byte(ref, BYTE_USE) & USE_FETCHED) === 0) {
      this.#counts[COUNTER.expiredUnfetched]++;
      this.classCounters.add(slabClass, CLASS_COUNTER.expiredUnfetched, 1);
    }
    if (!this.#isMissedByPeer(ref)) {
      if (this.isForgotten(ref)) this.dropForgotten(ref);
      else this.drop(ref);
      return true;
    }
    this.#markTombstone(ref);
    return false;
  }

  /** Whether the peer may keep something older for want of this item. */
  #isMissedByPeer(ref: number): boolean {
    if (this.#changeLog === undefined || this.isFlushed(ref) || this.isLocal(ref)) return false;
    const { segments } = this;
    const hi = segments.word(ref, WORD_VERSION_HI);
    return this.#changeLog.mayBeUnknownToPeer(hi, segments.word(ref, WORD_VERSION_LO));
  }

  // ── Tombstones ───────────────────────────────────────────────────────────────────────────────────────────────

  /** Turns a live item into a tombstone, in a smaller slot if one is free. Returns where it is now. */
  entomb(ref: number): number {
    this.#makeTombstoneRoom();
    const keyLength = this.segments.byte(ref, BYTE_KEY_LENGTH);
    const smallClass = classForSize(this.slabs.sizes, HEADER_BYTES + keyLength);
    if (smallClass !== this.slabs.classOfRef(ref)) {
      const small = this.slabs.allocate(smallClass);
      if (small !== 0) return this.#moveToTombstone(ref, small, keyLength);
    }
    this.#markTombstone(ref);
    return ref;
  }

  /** A tombstone for a key that has no entry; 0 when there is no room for it. */
  addTombstone(
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
    hash: number,
    versionHi: number,
    versionLo: number,
    touchSeq: number,
  ): number {
    this.#makeTombstoneRoom();
    const ref = this.reserve(keyLength, 0, 0, 0, 0);
    if (ref === 0) return 0;
    this.segments.setVersion(ref, versionHi, versionLo, touchSeq);
    copyBytes(key, keyStart, keyStart + keyLength, this.segments.view(ref), this.segments.keyOffset(ref));
    this.index.link(ref, hash);
    this.segments.setByte(ref, BYTE_STATE, STATE_TOMBSTONE);
    this.#countTombstone(ref, 1);
    return ref;
  }

  /** Frees a tombstone before the peer has acknowledged it. */
  dropTombstone(ref: number): void {
    const { segments } = this;
    const hi = segments.word(ref, WORD_VERSION_HI);
    this.lost.noteDeleted(this.index.hashOfRef(ref), hi, segments.word(ref, WORD_VERSION_LO));
    this.drop(ref);
  }

  // ── Upkeep ───────────────────────────────────────────────────────────────────────────────────────────────────

  restartSweep(): void {
    this.#control[SWEEP_PAGE] = 0;
    this.#control[SWEEP_SLOT] = 0;
  }

  /** A live item on the page under the class's hand, the first there is; 0 when there is none. */
  nextVictim(slabClass: number): number {
    const { slabs } = this;
    const page = slabs.handPage(slabClass);
    const carved = page < 0 ? 0 : slabs.carvedSlots(page);
    for (let slot = 0; slot < carved; slot++) {
      const ref = slabs.slotRef(page, slabClass, slot);
      if (this.segments.state(ref) === STATE_LIVE) return ref;
    }
    return 0;
  }

  /** Empties a page of a class; false when values are arriving on all of them. */
  emptyPage(slabClass: number): boolean {
    return this.#eviction.emptyPageOf(slabClass);
  }

  /** Looks at the next maxSlots slots of the arena and frees what is dead there. Returns how many it freed. */
  sweep(maxSlots: number): number {
    let freed = 0;
    for (let looked = 0; looked < maxSlots; looked++) {
      const ref = this.#nextSlot(SWEEP_PAGE, SWEEP_SLOT);
      if (ref === 0) continue;
      const state = this.segments.state(ref);
      if (state === STATE_LIVE) {
        const slabClass = this.slabs.classOfRef(ref);
        this.classCounters.add(slabClass, CLASS_COUNTER.crawlerItemsChecked, 1);
        if (!this.isDead(ref)) continue;
        this.classCounters.add(slabClass, CLASS_COUNTER.crawlerReclaimed, 1);
        if (this.reclaim(ref)) freed++;
      } else if (state === STATE_TOMBSTONE && this.isFlushed(ref)) {
        this.drop(ref);
        freed++;
      }
    }
    this.#counts[COUNTER.reclaimed] += freed;
    return freed;
  }

  // ── The index ────────────────────────────────────────────────────────────────────────────────────────────────

  /** One split; until there is a page for it the chains grow longer instead. */
  #growIndex(): void {
    if (this.index.needsPage) {
      const page = this.slabs.takePageForIndex();
      if (page < 0) {
        this.slabs.indexWaits = this.#evictions;
        return;
      }
      this.index.addPage(page);
    }
    this.index.split();
  }

  // ── Accounts ─────────────────────────────────────────────────────────────────────────────────────────────────

  #uncount(ref: number): void {
    if (this.segments.state(ref) === STATE_TOMBSTONE) {
      this.#countTombstone(ref, -1);
    } else {
      this.#countItem(ref, -1);
    }
  }

  #countItem(ref: number, change: 1 | -1): void {
    const bytes = change * this.values.itemBytes(ref);
    const slabClass = this.slabs.classOfRef(ref);
    this.#counts[COUNTER.currItems] += change;
    this.#counts[COUNTER.bytes] += bytes;
    this.classCounters.add(slabClass, CLASS_COUNTER.items, change);
    this.classCounters.add(slabClass, CLASS_COUNTER.bytes, bytes);
  }

  #countTombstone(ref: number, change: 1 | -1): void {
    this.#counts[COUNTER.tombstones] += change;
    this.#counts[COUNTER.tombstoneBytes] += change * this.slabs.sizes[this.slabs.classOfRef(ref)];
    this.slabs.addTombstones(ref, change);
  }

  #markTombstone(ref: number): void {
    this.#uncount(ref);
    this.values.freePieces(ref);
    this.segments.setWord(ref, WORD_VALUE_LENGTH, 0);
    this.segments.setWord(ref, WORD_EXPTIME, 0);
    this.segments.setWord(ref, WORD_FLAGS, 0);
    this.segments.setByte(ref, BYTE_USE, 0);
    this.segments.setByte(ref, BYTE_STATE, STATE_TOMBSTONE);
    this.#countTombstone(ref, 1);
  }

  #moveToTombstone(ref: number, small: number, keyLength: number): number {
    const { segments } = this;
    segments.setHeader(small, keyLength, 0, 0, 0);
    segments.setByte(small, BYTE_USE, 0);
    segments.copyVersion(ref, small);
    const keyAt = segments.keyOffset(ref);
    copyBytes(segments.view(ref), keyAt, keyAt + keyLength, segments.view(small), segments.keyOffset(small));
    this.index.exchange(ref, small, this.index.hashOfRef(ref));
    segments.setByte(small, BYTE_STATE, STATE_TOMBSTONE);
    this.#countTombstone(small, 1);
    this.#uncount(ref);
    this.release(ref);
    return small;
  }

  /** Keeps tombstones within their share of memory by dropping those that a hand of their own meets next. */
  #makeTombstoneRoom(): void {
    while (this.#counts[COUNTER.tombstoneBytes] >= this.#tombstoneBytesMax) {
      if (this.#counts[COUNTER.tombstones] === 0) return;
      const page = this.#control[TOMBSTONE_PAGE];
      if (page < this.slabs.pagesTaken && this.slabs.tombstonesOfPage(page) === 0) {
        this.#control[TOMBSTONE_PAGE] = page + 1;
        this.#control[TOMBSTONE_SLOT] = 0;
        continue;
      }
      const ref = this.#nextSlot(TOMBSTONE_PAGE, TOMBSTONE_SLOT);
      if (ref !== 0 && this.segments.state(ref) === STATE_TOMBSTONE) this.dropTombstone(ref);
    }
  }

  /** The slot under a hand over the whole arena, which moves on; 0 where a page has none left. */
  #nextSlot(pageField: number, slotField: number): number {
    const control = this.#control;
    let page = control[pageField];
    if (page >= this.slabs.pagesTaken) {
      page = 0;
      control[pageField] = 0;
      control[slotField] = 0;
    }
    const slabClass = this.slabs.classOfPage(page);
    const slot = control[slotField];
    if (slabClass < 0 || slot >= this.slabs.carvedSlots(page)) {
      control[pageField] = page + 1;
      control[slotField] = 0;
      return 0;
    }
    control[slotField] = slot + 1;
    return this.slabs.slotRef(page, slabClass, slot);
  }
}
