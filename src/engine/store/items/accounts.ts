// What the store holds, counted in all and by slab class: items, tombstones and their bytes.
import { CLASS_COUNTER, type ClassCounters } from '../class-counters.js';
import { COUNTER } from '../counters.js';
import { STATE_TOMBSTONE, WORD_VALUE_LENGTH } from '../layout.js';
import type { Segments } from '../segments.js';
import { classForSize } from '../slab-classes.js';
import type { Slabs } from '../slabs.js';
import type { StoreState } from '../store-state.js';
import type { Values } from '../values.js';

export class Accounts {
  readonly #segments: Segments;
  readonly #slabs: Slabs;
  readonly #values: Values;
  readonly #counts: Float64Array;
  readonly #classCounters: ClassCounters;

  constructor({ segments, slabs, values, counters, classCounters }: StoreState) {
    this.#segments = segments;
    this.#slabs = slabs;
    this.#values = values;
    this.#counts = counters.values;
    this.#classCounters = classCounters;
  }

  countItem(ref: number, change: 1 | -1): void {
    const bytes = change * this.#values.itemBytes(ref);
    const slabClass = this.#slabs.classOfRef(ref);
    this.#counts[COUNTER.currItems] += change;
    this.#counts[COUNTER.bytes] += bytes;
    this.#classCounters.add(slabClass, CLASS_COUNTER.items, change);
    this.#classCounters.add(slabClass, CLASS_COUNTER.bytes, bytes);
  }

  countTombstone(ref: number, change: 1 | -1): void {
    this.#counts[COUNTER.tombstones] += change;
    this.#counts[COUNTER.tombstoneBytes] += change * this.#slabs.sizes[this.#slabs.classOfRef(ref)];
    this.#slabs.addTombstones(ref, change);
  }

  /** Takes an entry out of the accounts, be it an item or a tombstone. */
  uncount(ref: number): void {
    if (this.#segments.state(ref) === STATE_TOMBSTONE) this.countTombstone(ref, -1);
    else this.countItem(ref, -1);
  }

  /** Changes the length of a live item's value; its slot must hold the new length. */
  resizeValue(ref: number, valueLength: number): void {
    const change = valueLength - this.#segments.word(ref, WORD_VALUE_LENGTH);
    this.#counts[COUNTER.bytes] += change;
    this.#classCounters.add(this.#slabs.classOfRef(ref), CLASS_COUNTER.bytes, change);
    this.#segments.setWord(ref, WORD_VALUE_LENGTH, valueLength);
  }

  /** Adds one to a counter (of CLASS_COUNTER) of the item's slab class. */
  countOfClass(ref: number, counter: number): void {
    this.#classCounters.add(this.#slabs.classOfRef(ref), counter, 1);
  }

  /** There was no room for an item of so many bytes. */
  countNoMemory(itemBytes: number): void {
    const { sizes, slotBytesMax } = this.#slabs;
    const slabClass = classForSize(sizes, Math.min(itemBytes, slotBytesMax));
    this.#counts[COUNTER.storeNoMemory]++;
    this.#classCounters.add(slabClass, CLASS_COUNTER.outOfMemory, 1);
  }
}
