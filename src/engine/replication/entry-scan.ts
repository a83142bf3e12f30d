// Goes through all that the store holds and writes what the peer may lack of it, a portion for each send.

import type { Store } from '../store/store.js';
import { writeEntry, writeTombstone } from './entry-frames.js';
import type { FrameWriter } from './frame-writer.js';
import type { PeerLimit } from './peer-limit.js';
import type { RangeDigest } from './range-digest.js';
import type { RateLimit } from './rate-limit.js';

/** How much one send may hold, in bytes; the last entry, or the small ones of a bucket of the index, may go above it. */
export const SEND_BUDGET_BYTES = 262_144;
/** How many log entries or buckets one send may look at: a few ms, were all of them to yield nothing. */
export const MAX_EXAMINED = 65_536;

/**
 * No more entries than this are first found, in a few turns, and then sent. Were they sent as they are found, the scan
 * would meet, and send back, most of what a peer with far more sends meanwhile.
 */
const MAX_COLLECTED = 131_072;

/** An entry whose value goes out by itself. */
interface LargeEntry {
  readonly ref: number;
  readonly versionHi: number;
  readonly versionLo: number;
  readonly touchSeq: number;
}

/** Items that change behind the scan's back are in the log and follow. */
export class EntryScan {
  /** Items and tombstones written, and their frames. */
  keys = 0;
  bytes = 0;
  isDone = false;
  readonly #store: Store;
  readonly #digest: RangeDigest | null;
  readonly #rate: RateLimit;
  readonly #limit: PeerLimit;
  #bucket = 0;
  /** What was found and is still to be sent; null when what is found is sent at once. */
  readonly #collected: number[] | null;
  /** What the bucket before it still owes. */
  #largeEntries: LargeEntry[] = [];

  /** @param digest which ranges to write; null = all */
  constructor(store: Store, digest: RangeDigest | null, rate: RateLimit, limit: PeerLimit) {
    this.#store = store;
    this.#digest = digest;
    this.#rate = rate;
    this.#limit = limit;
    this.#collected = store.entryCount <= MAX_COLLECTED ? [] : null;
  }

  /** Whether the rate allows anything more for now. */
  get isHeldBack(): boolean {
    return this.#rate.isSpent;
  }

  /** Writes the next portion, perhaps nothing. Under the store lock, which others may have after each bucket. */
  fill(writer: FrameWriter): void {
    const store = this.#store;
    const end = this.#bucket + MAX_EXAMINED;
    while (writer.length < SEND_BUDGET_BYTES && this.#bucket < end && !this.#rate.isSpent) {
      const lengthBefore = writer.length;
      const large = this.#largeEntries.pop();
      if (large !== undefined) this.#writeLarge(writer, large);
      // The count is read anew each time: the index may grow, and growth moves items to higher buckets only.
      else if (this.#bucket < store.bucketCount) this.#scanBucket(writer);
      else if (!this.#writeCollected(writer)) {
        this.isDone = true;
        return;
      }
      this.bytes += writer.length - lengthBefore;
      this.#rate.spend(writer.length - lengthBefore);
      store.yieldLock();
    }
  }

  #scanBucket(writer: FrameWriter): void {
    const store = this.#store;
    for (let ref = store.bucketHead(this.#bucket); ref !== 0; ref = store.nextInBucket(ref)) {
      if (!store.isLeftOut(ref) && (this.#digest === null || this.#digest.differs(ref))) {
        if (this.#collected === null) this.#writeCopied(writer, ref);
        else this.#collected.push(ref);
      }
    }
    this.#bucket += 1;
  }

  /** @returns false when there is nothing left */
  #writeCollected(writer: FrameWriter): boolean {
    const ref = this.#collected?.pop();
    if (ref === undefined) return false;
    // If something else lies there by now, it does no harm; what was moved is in the log.
    if (this.#store.isEntry(ref) && !this.#store.isLeftOut(ref)) this.#writeCopied(writer, ref);
    return true;
  }

  #writeCopied(writer: FrameWriter, ref: number): void {
    const store = this.#store;
    this.keys += 1;
    // Of a dead item the peer needs to hear only that whatever older it has is dead too.
    if (!store.isLiveForPeer(ref)) writeTombstone(writer, store, ref);
    else if (store.valueLength(ref) <= SEND_BUDGET_BYTES) writeEntry(writer, store, ref, this.#limit);
    else {
      const versionHi = store.versionHi(ref);
      const versionLo = store.versionLo(ref);
      this.#largeEntries.push({ ref, versionHi, versionLo, touchSeq: store.touchSeq(ref) });
    }
  }

  /** One large value fills a send: what is held for the link is never more than one of them. */
  #writeLarge(writer: FrameWriter, { ref, versionHi, versionLo, touchSeq }: LargeEntry): void {
    // If it is no longer there, it was evicted, or a log entry says what became of it.
    if (!this.#store.holds(ref, versionHi, versionLo, touchSeq)) return;
    writeEntry(writer, this.#store, ref, this.#limit);
  }
}
