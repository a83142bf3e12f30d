// Making room: the clock hand of each class, and pages that follow the mix of sizes from class to class.
//
// The slots of a class in page order are a queue that the hand walks: an item without a hit since the hand's last
// visit has to go, one with hits loses one. What is fresh has a full turn; nothing is linked, a hit writes one byte.
//
// Between classes, age is what counts: how much has been written to the whole store since a class's hand was where it
// is. Were there one queue for all sizes, all hands would be equally old. So when a class has to evict what is younger
// than what another class's hand stands before, and fewer items for their age are used on a page there than here, the
// hand of that one (the donor) is moved on as well, by a bounded number of slots for each allocation. Pages which that
// leaves empty are to spare. A page of the donor whose used slots fit into free ones on its other pages is withdrawn
// instead, and what lies there moves, again little by little.
import { COUNTER } from '../counters.js';
import {
  BYTE_USE,
  STATE_FREE,
  STATE_LIVE,
  STATE_PIECE,
  STATE_RESERVED,
  STATE_TOMBSTONE,
  USE_FREQUENCY_MASK,
} from '../layout.js';
import type { Segments } from '../segments.js';
import type { Slabs } from '../slabs.js';
import type { StoreState } from '../store-state.js';
import type { Values } from '../values.js';
import type { Departures } from './departures.js';
import type { Liveness } from './liveness.js';
import type { Relocation } from './relocation.js';

/** So many slots a writer looks at for one that was never hit; after that the least used one seen has to go. */
const HAND_STEPS = 256;
/** A donor is looked for each time that so much had to be evicted, in bytes of slots. */
const LOOK_BYTES = 16_384;
/** How many times its size a slot may be in which an item lodges whose own class has no page. */
const HOST_SIZE_RATIO = 8;
/** A page of which more than this was used lately is in use; so many of its slots tell. */
const HOT_SHARE = 1 / 8;
const SAMPLED_SLOTS = 32;
/** A class's only page is given up when no more of its slots are used. */
const SPARSE_SHARE = 1 / 8;
/**
 * How much older than the class in need a donor must be at least, so that pages do not go to and fro; and from where on
 * it gives a page whatever the page is worth. The figures here were chosen by what they did in bench/hit-ratio.ts.
 */
const DONOR_AGE_RATIO = 1.5;
const DONOR_AGE_RATIO_MAX = 100;
const DONOR_AGE_BYTES = 0x10_0000;
/** In between, a page is worth the items used on it, by age; so many times that it must be worth to the class in need. */
const WORTH_RATIO = 2;
/** Slots of a donor that one allocation deals with: this many, and more for a larger one, as it needs more room. */
const MOVE_STEPS = 16;
const MOVE_STEP_SHIFT = 6;

/** Class + 1 of the donor whose hand is being moved, 0 = none. */
const DONOR = 0;
/** Page + 1 that is withdrawn and being emptied, 0 = none; and the slot that comes next. */
const WITHDRAWN_PAGE = 1;
const WITHDRAWN_SLOT = 2;
/** Since a donor was last looked for. */
const EVICTED_BYTES = 3;
/** 1 while the donor's hand passes over a page that is in use. */
const SPARES_PAGE = 4;
const CONTROL_WORDS = 5;

export class Eviction {
  readonly #segments: Segments;
  readonly #slabs: Slabs;
  readonly #values: Values;
  readonly #counts: Float64Array;
  /** False with -M: only what is dead may go. */
  readonly #mayEvict: boolean;
  readonly #liveness: Liveness;
  readonly #departures: Departures;
  readonly #relocation: Relocation;
  readonly #control: Uint32Array;

  constructor(state: StoreState, liveness: Liveness, departures: Departures, relocation: Relocation) {
    this.#segments = state.segments;
    this.#slabs = state.slabs;
    this.#values = state.values;
    this.#counts = state.counters.values;
    this.#mayEvict = state.evictions;
    this.#liveness = liveness;
    this.#departures = departures;
    this.#relocation = relocation;
    this.#control = state.memory.words('eviction.control', CONTROL_WORDS);
  }

  /**
   * Makes room for a slot of a class that has none free. Returns the class that has room then: the same, or a larger
   * one where that has no page of its own; -1 when nothing may go.
   */
  makeRoom(slabClass: number): number {
    const slabs = this.#slabs;
    const host = this.#hostOf(slabClass);
    if (host >= 0) {
      if (slabs.hasFreeSlot(host)) {
        slabs.lodge(slabClass);
        return host;
      }
      this.#movePages(host);
      if (slabs.canGrow) return host === slabClass || slabs.lodge(slabClass) ? slabClass : host;
      if (this.#turnHand(host)) return host;
    }
    return this.#mayEvict && this.#emptyPageAtOnce() ? slabClass : -1;
  }

  /** A class without a page lodges with the next larger one that has some, until that one has to get another. */
  #hostOf(slabClass: number, first = slabClass): number {
    const { sizes } = this.#slabs;
    const largest = sizes[slabClass] * HOST_SIZE_RATIO;
    for (let host = first; host < sizes.length && sizes[host] <= largest; host++) {
      if (this.#slabs.pagesOfClass(host) > 0) return host;
    }
    return -1;
  }

  /** The item in a slot, or that a piece in it belongs to, when it is one that may go; else 0. */
  #itemIn(slot: number): number {
    const state = this.#segments.state(slot);
    if (state === STATE_LIVE) return slot;
    if (state !== STATE_PIECE) return 0;
    const owner = this.#values.ownerOf(slot);
    return this.#segments.state(owner) === STATE_LIVE ? owner : 0;
  }

  // ── The hand of the class in need ────────────────────────────────────────────────────────────────────────────

  #turnHand(slabClass: number): boolean {
    const slabs = this.#slabs;
    // Ends of pages are steps as well.
    const turn = slabs.pagesOfClass(slabClass) * (slabs.slotsPerPage[slabClass] + 1);
    let candidate = 0;
    let candidateFrequency = USE_FREQUENCY_MASK + 1;
    for (let step = 0; step < turn; step++) {
      if (step >= HAND_STEPS && (candidate !== 0 || !this.#mayEvict)) break;
      const slot = slabs.advanceHand(slabClass);
      const item = slot === 0 ? 0 : this.#itemIn(slot);
      if (item === 0) continue;
      if (this.#liveness.isDead(item)) {
        if (!this.#reclaim(item) && slot === item) continue;
        return true;
      }
      const frequency = this.#segments.byte(item, BYTE_USE) & USE_FREQUENCY_MASK;
      if (frequency === 0 && this.#mayEvict) {
        this.#departures.evict(item);
        return true;
      }
      if (frequency < candidateFrequency) {
        candidate = item;
        candidateFrequency = frequency;
      }
      if (slot === item) this.#countDown(item, frequency);
    }
    if (!this.#mayEvict) return false;
    if (candidate !== 0) this.#departures.evict(candidate);
    return candidate !== 0 || this.#dropTombstoneOfClass(slabClass, turn);
  }

  #countDown(item: number, frequency: number): void {
    if (frequency > 0) this.#segments.setByte(item, BYTE_USE, this.#segments.byte(item, BYTE_USE) - 1);
  }

  #reclaim(item: number): boolean {
    const isFreed = this.#departures.reclaim(item);
    if (isFreed) this.#counts[COUNTER.reclaimed]++;
    return isFreed;
  }

  #dropTombstoneOfClass(slabClass: number, turn: number): boolean {
    for (let step = 0; step < turn; step++) {
      const slot = this.#slabs.advanceHand(slabClass);
      if (slot !== 0 && this.#segments.state(slot) === STATE_TOMBSTONE) {
        this.#departures.dropTombstone(slot);
        return true;
      }
    }
    return false;
  }

  // ── Pages that change their class ────────────────────────────────────────────────────────────────────────────

  /** Goes on with moving a page, or looks whether one should move. A bounded number of steps. */
  #movePages(slabClass: number): void {
    const control = this.#control;
    const steps = MOVE_STEPS + (this.#slabs.sizes[slabClass] >>> MOVE_STEP_SHIFT);
    if (control[WITHDRAWN_PAGE] !== 0) {
      this.#emptyNext(control[WITHDRAWN_PAGE] - 1, steps);
      return;
    }
    if (control[DONOR] === 0) {
      control[EVICTED_BYTES] += this.#slabs.sizes[slabClass];
      if (control[EVICTED_BYTES] < LOOK_BYTES) return;
      control[EVICTED_BYTES] = 0;
      control[DONOR] = this.#slabs.oldestClass() + 1;
    }
    if (control[DONOR] !== 0) this.#walkDonor(control[DONOR] - 1, slabClass, steps);
  }

  /** Moves the donor's hand by the rule of the clock; over a page that is in use without evicting anything. */
  #walkDonor(donor: number, slabClass: number, steps: number): void {
    const slabs = this.#slabs;
    for (let step = 0; step < steps; step++) {
      if (step === 0 || slabs.isHandAtPageStart(donor)) {
        if (slabs.canGrow || !this.#owesPage(donor, slabClass)) {
          this.#control[DONOR] = 0;
          return;
        }
        const page = slabs.handPage(donor);
        if (slabs.freeSlotsElsewhere(page) >= slabs.usedSlots(page) || this.#isSparse(page, donor)) {
          slabs.withdraw(page);
          this.#control[DONOR] = 0;
          this.#control[WITHDRAWN_PAGE] = page + 1;
          this.#control[WITHDRAWN_SLOT] = 0;
          return;
        }
        if (slabs.isHandAtPageStart(donor)) this.#control[SPARES_PAGE] = this.#isHot(page, donor) ? 1 : 0;
      }
      const slot = slabs.advanceHand(donor);
      const item = slot === 0 ? 0 : this.#itemIn(slot);
      if (item === 0) continue;
      const frequency = this.#segments.byte(item, BYTE_USE) & USE_FREQUENCY_MASK;
      if (this.#liveness.isDead(item)) this.#reclaim(item);
      else if (slot === item && frequency > 0) this.#countDown(item, frequency);
      else if (frequency === 0 && this.#mayEvict && this.#control[SPARES_PAGE] === 0)
        this.#departures.evict(item);
    }
  }

  #owesPage(donor: number, slabClass: number): boolean {
    const slabs = this.#slabs;
    const age = slabs.ageOfClass(donor);
    if (age < 0) return false;
    if (slabs.indexWaits) return true;
    if (donor === slabClass) return false;
    const ownAge = slabs.ageOfClass(slabClass) + DONOR_AGE_BYTES;
    if (age <= ownAge * DONOR_AGE_RATIO) return false;
    if (age > ownAge * DONOR_AGE_RATIO_MAX) return true;
    const usedItems = this.#usedShare(slabs.handPage(donor), donor) * slabs.slotsPerPage[donor];
    if (usedItems === 0) return true;
    const ownUsedItems =
      this.#usedShare(slabs.handPage(slabClass), slabClass) * slabs.slotsPerPage[slabClass];
    return (usedItems / age) * WORTH_RATIO < ownUsedItems / ownAge;
  }

  /** Whether a good part of what lies on a page was used lately. */
  #isHot(page: number, slabClass: number): boolean {
    return this.#usedShare(page, slabClass) > HOT_SHARE;
  }

  /** How much of what lies on a page was used lately, 0 to 1; by a sample of its slots. */
  #usedShare(page: number, slabClass: number): number {
    const slabs = this.#slabs;
    const carved = slabs.carvedSlots(page);
    const stride = Math.max(1, Math.floor(carved / SAMPLED_SLOTS));
    let looked = 0;
    let inUse = 0;
    for (let slot = 0; slot < carved; slot += stride) {
      looked++;
      const item = this.#itemIn(slabs.slotRef(page, slabClass, slot));
      if (item !== 0 && (this.#segments.byte(item, BYTE_USE) & USE_FREQUENCY_MASK) > 0) inUse++;
    }
    return looked === 0 ? 0 : inUse / looked;
  }

  /** Whether so little is left in a class that it had better lodge with a larger one than keep a page. */
  #isSparse(page: number, slabClass: number): boolean {
    if (this.#slabs.pagesOfClass(slabClass) > 1 || this.#hostOf(slabClass, slabClass + 1) < 0) return false;
    return this.#slabs.usedSlots(page) <= this.#slabs.slotsPerPage[slabClass] * SPARSE_SHARE;
  }

  /** Goes on with emptying the withdrawn page; one where a value is arriving is put back instead. */
  #emptyNext(page: number, steps: number): void {
    const slabs = this.#slabs;
    const slabClass = slabs.classOfPage(page);
    const first = this.#control[WITHDRAWN_SLOT];
    const end = Math.min(first + steps, slabs.carvedSlots(page));
    for (let slot = first; slot < end && slabs.isWithdrawn(page); slot++) {
      const ref = slabs.slotRef(page, slabClass, slot);
      if (this.#isArriving(ref)) slabs.restore(page);
      else this.#moveAway(ref, slabClass);
    }
    this.#control[WITHDRAWN_SLOT] = end;
    if (!slabs.isWithdrawn(page)) this.#control[WITHDRAWN_PAGE] = 0;
  }

  /** Moves what lies in a slot to a free one; if there is none, that is the end of it. */
  #moveAway(slot: number, slabClass: number): void {
    const state = this.#segments.state(slot);
    if (state === STATE_FREE) return;
    const to = this.#slabs.allocateFree(slabClass) || this.#lodging(slabClass);
    if (this.#segments.state(slot) === STATE_FREE) {
      // A piece whose item had to go for the room that it was to have.
      if (to !== 0) this.#slabs.free(to);
    } else if (to !== 0) this.#relocation.relocate(slot, to);
    else if (state === STATE_TOMBSTONE) this.#departures.dropTombstone(slot);
    else this.#departures.evict(this.#itemIn(slot));
  }

  /** A slot of a larger class, in the place of what was not used there lately; 0 when there is none. */
  #lodging(slabClass: number): number {
    const host = this.#hostOf(slabClass, slabClass + 1);
    if (host < 0) return 0;
    if (!this.#slabs.hasFreeSlot(host) && !this.#turnHand(host)) return 0;
    return this.#slabs.allocateFree(host);
  }

  #isArriving(slot: number): boolean {
    const state = this.#segments.state(slot);
    if (state === STATE_PIECE) return this.#segments.state(this.#values.ownerOf(slot)) === STATE_RESERVED;
    return state === STATE_RESERVED;
  }

  // ── A page at once, for a class that has nothing to give up ──────────────────────────────────────────────────

  #emptyPageAtOnce(): boolean {
    const slabs = this.#slabs;
    const oldest = slabs.oldestClass();
    if (oldest < 0) return false;
    if (this.#emptyPageOf(oldest)) return true;
    for (let slabClass = 0; slabClass < slabs.sizes.length; slabClass++) {
      if (slabClass !== oldest && this.#emptyPageOf(slabClass)) return true;
    }
    return false;
  }

  /** Takes a page from a class that has two or more, for whoever needs it next; what no room is found for goes. */
  reassignPage(slabClass: number): boolean {
    return this.#mayEvict && this.#slabs.pagesOfClass(slabClass) > 1 && this.#emptyPageOf(slabClass);
  }

  /** Empties the class's page that the hand comes to first; false when values are arriving on all of them. */
  #emptyPageOf(slabClass: number): boolean {
    const slabs = this.#slabs;
    let page = slabs.handPage(slabClass);
    for (let tried = slabs.pagesOfClass(slabClass); tried > 0; tried--) {
      if (!this.#hasArriving(page, slabClass)) {
        const carved = slabs.carvedSlots(page);
        slabs.withdraw(page);
        for (let slot = 0; slot < carved && slabs.isWithdrawn(page); slot++) {
          this.#moveAway(slabs.slotRef(page, slabClass, slot), slabClass);
        }
        return true;
      }
      page = slabs.nextPage(page);
    }
    return false;
  }

  #hasArriving(page: number, slabClass: number): boolean {
    const carved = this.#slabs.carvedSlots(page);
    for (let slot = 0; slot < carved; slot++) {
      if (this.#isArriving(this.#slabs.slotRef(page, slabClass, slot))) return true;
    }
    return false;
  }
}
