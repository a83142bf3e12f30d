// Items in slots: taking a slot (evicting if need be), entering and leaving the index, tombstones, and the accounts.
// Knows what an item is, but nothing of commands, versions to come or the log's order.
import type { ChangeLog } from './change-log.js';
import { COUNTER, type Counters } from './counters.js';
import type { FlushFloor } from './flush-floor.js';
import { HashIndex } from './index.js';
import {
  BYTE_KEY_LENGTH,
  BYTE_STATE,
  BYTE_USE,
  HEADER_BYTES,
  STATE_LIVE,
  STATE_RESERVED,
  STATE_TOMBSTONE,
  USE_FETCHED,
  USE_FREQUENCY_MASK,
  WORD_EXPTIME,
  WORD_FLAGS,
  WORD_LAST_ACCESS,
  WORD_VALUE_LENGTH,
  WORD_VERSION_HI,
  WORD_VERSION_LO,
} from './layout.js';
import { copyBytes, type Segments } from './segments.js';
import type { SharedMemory } from './shared-memory.js';
import { classForSize } from './slab-classes.js';
import type { Slabs } from './slabs.js';
import { compareVersions } from './version.js';

/** So many slots a writer looks at for one that was never hit; after that the least used one seen has to go. */
const HAND_STEPS = 256;

const DELETE_FLOOR_HI = 0;
const DELETE_FLOOR_LO = 1;
const SWEEP_PAGE = 2;
const SWEEP_SLOT = 3;
const TOMBSTONE_PAGE = 4;
const TOMBSTONE_SLOT = 5;
const CONTROL_WORDS = 6;

export interface ItemsOptions {
  memory: SharedMemory;
  segments: Segments;
  slabs: Slabs;
  flushFloor: FlushFloor;
  counters: Counters;
  hashSeed: number;
  initialBuckets: number;
  evictions: boolean;
  tombstoneBytesMax: number;
  changeLog: ChangeLog | undefined;
}

export class Items {
  readonly segments: Segments;
  readonly slabs: Slabs;
  readonly index: HashIndex;
  nowSec = 0;

  readonly #flushFloor: FlushFloor;
  readonly #counts: Float64Array;
  readonly #evictions: boolean;
  readonly #tombstoneBytesMax: number;
  readonly #changeLog: ChangeLog | undefined;
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
    this.#counts = options.counters.values;
    this.#evictions = options.evictions;
    this.#tombstoneBytesMax = options.tombstoneBytesMax;
    this.#changeLog = options.changeLog;
  }

  // ── States ───────────────────────────────────────────────────────────────────────────────────────────────────

  isExpired(ref: number): boolean {
    const exptimeSec = this.segments.word(ref, WORD_EXPTIME);
    return exptimeSec !== 0 && exptimeSec <= this.nowSec;
  }

  isFlushed(ref: number): boolean {
    return this.#flushFloor.covers(
      this.segments.word(ref, WORD_VERSION_HI),
      this.segments.word(ref, WORD_VERSION_LO),
    );
  }

  /** Bytes of header, key and value. */
  sizeOf(ref: number): number {
    const { segments } = this;
    const keyBytes = segments.byte(ref, BYTE_KEY_LENGTH) + segments.ownUniqueBytes(ref);
    return HEADER_BYTES + keyBytes + segments.word(ref, WORD_VALUE_LENGTH);
  }

  // ── Slots ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A reserved slot for sizeBytes. May evict anything that is not reserved. 0 = no memory. */
  allocate(sizeBytes: number): number {
    if (this.index.isCrowded) this.#growIndex();
    const slabClass = classForSize(this.slabs.sizes, sizeBytes);
    if (slabClass < 0) return 0;
    let ref = this.slabs.allocate(slabClass);
    // The slot of a victim lies just behind the hand and has a full turn before it. A slot that was free may lie
    // just before it: one use to its credit gives its item a turn as well.
    let use = this.slabs.reusedSlot ? 1 : 0;
    if (ref === 0) {
      if (!this.#makeRoom(slabClass)) return 0;
      ref = this.slabs.allocate(slabClass);
      if (ref === 0) return 0;
      use = 0;
    }
    this.segments.setByte(ref, BYTE_STATE, STATE_RESERVED);
    this.segments.setByte(ref, BYTE_USE, use);
    return ref;
  }

  /** Gives a reserved slot back. */
  release(ref: number): void {
    this.slabs.free(ref);
  }

  /** Enters a filled, reserved slot into the index as a live item, in the place of oldRef (0 = none). */
  publish(ref: number, hash: number, oldRef: number): void {
    if (oldRef === 0) {
      this.index.link(ref, hash);
    } else {
      this.index.exchange(oldRef, ref, hash);
      this.#uncount(oldRef);
      this.slabs.free(oldRef);
    }
    this.segments.setWord(ref, WORD_LAST_ACCESS, this.nowSec);
    this.segments.setByte(ref, BYTE_STATE, STATE_LIVE);
    this.#counts[COUNTER.currItems]++;
    this.#counts[COUNTER.totalItems]++;
    this.#counts[COUNTER.bytes] += this.sizeOf(ref);
  }

  /** Changes the length of a live item's value; its slot must hold the new length. */
  resizeValue(ref: number, valueLength: number): void {
    this.#counts[COUNTER.bytes] += valueLength - this.segments.word(ref, WORD_VALUE_LENGTH);
    this.segments.setWord(ref, WORD_VALUE_LENGTH, valueLength);
  }

  /** Takes an item or tombstone out of the index and frees its slot. */
  drop(ref: number): void {
    this.index.unlink(ref, this.index.hashOfRef(ref));
    this.#uncount(ref);
    this.slabs.free(ref);
  }

  /** Frees an expired or flushed item; false when it had to become a tombstone in its slot. */
  reclaim(ref: number): boolean {
    if ((this.segments.byte(ref, BYTE_USE) & USE_FETCHED) === 0) this.#counts[COUNTER.expiredUnfetched]++;
    const mustStay =
      this.#changeLog !== undefined &&
      !this.isFlushed(ref) &&
      this.#changeLog.mayBeUnknownToPeer(
        this.segments.word(ref, WORD_VERSION_HI),
        this.segments.word(ref, WORD_VERSION_LO),
      );
    if (!mustStay) {
      this.drop(ref);
      return true;
    }
    this.#markTombstone(ref);
    return false;
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

  /** A tombstone for a key that has no entry; false when there is no room for it. */
  addTombstone(
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
    hash: number,
    versionHi: number,
    versionLo: number,
    touchSeq: number,
  ): boolean {
    this.#makeTombstoneRoom();
    const ref = this.allocate(HEADER_BYTES + keyLength);
    if (ref === 0) return false;
    this.segments.setHeader(ref, keyLength, 0, 0, 0);
    this.segments.setVersion(ref, versionHi, versionLo, touchSeq);
    copyBytes(key, keyStart, keyStart + keyLength, this.segments.view(ref), this.segments.keyOffset(ref));
    this.index.link(ref, hash);
    this.segments.setByte(ref, BYTE_STATE, STATE_TOMBSTONE);
    this.#countTombstone(ref, 1);
    return true;
  }

  /** Frees a tombstone before the peer has acknowledged it; what it stood for is covered by the delete floor. */
  dropTombstone(ref: number): void {
    this.raiseDeleteFloor(this.segments.word(ref, WORD_VERSION_HI), this.segments.word(ref, WORD_VERSION_LO));
    this.drop(ref);
  }

  get deleteFloorHi(): number {
    return this.#control[DELETE_FLOOR_HI];
  }

  get deleteFloorLo(): number {
    return this.#control[DELETE_FLOOR_LO];
  }

  raiseDeleteFloor(hi: number, lo: number): void {
    if (compareVersions(hi, lo, this.deleteFloorHi, this.deleteFloorLo) <= 0) return;
    this.#control[DELETE_FLOOR_HI] = hi;
    this.#control[DELETE_FLOOR_LO] = lo;
  }

  // ── Upkeep ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Looks at the next maxSlots slots of the arena and frees what is dead there. Returns how many it freed. */
  sweep(maxSlots: number): number {
    let freed = 0;
    for (let looked = 0; looked < maxSlots; looked++) {
      const ref = this.#nextSlot(SWEEP_PAGE, SWEEP_SLOT);
      if (ref === 0) continue;
      const state = this.segments.state(ref);
      if (state === STATE_LIVE) {
        if ((this.isFlushed(ref) || this.isExpired(ref)) && this.reclaim(ref)) freed++;
      } else if (state === STATE_TOMBSTONE && this.isFlushed(ref)) {
        this.drop(ref);
        freed++;
      }
    }
    this.#counts[COUNTER.reclaimed] += freed;
    return freed;
  }

  // ── Making room ──────────────────────────────────────────────────────────────────────────────────────────────

  #makeRoom(slabClass: number): boolean {
    if (this.slabs.pagesOfClass(slabClass) > 0 && this.#turnHand(slabClass)) return true;
    return this.#evictions && this.#emptyPage();
  }

  /** The clock hand: walks the class's slots until one can be freed. */
  #turnHand(slabClass: number): boolean {
    const { segments, slabs } = this;
    const slots = slabs.pagesOfClass(slabClass) * slabs.slotsPerPage[slabClass];
    let candidate = 0;
    let candidateFrequency = USE_FREQUENCY_MASK + 1;
    for (let step = 0; step < slots; step++) {
      if (step >= HAND_STEPS && (candidate !== 0 || !this.#evictions)) break;
      const ref = slabs.advanceHand(slabClass);
      if (segments.state(ref) !== STATE_LIVE) continue;
      if (this.isExpired(ref) || this.isFlushed(ref)) {
        if (!this.reclaim(ref)) continue;
        this.#counts[COUNTER.reclaimed]++;
        return true;
      }
      const use = segments.byte(ref, BYTE_USE);
      const frequency = use & USE_FREQUENCY_MASK;
      if (frequency === 0 && this.#evictions) {
        this.#evict(ref);
        return true;
      }
      if (frequency < candidateFrequency) {
        candidate = ref;
        candidateFrequency = frequency;
      }
      if (frequency > 0) segments.setByte(ref, BYTE_USE, use - 1);
    }
    if (!this.#evictions) return false;
    if (candidate !== 0) this.#evict(candidate);
    return candidate !== 0 || this.#dropTombstoneOfClass(slabClass, slots);
  }

  #dropTombstoneOfClass(slabClass: number, slots: number): boolean {
    for (let step = 0; step < slots; step++) {
      const ref = this.slabs.advanceHand(slabClass);
      if (this.segments.state(ref) === STATE_TOMBSTONE) {
        this.dropTombstone(ref);
        return true;
      }
    }
    return false;
  }

  /** Evicts all of a page of the class that has most, so that another owner can have it. */
  #emptyPage(): boolean {
    const slabClass = this.slabs.richestClass();
    if (slabClass < 0) return false;
    let page = this.slabs.handPage(slabClass);
    for (let tried = this.slabs.pagesOfClass(slabClass); tried > 0; tried--) {
      if (!this.#hasReserved(page, slabClass)) {
        this.#evictPage(page, slabClass);
        this.#counts[COUNTER.slabsMoved]++;
        return true;
      }
      page = this.slabs.nextPage(page);
    }
    return false;
  }

  #hasReserved(page: number, slabClass: number): boolean {
    const carved = this.slabs.carvedSlots(page);
    for (let slot = 0; slot < carved; slot++) {
      if (this.segments.state(this.slabs.slotRef(page, slabClass, slot)) === STATE_RESERVED) return true;
    }
    return false;
  }

  #evictPage(page: number, slabClass: number): void {
    const carved = this.slabs.carvedSlots(page);
    for (let slot = 0; slot < carved; slot++) {
      const ref = this.slabs.slotRef(page, slabClass, slot);
      const state = this.segments.state(ref);
      if (state === STATE_LIVE) this.#evict(ref);
      else if (state === STATE_TOMBSTONE) this.dropTombstone(ref);
    }
  }

  #evict(ref: number): void {
    this.#counts[COUNTER.evictions]++;
    if ((this.segments.byte(ref, BYTE_USE) & USE_FETCHED) === 0) this.#counts[COUNTER.evictedUnfetched]++;
    this.slabs.countEviction(ref);
    this.drop(ref);
  }

  /** One split; without a page for it the chains grow longer instead. */
  #growIndex(): void {
    if (this.index.needsPage) {
      let page = this.slabs.takePageForIndex();
      if (page < 0 && this.#evictions && this.#emptyPage()) page = this.slabs.takePageForIndex();
      if (page < 0) return;
      this.index.addPage(page);
    }
    this.index.split();
  }

  // ── Accounts ─────────────────────────────────────────────────────────────────────────────────────────────────

  #uncount(ref: number): void {
    if (this.segments.state(ref) === STATE_TOMBSTONE) {
      this.#countTombstone(ref, -1);
    } else {
      this.#counts[COUNTER.currItems]--;
      this.#counts[COUNTER.bytes] -= this.sizeOf(ref);
    }
  }

  #countTombstone(ref: number, change: 1 | -1): void {
    this.#counts[COUNTER.tombstones] += change;
    this.#counts[COUNTER.tombstoneBytes] += change * this.slabs.sizes[this.slabs.classOfRef(ref)];
    this.slabs.addTombstones(ref, change);
  }

  #markTombstone(ref: number): void {
    this.#uncount(ref);
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
    this.slabs.free(ref);
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
