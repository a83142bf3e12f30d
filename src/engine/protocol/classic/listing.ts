// Listings of all items: lru_crawler metadump and mgdump, stats cachedump. Made portion by portion, so that neither
// the store nor the other connections wait, however many items there are.
//
// A listing walks the index, whose buckets only ever split upwards: every item that stays is met. What is written or
// deleted meanwhile may or may not appear.
import type { Store } from '../../store/store.js';
import type { ReplyBuffer } from '../reply-buffer.js';
import { writeCachedumpLine, writeMetadumpLine, writeMgdumpLine } from './dump-lines.js';

export type ListingKind = 'metadump' | 'mgdump' | 'cachedump';

const HEADS: Readonly<Record<ListingKind, string>> = { metadump: 'OK\r\n', mgdump: 'OK\r\n', cachedump: '' };
const ENDS: Readonly<Record<ListingKind, string>> = {
  metadump: 'END\r\n',
  mgdump: 'EN\r\n',
  cachedump: 'END\r\n',
};
/** Buckets looked at for each time the lock is taken: a few dozen microseconds. */
const PORTION_BUCKETS = 256;
/** Buckets looked at before the other connections have their turn. */
const TURN_BUCKETS = 65_536;
/** A cachedump ends here, as memcached's does. */
const CACHEDUMP_BYTES_MAX = 2 * 1024 * 1024;

export class Listing {
  /** Whether there is more to come. */
  isRunning = false;

  readonly #store: Store;
  #kind: ListingKind = 'metadump';
  /** Slab classes to list, from 1; undefined = all. */
  #classes: ReadonlySet<number> | undefined;
  #linesLeft = 0;
  #bytesLeft = 0;
  #bucket = 0;
  #isDone = false;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Starts a listing; run() does the rest. linesMax: Infinity = all. */
  begin(
    kind: ListingKind,
    classes: ReadonlySet<number> | undefined,
    linesMax: number,
    reply: ReplyBuffer,
  ): void {
    this.isRunning = true;
    this.#kind = kind;
    this.#classes = classes;
    this.#linesLeft = linesMax;
    this.#bytesLeft = kind === 'cachedump' ? CACHEDUMP_BYTES_MAX : Number.POSITIVE_INFINITY;
    this.#bucket = 0;
    this.#isDone = false;
    reply.writeText(HEADS[kind]);
  }

  /** Goes on until all is listed, the reply buffer is full, or the others should have a turn. */
  run(reply: ReplyBuffer): void {
    const turnEnd = this.#bucket + TURN_BUCKETS;
    while (!this.#isDone && this.#bucket < turnEnd && !reply.isFull) this.#listPortion(reply);
    if (!this.#isDone) return;
    reply.writeText(ENDS[this.#kind]);
    this.isRunning = false;
  }

  #listPortion(reply: ReplyBuffer): void {
    const store = this.#store;
    store.lock();
    try {
      const end = Math.min(this.#bucket + PORTION_BUCKETS, store.bucketCount);
      for (; this.#bucket < end && !reply.isFull; this.#bucket++) {
        for (let ref = store.bucketHead(this.#bucket); ref !== 0; ref = store.nextInBucket(ref)) {
          if (store.isLive(ref) && this.#isWanted(ref)) this.#writeLine(ref, reply);
        }
      }
      this.#isDone = this.#bucket >= store.bucketCount || this.#linesLeft === 0 || this.#bytesLeft <= 0;
    } finally {
      store.unlock();
    }
  }

  #isWanted(ref: number): boolean {
    if (this.#linesLeft === 0) return false;
    return this.#classes === undefined || this.#classes.has(this.#store.slabs.classOfRef(ref) + 1);
  }

  #writeLine(ref: number, reply: ReplyBuffer): void {
    const before = reply.length;
    if (this.#kind === 'metadump') writeMetadumpLine(this.#store, ref, reply);
    else if (this.#kind === 'mgdump') writeMgdumpLine(this.#store, ref, reply);
    else if (!writeCachedumpLine(this.#store, ref, reply)) return;
    this.#linesLeft--;
    this.#bytesLeft -= reply.length - before;
  }
}
