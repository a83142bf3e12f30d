// Who owns which page, and which slots of a page are free. Knows nothing of what lies in a slot but its state byte.
//
// Pages with room are a list per class; all pages of a class are a ring, the queue of the clock hand. Free slots are
// chained within their page, so that a page can change its class without a walk over anybody's free list.
import {
  BYTE_STATE,
  PAGE_BYTES,
  PAGE_FIRST_SLOT_REF,
  PAGE_REF_SHIFT,
  PAGE_SLOT_BYTES,
  SEGMENT_REF_MASK,
  STATE_FREE,
  WORD_NEXT,
} from './layout.js';
import type { Segments } from './segments.js';
import type { SharedMemory } from './shared-memory.js';
import { slotSizes } from './slab-classes.js';

/** Fields of a page, u32 each. Links to pages are page + 1, 0 = none. */
const PAGE_STRIDE = 16;
const PAGE_OWNER = 0;
const PAGE_USED = 1;
const PAGE_FREE_HEAD = 2;
const PAGE_CARVED = 3;
const PAGE_ROOM_NEXT = 4;
const PAGE_ROOM_PREVIOUS = 5;
const PAGE_RING_NEXT = 6;
const PAGE_RING_PREVIOUS = 7;
const PAGE_TOMBSTONES = 8;

/** Values of PAGE_OWNER; a class owns it from OWNER_CLASS on. */
const OWNER_NONE = 0;
const OWNER_INDEX = 1;
const OWNER_CLASS = 2;

/** Fields of a class, u32 each. */
const CLASS_STRIDE = 8;
const CLASS_PAGES = 0;
const CLASS_ROOM_HEAD = 1;
const CLASS_HAND_PAGE = 2;
const CLASS_HAND_SLOT = 3;
const CLASS_EVICTED = 4;

const CONTROL_PAGES_TAKEN = 0;
const CONTROL_EMPTY_PAGES = 1;
const CONTROL_WORDS = 2;

export class Slabs {
  /** Slot size of each class in bytes. */
  readonly sizes: Uint32Array;
  readonly slotsPerPage: Uint32Array;
  readonly pageLimit: number;
  /** Whether the last allocate() reused a freed slot: it may lie anywhere in the clock hand's queue. */
  reusedSlot = false;

  readonly #segments: Segments;
  readonly #pages: Uint32Array;
  readonly #classes: Uint32Array;
  readonly #control: Uint32Array;

  constructor(
    memory: SharedMemory,
    segments: Segments,
    pageLimit: number,
    minItemSpaceBytes: number,
    growthFactor: number,
  ) {
    this.#segments = segments;
    this.pageLimit = pageLimit;
    this.sizes = slotSizes(minItemSpaceBytes, growthFactor);
    this.slotsPerPage = this.sizes.map((size) => Math.floor(PAGE_SLOT_BYTES / size));
    this.#pages = memory.words('slabs.pages', pageLimit * PAGE_STRIDE);
    this.#classes = memory.words('slabs.classes', this.sizes.length * CLASS_STRIDE);
    this.#control = memory.words('slabs.control', CONTROL_WORDS);
  }

  /** Memory that the tables take for a given number of pages. */
  static tableBytes(pageLimit: number): number {
    return pageLimit * PAGE_STRIDE * 4 + 64 * CLASS_STRIDE * 4 + CONTROL_WORDS * 4;
  }

  get pagesTaken(): number {
    return this.#control[CONTROL_PAGES_TAKEN];
  }

  pagesOfClass(slabClass: number): number {
    return this.#classes[slabClass * CLASS_STRIDE + CLASS_PAGES];
  }

  /** Walks all pages; for statistics only. */
  usedSlotsOfClass(slabClass: number): number {
    let used = 0;
    for (let page = 0; page < this.pagesTaken; page++) {
      if (this.classOfPage(page) === slabClass) used += this.usedSlots(page);
    }
    return used;
  }

  evictedOfClass(slabClass: number): number {
    return this.#classes[slabClass * CLASS_STRIDE + CLASS_EVICTED];
  }

  countEviction(ref: number): void {
    const slabClass = this.classOfRef(ref);
    this.#classes[slabClass * CLASS_STRIDE + CLASS_EVICTED]++;
  }

  resetEvictionCounts(): void {
    for (let at = CLASS_EVICTED; at < this.#classes.length; at += CLASS_STRIDE) this.#classes[at] = 0;
  }

  /** Class of a page, -1 when no class owns it. */
  classOfPage(page: number): number {
    return this.#pages[page * PAGE_STRIDE + PAGE_OWNER] - OWNER_CLASS;
  }

  classOfRef(ref: number): number {
    return this.classOfPage(ref >>> PAGE_REF_SHIFT);
  }

  /** Slots of a page that ever held something; those behind them are untouched. */
  carvedSlots(page: number): number {
    return this.#pages[page * PAGE_STRIDE + PAGE_CARVED];
  }

  usedSlots(page: number): number {
    return this.#pages[page * PAGE_STRIDE + PAGE_USED];
  }

  tombstonesOfPage(page: number): number {
    return this.#pages[page * PAGE_STRIDE + PAGE_TOMBSTONES];
  }

  addTombstones(ref: number, change: number): void {
    this.#pages[(ref >>> PAGE_REF_SHIFT) * PAGE_STRIDE + PAGE_TOMBSTONES] += change;
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

  /** A slot of the class, without evicting anything; 0 when there is no free slot and no free page. */
  allocate(slabClass: number): number {
    const owner = slabClass * CLASS_STRIDE;
    if (this.#classes[owner + CLASS_ROOM_HEAD] === 0 && !this.#grow(slabClass)) return 0;
    const page = this.#classes[owner + CLASS_ROOM_HEAD] - 1;
    const pages = this.#pages;
    const at = page * PAGE_STRIDE;
    let ref = pages[at + PAGE_FREE_HEAD];
    this.reusedSlot = ref !== 0;
    if (ref !== 0) pages[at + PAGE_FREE_HEAD] = this.#segments.next(ref);
    else ref = this.slotRef(page, slabClass, pages[at + PAGE_CARVED]++);
    const used = ++pages[at + PAGE_USED];
    if (used === 1) this.#control[CONTROL_EMPTY_PAGES]--;
    if (used === this.slotsPerPage[slabClass]) this.#unlinkRoom(page, slabClass);
    return ref;
  }

  /** Gives a slot back. It must have been allocated, and nothing may refer to it any more. */
  free(ref: number): void {
    const page = ref >>> PAGE_REF_SHIFT;
    const pages = this.#pages;
    const at = page * PAGE_STRIDE;
    const slabClass = pages[at + PAGE_OWNER] - OWNER_CLASS;
    this.#segments.setByte(ref, BYTE_STATE, STATE_FREE);
    this.#segments.setWord(ref, WORD_NEXT, pages[at + PAGE_FREE_HEAD]);
    pages[at + PAGE_FREE_HEAD] = ref;
    const used = --pages[at + PAGE_USED];
    if (used + 1 === this.slotsPerPage[slabClass]) this.#linkRoom(page, slabClass);
    if (used === 0) {
      // All slots are free: carving from the start again is cheaper than keeping the chain.
      pages[at + PAGE_FREE_HEAD] = 0;
      pages[at + PAGE_CARVED] = 0;
      this.#control[CONTROL_EMPTY_PAGES]++;
    }
  }

  /** A zeroed page for the index, from what nobody uses; -1 when there is none. */
  takePageForIndex(): number {
    const page = this.#takeUnusedPage();
    if (page >= 0) this.#pages[page * PAGE_STRIDE + PAGE_OWNER] = OWNER_INDEX;
    return page;
  }

  /** The class with the most pages; -1 when no class has any. */
  richestClass(): number {
    let richest = -1;
    let mostPages = 0;
    for (let slabClass = 0; slabClass < this.sizes.length; slabClass++) {
      const pages = this.pagesOfClass(slabClass);
      if (pages > mostPages) {
        mostPages = pages;
        richest = slabClass;
      }
    }
    return richest;
  }

  /** The page under the class's hand, -1 when it has none. */
  handPage(slabClass: number): number {
    return this.#classes[slabClass * CLASS_STRIDE + CLASS_HAND_PAGE] - 1;
  }

  /** The page behind another in its class's ring. */
  nextPage(page: number): number {
    return this.#pages[page * PAGE_STRIDE + PAGE_RING_NEXT] - 1;
  }

  /** The slot under the class's hand, and moves the hand on. The class must have a page. */
  advanceHand(slabClass: number): number {
    const owner = slabClass * CLASS_STRIDE;
    const page = this.#classes[owner + CLASS_HAND_PAGE] - 1;
    const slot = this.#classes[owner + CLASS_HAND_SLOT];
    if (slot + 1 >= this.slotsPerPage[slabClass]) {
      this.#classes[owner + CLASS_HAND_PAGE] = this.nextPage(page) + 1;
      this.#classes[owner + CLASS_HAND_SLOT] = 0;
    } else {
      this.#classes[owner + CLASS_HAND_SLOT] = slot + 1;
    }
    return this.slotRef(page, slabClass, slot);
  }

  #grow(slabClass: number): boolean {
    const page = this.#takeUnusedPage();
    if (page < 0) return false;
    const at = page * PAGE_STRIDE;
    this.#pages[at + PAGE_OWNER] = OWNER_CLASS + slabClass;
    this.#control[CONTROL_EMPTY_PAGES]++;
    this.#linkRing(page, slabClass);
    this.#linkRoom(page, slabClass);
    return true;
  }

  /** A page that was never used, or an empty one of any class; zeroed, without an owner. */
  #takeUnusedPage(): number {
    if (this.pagesTaken < this.pageLimit) return this.#control[CONTROL_PAGES_TAKEN]++;
    if (this.#control[CONTROL_EMPTY_PAGES] === 0) return -1;
    for (let page = 0; page < this.pagesTaken; page++) {
      const slabClass = this.classOfPage(page);
      if (slabClass >= 0 && this.usedSlots(page) === 0) {
        this.#release(page, slabClass);
        return page;
      }
    }
    return -1;
  }

  #release(page: number, slabClass: number): void {
    this.#unlinkRoom(page, slabClass);
    this.#unlinkRing(page, slabClass);
    this.#control[CONTROL_EMPTY_PAGES]--;
    const at = page * PAGE_STRIDE;
    this.#pages.fill(0, at, at + PAGE_STRIDE);
    this.#pages[at + PAGE_OWNER] = OWNER_NONE;
    const firstRef = (page << PAGE_REF_SHIFT) >>> 0;
    const start = (firstRef & SEGMENT_REF_MASK) << 3;
    this.#segments.view(firstRef).fill(0, start, start + PAGE_BYTES);
  }

  #linkRoom(page: number, slabClass: number): void {
    const owner = slabClass * CLASS_STRIDE;
    const head = this.#classes[owner + CLASS_ROOM_HEAD];
    this.#pages[page * PAGE_STRIDE + PAGE_ROOM_NEXT] = head;
    this.#pages[page * PAGE_STRIDE + PAGE_ROOM_PREVIOUS] = 0;
    if (head !== 0) this.#pages[(head - 1) * PAGE_STRIDE + PAGE_ROOM_PREVIOUS] = page + 1;
    this.#classes[owner + CLASS_ROOM_HEAD] = page + 1;
  }

  #unlinkRoom(page: number, slabClass: number): void {
    const pages = this.#pages;
    const next = pages[page * PAGE_STRIDE + PAGE_ROOM_NEXT];
    const previous = pages[page * PAGE_STRIDE + PAGE_ROOM_PREVIOUS];
    if (previous === 0) this.#classes[slabClass * CLASS_STRIDE + CLASS_ROOM_HEAD] = next;
    else pages[(previous - 1) * PAGE_STRIDE + PAGE_ROOM_NEXT] = next;
    if (next !== 0) pages[(next - 1) * PAGE_STRIDE + PAGE_ROOM_PREVIOUS] = previous;
  }

  /** Puts a page behind the hand, where the queue ends. */
  #linkRing(page: number, slabClass: number): void {
    const pages = this.#pages;
    const owner = slabClass * CLASS_STRIDE;
    const hand = this.#classes[owner + CLASS_HAND_PAGE];
    const next = hand === 0 ? page + 1 : hand;
    const previous = hand === 0 ? page + 1 : pages[(hand - 1) * PAGE_STRIDE + PAGE_RING_PREVIOUS];
    pages[page * PAGE_STRIDE + PAGE_RING_NEXT] = next;
    pages[page * PAGE_STRIDE + PAGE_RING_PREVIOUS] = previous;
    pages[(next - 1) * PAGE_STRIDE + PAGE_RING_PREVIOUS] = page + 1;
    pages[(previous - 1) * PAGE_STRIDE + PAGE_RING_NEXT] = page + 1;
    if (hand === 0) {
      this.#classes[owner + CLASS_HAND_PAGE] = page + 1;
      this.#classes[owner + CLASS_HAND_SLOT] = 0;
    }
    this.#classes[owner + CLASS_PAGES]++;
  }

  #unlinkRing(page: number, slabClass: number): void {
    const pages = this.#pages;
    const owner = slabClass * CLASS_STRIDE;
    const next = pages[page * PAGE_STRIDE + PAGE_RING_NEXT];
    const previous = pages[page * PAGE_STRIDE + PAGE_RING_PREVIOUS];
    pages[(previous - 1) * PAGE_STRIDE + PAGE_RING_NEXT] = next;
    pages[(next - 1) * PAGE_STRIDE + PAGE_RING_PREVIOUS] = previous;
    if (this.#classes[owner + CLASS_HAND_PAGE] === page + 1) {
      this.#classes[owner + CLASS_HAND_PAGE] = next === page + 1 ? 0 : next;
      this.#classes[owner + CLASS_HAND_SLOT] = 0;
    }
    this.#classes[owner + CLASS_PAGES]--;
  }
}
