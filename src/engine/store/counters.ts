// Statistics in shared memory. Doubles: exact to 2^53, one add a count, and no carry to handle.
// Counted under the store lock, so that no count is lost between two threads.
import type { SharedMemory } from './shared-memory.js';

/** Position of each counter. The names are the keys of memcached's `stats`, where it has one. */
export const COUNTER = {
  cmdGet: 0,
  cmdSet: 1,
  cmdFlush: 2,
  cmdTouch: 3,
  cmdMeta: 4,
  getHits: 5,
  getMisses: 6,
  getExpired: 7,
  getFlushed: 8,
  deleteMisses: 9,
  deleteHits: 10,
  incrMisses: 11,
  incrHits: 12,
  decrMisses: 13,
  decrHits: 14,
  casMisses: 15,
  casHits: 16,
  casBadval: 17,
  touchHits: 18,
  touchMisses: 19,
  storeTooLarge: 20,
  storeNoMemory: 21,
  totalItems: 22,
  evictions: 23,
  reclaimed: 24,
  expiredUnfetched: 25,
  evictedUnfetched: 26,
  slabsMoved: 27,
  authCmds: 28,
  authErrors: 29,
  /** Gauges: not reset by `stats reset`. */
  currItems: 30,
  bytes: 31,
  tombstones: 32,
  tombstoneBytes: 33,
} as const;

export type CounterName = keyof typeof COUNTER;

const FIRST_GAUGE = COUNTER.currItems;
const COUNTER_COUNT = 34;

export class Counters {
  /** Hot paths add here directly: `counters.values[COUNTER.getHits]++`. */
  readonly values: Float64Array;

  constructor(memory: SharedMemory) {
    this.values = memory.doubles('counters', COUNTER_COUNT);
  }

  read(name: CounterName): number {
    return this.values[COUNTER[name]];
  }

  /** `stats reset`: zeroes what counts events; what measures the present stays. */
  reset(): void {
    this.values.fill(0, 0, FIRST_GAUGE);
  }
}
