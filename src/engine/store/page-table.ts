// The table of pages: who owns each one, and the lists it is in. Knows nothing of what lies in a page.
//
// Pages with room are a list per class; all pages of a class are a ring, the queue of its clock hand. A page whose
// last slot became free belongs to nobody and is in the pool, from where any class or the index may take it.
import type { SharedMemory } from './shared-memory.js';

/** Fields of a page, u32 each. Links to pages are page + 1, 0 = none. The pool is linked by PAGE_ROOM_NEXT. */
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
const PAGE_WITHDRAWN = 9;
/** Owner before the page came into the pool. */
const PAGE_FORMER_OWNER = 10;

/** Values of PAGE_OWNER; a class owns it from OWNER_CLASS on. */
const OWNER_NONE = 0;
const OWNER_INDEX = 1;
const OWNER_CLASS = 2;

/** Fields of a class's lists, u32 each. */
const CLASS_STRIDE = 4;
const CLASS_PAGES = 0;
const CLASS_ROOM_HEAD = 1;
const CLASS_HAND_PAGE = 2;
const CLASS_HAND_SLOT = 3;

const CONTROL_TAKEN = 0;
const CONTROL_POOL_HEAD = 1;
const CONTROL_POOL_PAGES = 2;
const CONTROL_WORDS = 3;

export class PageTable {
  readonly limit: number;
  readonly #pages: Uint32Array;
  readonly #classes: Uint32Array;
  readonly #control: Uint32Array;

  constructor(memory: SharedMemory, limit: number, classCount: number) {
    this.limit = limit;
    this.#pages = memory.words('pages.table', limit * PAGE_STRIDE);
    this.#classes = memory.words('pages.classes', classCount * CLASS_STRIDE);
    this.#control = memory.words('pages.control', CONTROL_WORDS);
  }

  /** Memory that the tables take. */
  static tableBytes(limit: number, classCount: number): number {
    return (limit * PAGE_STRIDE + classCount * CLASS_STRIDE + CONTROL_WORDS) * 4;
  }

  // ── Owners ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Pages that were ever owned; those behind them are untouched memory. */
  get taken(): number {
    return this.#control[CONTROL_TAKEN];
  }

  /** Pages that nobody owns: those in the pool and those never taken. */
  get sparePages(): number {
    return this.#control[CONTROL_POOL_PAGES] + this.limit - this.#control[CONTROL_TAKEN];
  }

  /** Class of a page, negative when no class owns it. */
  classOf(page: number): number {
    return this.#pages[page * PAGE_STRIDE + PAGE_OWNER] - OWNER_CLASS;
  }

  /** Gives a spare page to a class; -1 when there is none. */
  takeForClass(slabClass: number): number {
    const page = this.#takeSpare();
    if (page < 0) return -1;
    this.#pages[page * PAGE_STRIDE + PAGE_OWNER] = OWNER_CLASS + slabClass;
    this.#linkRing(page, slabClass);
    this.#linkRoom(page, slabClass);
    return page;
  }

  /** Gives a spare page to the index, for ever; -1 when there is none. Its memory may hold anything. */
  takeForIndex(): number {
    const page = this.#takeSpare();
    if (page >= 0) this.#pages[page * PAGE_STRIDE + PAGE_OWNER] = OWNER_INDEX;
    return page;
  }

  /** Whether a page came from another class. */
  wasOfOtherClass(page: number): boolean {
    const former = this.#pages[page * PAGE_STRIDE + PAGE_FORMER_OWNER];
    return former >= OWNER_CLASS && former !== this.#pages[page * PAGE_STRIDE + PAGE_OWNER];
  }

  /** Puts a page of a class, none of whose slots is used any more, into the pool. */
  release(page: number, slabClass: number): void {
    const at = page * PAGE_STRIDE;
    if (this.#pages[at + PAGE_WITHDRAWN] === 0) {
      this.#unlinkRoom(page, slabClass);
      this.#unlinkRing(page, slabClass);
    }
    this.#pages.fill(0, at, at + PAGE_STRIDE);
    this.#pages[at + PAGE_OWNER] = OWNER_NONE;
    this.#pages[at + PAGE_FORMER_OWNER] = OWNER_CLASS + slabClass;
    this.#pages[at + PAGE_ROOM_NEXT] = this.#control[CONTROL_POOL_HEAD];
    this.#control[CONTROL_POOL_HEAD] = page + 1;
    this.#control[CONTROL_POOL_PAGES]++;
  }

  /** Takes a page out of its class's lists, hand and allocation: what is freed on it stays free. */
  withdraw(page: number, slabClass: number, hasRoom: boolean): void {
    if (hasRoom) this.#unlinkRoom(page, slabClass);
    this.#unlinkRing(page, slabClass);
    this.#pages[page * PAGE_STRIDE + PAGE_WITHDRAWN] = 1;
  }

  /** Puts a withdrawn page back, at the end of the queue. */
  restore(page: number, slabClass: number, hasRoom: boolean): void {
    this.#pages[page * PAGE_STRIDE + PAGE_WITHDRAWN] = 0;
    this.#linkRing(page, slabClass);
    if (hasRoom) this.#linkRoom(page, slabClass);
  }

  isWithdrawn(page: number): boolean {
    return this.#pages[page * PAGE_STRIDE + PAGE_WITHDRAWN] !== 0;
  }

  // ── Slots of a page ──────────────────────────────────────────────────────────────────────────────────────────

  used(page: number): number {
    return this.#pages[page * PAGE_STRIDE + PAGE_USED];
  }

  /** Counts one slot more or less as used. Returns how many are. */
  addUsed(page: number, change: 1 | -1): number {
    this.#pages[page * PAGE_STRIDE + PAGE_USED] += change;
    return this.#pages[page * PAGE_STRIDE + PAGE_USED];
  }

  freeHead(page: number): number {
    return this.#pages[page * PAGE_STRIDE + PAGE_FREE_HEAD];
  }

  setFreeHead(page: number, ref: number): void {
    this.#pages[page * PAGE_STRIDE + PAGE_FREE_HEAD] = ref;
  }

  /** Slots that ever held something since the page got its owner; those behind them hold anything. */
  carved(page: number): number {
    return this.#pages[page * PAGE_STRIDE + PAGE_CARVED];
  }

  /** Carves the next slot and returns its number. */
  carve(page: number): number {
    return this.#pages[page * PAGE_STRIDE + PAGE_CARVED]++;
  }

  tombstones(page: number): number {
    return this.#pages[page * PAGE_STRIDE + PAGE_TOMBSTONES];
  }

  addTombstones(page: number, change: number): void {
    this.#pages[page * PAGE_STRIDE + PAGE_TOMBSTONES] += change;
  }

  // ── Lists of a class ─────────────────────────────────────────────────────────────────────────────────────────

  /** Pages in the class's ring. */
  countOf(slabClass: number): number {
    return this.#classes[slabClass * CLASS_STRIDE + CLASS_PAGES];
  }

  /** A page of the class with a free slot, -1 when there is none. */
  pageWithRoom(slabClass: number): number {
    return this.#classes[slabClass * CLASS_STRIDE + CLASS_ROOM_HEAD] - 1;
  }

  /** A page has become full. */
  leaveRoom(page: number, slabClass: number): void {
    this.#unlinkRoom(page, slabClass);
  }

  /** A full page has a free slot again. */
  enterRoom(page: number, slabClass: number): void {
    this.#linkRoom(page, slabClass);
  }

  /** The page under the class's hand, -1 when it has none. */
  handPage(slabClass: number): number {
    return this.#classes[slabClass * CLASS_STRIDE + CLASS_HAND_PAGE] - 1;
  }

  /** The slot of that page that the hand comes to next. */
  handSlot(slabClass: number): number {
    return this.#classes[slabClass * CLASS_STRIDE + CLASS_HAND_SLOT];
  }

  setHandSlot(slabClass: number, slot: number): void {
    this.#classes[slabClass * CLASS_STRIDE + CLASS_HAND_SLOT] = slot;
  }

  /** Moves the hand to the start of the next page. */
  turnToNextPage(slabClass: number): void {
    const owner = slabClass * CLASS_STRIDE;
    this.#classes[owner + CLASS_HAND_PAGE] = this.next(this.#classes[owner + CLASS_HAND_PAGE] - 1) + 1;
    this.#classes[owner + CLASS_HAND_SLOT] = 0;
  }

  /** The page behind another in its class's ring. */
  next(page: number): number {
    return this.#pages[page * PAGE_STRIDE + PAGE_RING_NEXT] - 1;
  }

  #takeSpare(): number {
    const control = this.#control;
    const page = control[CONTROL_POOL_HEAD] - 1;
    // Memory that was touched before memory that was not: the process stays as small as it can.
    if (page < 0) return control[CONTROL_TAKEN] < this.limit ? control[CONTROL_TAKEN]++ : -1;
    const at = page * PAGE_STRIDE;
    control[CONTROL_POOL_HEAD] = this.#pages[at + PAGE_ROOM_NEXT];
    control[CONTROL_POOL_PAGES]--;
    this.#pages[at + PAGE_ROOM_NEXT] = 0;
    return page;
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
