// Slots of the slab classes: which are free, whose turn is next, and how old what lies there is.
// Knows nothing of what lies in a slot but its state byte.
//
// Free slots are chained within their page, so that a page can change its class without a walk over anybody's list.
import { COUNTER, type Counters } from './counters.js';
import {
  BYTE_STATE,
  PAGE_FIRST_SLOT_REF,
  PAGE_REF_SHIFT,
  PAGE_SLOT_BYTES,
  STATE_FREE,
  WORD_NEXT,
} from './layout.js';
import { PageTable } from './page-table.js';
import type { Segments } from './segments.js';
import type { SharedMemory } from './shared-memory.js';
import { CLASSES_MAX, slotSizes } from './slab-classes.js';

/** Fields of a class, u32 each. */
const CLASS_STRIDE = 4;
const CLASS_USED = 0;
const CLASS_EVICTED = 1;
/** Bytes of its slots that went to other classes since it had a page. */
const CLASS_LODGED = 2;

/** So much of a page a class must have written elsewhere before it gets one of its own. */
const OWN_PAGE_BYTES = PAGE_SLOT_BYTES / 4;

const CONTROL_INDEX_WAITS = 0;
const CONTROL_WORDS = 1;

/** Doubles: bytes of all slots ever handed out or written again, then for each page what that was when the hand last left the page. */
const CLOCK = 0;
const CLOCK_FIRST_STAMP = 1;

export class Slabs {
  /** Slot size of each class in bytes, ascending. */
  readonly sizes: Uint32Array;
  readonly slotsPerPage: Uint32Array;
  readonly slotBytesMax: number;
  /** Whether the last allocate() reused a freed slot: it may lie anywhere in the clock hand's queue. */
  reusedSlot = false;

  readonly #segments: Segments;
  readonly #counts: Float64Array;
  readonly #pages: PageTable;
  readonly #classes: Uint32Array;
  readonly #control: Uint32Array;
  readonly #clock: Float64Array;

  constructor(
    memory: SharedMemory,
    segments: Segments,
    counters: Counters,
    pageLimit: number,
    minItemSpaceBytes: number,
    growthFactor: number,
  ) {
    this.#segments = segments;
    this.#counts = counters.values;
    this.sizes = slotSizes(minItemSpaceBytes, growthFactor);
    this.slotsPerPage = this.sizes.map((size) => Math.floor(PAGE_SLOT_BYTES / size));
    this.slotBytesMax = this.sizes[this.sizes.length - 1];
    this.#pages = new PageTable(memory, pageLimit, this.sizes.length);
    this.#classes = memory.words('slabs.classes', this.sizes.length * CLASS_STRIDE);
    this.#control = memory.words('slabs.control', CONTROL_WORDS);
    this.#clock = memory.doubles('slabs.clock', CLOCK_FIRST_STAMP + pageLimit);
  }

  /** Memory that the tables take for a given number of pages. */
  static tableBytes(pageLimit: number): number {
    const clockBytes = (CLOCK_FIRST_STAMP + pageLimit) * 8;
    return PageTable.tableBytes(pageLimit, CLASSES_MAX) + CLASSES_MAX * CLASS_STRIDE * 4 + clockBytes;
  }

  // ── Figures ──────────────────────────────────────────────────────────────────────────────────────────────────

  get pageLimit(): number {
    return this.#pages.limit;
  }

  get pagesTaken(): number {
    return this.#pages.taken;
  }

  /** Pages that no class and not the index has. */
  get sparePages(): number {
    return this.#pages.sparePages;
  }

  pagesOfClass(slabClass: number): number {
    return this.#pages.countOf(slabClass);
  }

  usedSlotsOfClass(slabClass: number): number {
    return this.#classes[slabClass * CLASS_STRIDE + CLASS_USED];
  }

  evictedOfClass(slabClass: number): number {
    return this.#classes[slabClass * CLASS_STRIDE + CLASS_EVICTED];
  }

  countEviction(ref: number): void {
    this.#classes[this.classOfRef(ref) * CLASS_STRIDE + CLASS_EVICTED]++;
  }

  resetEvictionCounts(): void {
    for (let at = CLASS_EVICTED; at < this.#classes.length; at += CLASS_STRIDE) this.#classes[at] = 0;
  }

  /** Class of a page, negative when no class owns it. */
  classOfPage(page: number): number {
    return this.#pages.classOf(page);
  }

  classOfRef(ref: number): number {
    return this.#pages.classOf(ref >>> PAGE_REF_SHIFT);
  }

  /** Slots of a page that ever held something; those behind them are untouched. */
  carvedSlots(page: number): number {
    return this.#pages.carved(page);
  }

  usedSlots(page: number): number {
    return this.#pages.used(page);
  }

  /** Free slots of the page's class on its other pages. The page must not be withdrawn. */
  freeSlotsElsewhere(page: number): number {
    const slabClass = this.#pages.classOf(page);
    const otherPages = this.#pages.countOf(slabClass) - 1;
    return (
      otherPages * this.slotsPerPage[slabClass] - this.usedSlotsOfClass(slabClass) + this.#pages.used(page)
    );
  }

  tombstonesOfPage(page: number): number {
    return this.#pages.tombstones(page);
  }

  addTombstones(ref: number, change: number): void {
    this.#pages.addTombstones(ref >>> PAGE_REF_SHIFT, change);
  }

  slotRef(page: number, slabClass: number, slot: number): number {
    return ((page << PAGE_REF_SHIFT) >>> 0) + PAGE_FIRST_SLOT_REF + slot * (this.sizes[slabClass] >>> 3);
  }

  /** Whether a ref, wherever it came from, is the start of a slot that was ever used. */
  isSlot(ref: number): boolean {
    const page = ref >>> PAGE_REF_SHIFT;
    if (page >= this.pagesTaken) return false;
    const slabClass = this.classOfPage(page);
    if (slabClass < 0) return false;
    const offset = ref - ((page << PAGE_REF_SHIFT) >>> 0) - PAGE_FIRST_SLOT_REF;
    const slotRefs = this.sizes[slabClass] >>> 3;
    return offset >= 0 && offset % slotRefs === 0 && offset / slotRefs < this.carvedSlots(page);
  }

  // ── Slots ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A slot of the class, without evicting anything; 0 when there is no free slot and no page to be had. */
  allocate(slabClass: number): number {
    if (this.#pages.pageWithRoom(slabClass) < 0 && !this.#grow(slabClass)) return 0;
    return this.allocateFree(slabClass);
  }

  /** Whether allocateFree() has a slot. */
  hasFreeSlot(slabClass: number): boolean {
    return this.#pages.pageWithRoom(slabClass) >= 0;
  }

  /** Counts a slot of the class as to be had elsewhere. Whether that was so often that it should have a page. */
  lodge(slabClass: number): boolean {
    const at = slabClass * CLASS_STRIDE + CLASS_LODGED;
    this.#classes[at] += this.sizes[slabClass];
    return this.#classes[at] >= OWN_PAGE_BYTES;
  }

  /** A slot on the pages that the class has; 0 when all are used. */
  allocateFree(slabClass: number): number {
    const pages = this.#pages;
    const page = pages.pageWithRoom(slabClass);
    if (page < 0) return 0;
    let ref = pages.freeHead(page);
    this.reusedSlot = ref !== 0;
    if (ref !== 0) pages.setFreeHead(page, this.#segments.next(ref));
    else ref = this.slotRef(page, slabClass, pages.carve(page));
    if (pages.addUsed(page, 1) === this.slotsPerPage[slabClass]) pages.leaveRoom(page, slabClass);
    this.#classes[slabClass * CLASS_STRIDE + CLASS_USED]++;
    this.#clock[CLOCK] += this.sizes[slabClass];
    return ref;
  }

  /** Counts a slot as written again: what others hold has become older by that much. */
  countWrite(ref: number): void {
    this.#clock[CLOCK] += this.sizes[this.classOfRef(ref)];
  }

  /** Gives a slot back. It must have been allocated, and nothing may refer to it any more. */
  free(ref: number): void {
    const pages = this.#pages;
    const page = ref >>> PAGE_REF_SHIFT;
    const slabClass = pages.classOf(page);
    this.#segments.setByte(ref, BYTE_STATE, STATE_FREE);
    this.#segments.setWord(ref, WORD_NEXT, pages.freeHead(page));
    pages.setFreeHead(page, ref);
    this.#classes[slabClass * CLASS_STRIDE + CLASS_USED]--;
    const used = pages.addUsed(page, -1);
    if (used + 1 === this.slotsPerPage[slabClass] && !pages.isWithdrawn(page))
      pages.enterRoom(page, slabClass);
    if (used === 0) pages.release(page, slabClass);
  }

  // ── Pages ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A page for the index, for ever; -1 when there is none to spare. Its memory may hold anything. */
  takePageForIndex(): number {
    const page = this.#pages.takeForIndex();
    if (page >= 0) this.#control[CONTROL_INDEX_WAITS] = 0;
    return page;
  }

  /** Whether the index was refused a page: the next one to spare is kept for it. */
  get indexWaits(): boolean {
    return this.#control[CONTROL_INDEX_WAITS] !== 0;
  }

  set indexWaits(waits: boolean) {
    this.#control[CONTROL_INDEX_WAITS] = waits ? 1 : 0;
  }

  /** Whether allocate() can give the class another page. */
  get canGrow(): boolean {
    return this.#pages.sparePages > this.#control[CONTROL_INDEX_WAITS];
  }

  /** Hands out no slot of the page any more; once its last is freed, the page is to spare. */
  withdraw(page: number): void {
    this.#pages.withdraw(page, this.classOfPage(page), this.#hasRoom(page));
  }

  /** Takes withdraw() back. */
  restore(page: number): void {
    const slabClass = this.classOfPage(page);
    this.#pages.restore(page, slabClass, this.#hasRoom(page));
    this.#stamp(page);
  }

  isWithdrawn(page: number): boolean {
    return this.#pages.isWithdrawn(page);
  }

  #hasRoom(page: number): boolean {
    return this.#pages.used(page) < this.slotsPerPage[this.classOfPage(page)];
  }

  #grow(slabClass: number): boolean {
    if (!this.canGrow) return false;
    const page = this.#pages.takeForClass(slabClass);
    this.#classes[slabClass * CLASS_STRIDE + CLASS_LODGED] = 0;
    if (this.#pages.wasOfOtherClass(page)) this.#counts[COUNTER.slabsMoved]++;
    this.#stamp(page);
    return true;
  }

  // ── The clock hand ───────────────────────────────────────────────────────────────────────────────────────────

  /** The page under the class's hand, -1 when it has none. */
  handPage(slabClass: number): number {
    return this.#pages.handPage(slabClass);
  }

  /** Whether the hand has not begun with its page yet. */
  isHandAtPageStart(slabClass: number): boolean {
    return this.#pages.handSlot(slabClass) === 0;
  }

  /** The page behind another in its class's ring. */
  nextPage(page: number): number {
    return this.#pages.next(page);
  }

  /** The slot under the class's hand, which moves on; 0 where a page ended. The class must have a page. */
  advanceHand(slabClass: number): number {
    const pages = this.#pages;
    const page = pages.handPage(slabClass);
    const slot = pages.handSlot(slabClass);
    if (slot >= pages.carved(page)) {
      this.#stamp(page);
      pages.turnToNextPage(slabClass);
      return 0;
    }
    pages.setHandSlot(slabClass, slot + 1);
    return this.slotRef(page, slabClass, slot);
  }

  /**
   * How much was written to the whole store, in bytes of slots, since the class's hand was last where it is now:
   * what lies there and was not used since is at least that old. Negative when the class has no page.
   */
  ageOfClass(slabClass: number): number {
    const page = this.#pages.handPage(slabClass);
    return page < 0 ? -1 : this.#clock[CLOCK] - this.#clock[CLOCK_FIRST_STAMP + page];
  }

  /** The class whose hand stands before the oldest; -1 when no class has a page. */
  oldestClass(): number {
    let oldest = -1;
    let highestAge = -1;
    for (let slabClass = 0; slabClass < this.sizes.length; slabClass++) {
      const age = this.ageOfClass(slabClass);
      if (age > highestAge) {
        highestAge = age;
        oldest = slabClass;
      }
    }
    return oldest;
  }

  #stamp(page: number): void {
    this.#clock[CLOCK_FIRST_STAMP + page] = this.#clock[CLOCK];
  }
}
