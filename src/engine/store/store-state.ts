// What the parts of the store work on together: memory, index, time, figures and the clock of versions. No behaviour.
import type { ChangeLog } from './change-log.js';
import { ClassCounters } from './class-counters.js';
import { Counters } from './counters.js';
import { FlushFloor } from './flush-floor.js';
import { HashIndex } from './index.js';
import type { KeyPatterns } from './key-patterns.js';
import { PAGE_BYTES } from './layout.js';
import { LocalFlush } from './local-flush.js';
import { LostWrites } from './lost-writes.js';
import { PrefixStats } from './prefix-stats.js';
import { Segments } from './segments.js';
import { SharedMemory } from './shared-memory.js';
import { Slabs } from './slabs.js';
import { StoreTime } from './store-time.js';
import { MAX_ITEM_BYTES, MAX_MEMORY_BYTES, MIN_MEMORY_BYTES, type StoreOptions } from './store-types.js';
import { Values } from './values.js';
import type { VersionClock } from './version.js';
import { WatchLog } from './watch-log.js';

const DEFAULT_MIN_ITEM_SPACE_BYTES = 48;
const DEFAULT_GROWTH_FACTOR = 1.25;
const DEFAULT_INITIAL_BUCKETS = 0x4_0000;
const DEFAULT_TOMBSTONE_SHARE = 1 / 16;

export class StoreState {
  readonly memory: SharedMemory;
  readonly segments: Segments;
  readonly slabs: Slabs;
  readonly values: Values;
  readonly index: HashIndex;
  readonly time = new StoreTime();
  readonly clock: VersionClock;
  readonly changeLog: ChangeLog | undefined;
  readonly flushFloor: FlushFloor;
  /** Present when flush_all is of this node alone. */
  readonly localFlush: LocalFlush | undefined;
  readonly localKeys: KeyPatterns | undefined;
  readonly lost: LostWrites;
  readonly counters: Counters;
  readonly classCounters: ClassCounters;
  readonly prefixStats: PrefixStats;
  readonly watchLog: WatchLog;
  readonly evictions: boolean;
  readonly itemSizeMaxBytes: number;
  readonly tombstoneBytesMax: number;
  /** Of what describes the pages, and so is not in them. */
  readonly tableBytes: number;
  /** All memory the store may ever touch, in bytes: its pages and its tables. */
  readonly memoryLimitBytes: number;

  /** @throws RangeError when memoryBytes or itemSizeMaxBytes is outside what the layout can address. */
  constructor(options: StoreOptions) {
    const { memoryBytes } = options;
    if (!(memoryBytes >= MIN_MEMORY_BYTES && memoryBytes <= MAX_MEMORY_BYTES)) {
      throw new RangeError(
        `memory must be ${MIN_MEMORY_BYTES} to ${MAX_MEMORY_BYTES} bytes, not ${memoryBytes}`,
      );
    }
    this.itemSizeMaxBytes = options.itemSizeMaxBytes ?? PAGE_BYTES;
    if (!(this.itemSizeMaxBytes >= 1024 && this.itemSizeMaxBytes <= MAX_ITEM_BYTES)) {
      throw new RangeError(`an item may be 1024 to ${MAX_ITEM_BYTES} bytes, not ${this.itemSizeMaxBytes}`);
    }
    // The tables grow with the number of pages; count them for more pages than there will be.
    const pagesAtMost = Math.floor(memoryBytes / PAGE_BYTES);
    this.tableBytes = Slabs.tableBytes(pagesAtMost) + HashIndex.tableBytes(pagesAtMost);
    const pageLimit = Math.floor((memoryBytes - this.tableBytes) / PAGE_BYTES);
    this.memoryLimitBytes = pageLimit * PAGE_BYTES + this.tableBytes;
    this.tombstoneBytesMax = this.memoryLimitBytes * (options.tombstoneShare ?? DEFAULT_TOMBSTONE_SHARE);
    this.evictions = options.evictions ?? true;
    this.clock = options.clock;
    this.changeLog = options.changeLog;
    this.localKeys = options.localKeys;
    this.memory = options.memory ?? new SharedMemory();
    this.flushFloor = new FlushFloor(this.memory);
    this.localFlush = options.flushesLocally ? new LocalFlush(this.memory) : undefined;
    this.lost = new LostWrites(this.memory, memoryBytes);
    this.counters = new Counters(this.memory);
    this.classCounters = new ClassCounters(this.memory);
    this.prefixStats = new PrefixStats(this.memory);
    this.watchLog = new WatchLog(this.memory);
    this.segments = new Segments(this.memory, pageLimit * PAGE_BYTES);
    this.slabs = new Slabs(
      this.memory,
      this.segments,
      this.counters,
      pageLimit,
      options.minItemSpaceBytes ?? DEFAULT_MIN_ITEM_SPACE_BYTES,
      options.growthFactor ?? DEFAULT_GROWTH_FACTOR,
    );
    this.values = new Values(this.segments, this.slabs);
    this.index = new HashIndex(
      this.memory,
      this.segments,
      this.slabs,
      options.hashSeed,
      options.initialBuckets ?? DEFAULT_INITIAL_BUCKETS,
    );
  }
}
