// Statistics of each slab class in shared memory: what `stats items` and `stats slabs` show. Counted under the lock.
import type { SharedMemory } from './shared-memory.js';
import { CLASSES_MAX } from './slab-classes.js';

/** Position of each figure within its class. */
export const CLASS_COUNTER = {
  getHits: 0,
  cmdSet: 1,
  deleteHits: 2,
  incrHits: 3,
  decrHits: 4,
  casHits: 5,
  casBadval: 6,
  touchHits: 7,
  evictedNonzero: 8,
  evictedUnfetched: 9,
  reclaimed: 10,
  expiredUnfetched: 11,
  outOfMemory: 12,
  crawlerReclaimed: 13,
  crawlerItemsChecked: 14,
  /** Gauges: not reset by `stats reset`. Seconds that the item evicted last had not been used for. */
  evictedTimeSec: 15,
  items: 16,
  bytes: 17,
} as const;

export type ClassCounterName = keyof typeof CLASS_COUNTER;

const FIRST_GAUGE = CLASS_COUNTER.evictedTimeSec;
/** A shift instead of a product; rounds up to a power of two. */
const STRIDE_SHIFT = 5;

export class ClassCounters {
  readonly #values: Float64Array;

  constructor(memory: SharedMemory) {
    this.#values = memory.doubles('class.counters', CLASSES_MAX << STRIDE_SHIFT);
  }

  /** slabClass from 0, counter one of CLASS_COUNTER. */
  add(slabClass: number, counter: number, change: number): void {
    this.#values[(slabClass << STRIDE_SHIFT) + counter] += change;
  }

  set(slabClass: number, counter: number, value: number): void {
    this.#values[(slabClass << STRIDE_SHIFT) + counter] = value;
  }

  read(slabClass: number, name: ClassCounterName): number {
    return this.#values[(slabClass << STRIDE_SHIFT) + CLASS_COUNTER[name]];
  }

  /** Of all classes together. */
  total(name: ClassCounterName): number {
    let sum = 0;
    for (let slabClass = 0; slabClass < CLASSES_MAX; slabClass++) sum += this.read(slabClass, name);
    return sum;
  }

  reset(): void {
    for (let at = 0; at < this.#values.length; at += 1 << STRIDE_SHIFT) {
      this.#values.fill(0, at, at + FIRST_GAUGE);
    }
  }
}
