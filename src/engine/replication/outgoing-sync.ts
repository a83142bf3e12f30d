// One sync towards the peer, from its first frame to its last: what the peer lacks of what this node holds.

import type { Store } from '../store/store.js';
import { EntryScan } from './entry-scan.js';
import type { FrameWriter } from './frame-writer.js';
import { DIGEST_HEADER_BYTES, readU32, SUM_BYTES } from './frames.js';
import type { PeerLimit } from './peer-limit.js';
import { type DigestSeeds, RangeDigest } from './range-digest.js';
import type { RateLimit } from './rate-limit.js';
import type { SyncBegin } from './sync-begin.js';
import type { SyncHalf } from './sync-report.js';

/** How many buckets are summed up in one go: a few ms. */
export const SUMMED_BUCKETS = 16_384;

export interface SyncPlan extends SyncBegin {
  /** What a partial sync ends with; and a full one if it has nothing but changes to show. */
  readonly targetSeq: number;
  /** Of a full sync: whether nothing was here when the link began. What is here now is the peer's, or a change. */
  readonly beganEmpty: boolean;
  /** The newest version here when it began: when it is acknowledged, the peer knows all of ours up to it. */
  readonly versionHi: number;
  readonly versionLo: number;
}

export class OutgoingSync {
  readonly plan: SyncPlan;
  /** Whether its end has been written. */
  isOut = false;
  isAcked = false;
  readonly #store: Store;
  readonly #rate: RateLimit;
  readonly #limit: PeerLimit;
  #digest: RangeDigest | null = null;
  #scan: EntryScan | null = null;
  /** The first range of which the peer's sum has not come. */
  #awaitedRange = 0;
  #changes = 0;
  #changeBytes = 0;

  constructor(store: Store, plan: SyncPlan, seeds: DigestSeeds, rate: RateLimit, limit: PeerLimit) {
    this.plan = plan;
    this.#store = store;
    this.#rate = rate;
    this.#limit = limit;
    if (plan.kind === 'digest') this.#digest = new RangeDigest(store, seeds, plan.rangeBits, 0, limit);
    if (plan.kind === 'full' && !plan.beganEmpty) this.#scan = new EntryScan(store, null, rate, limit);
  }

  /** Items and tombstones sent for its sake. */
  get keys(): number {
    return this.#changes + (this.#scan?.keys ?? 0);
  }

  get bytes(): number {
    return this.#changeBytes + (this.#scan?.bytes ?? 0);
  }

  get half(): SyncHalf {
    return { kind: this.plan.kind, keys: this.keys, bytes: this.bytes };
  }

  /** Whether there is something to do that waits neither for the peer nor for time. */
  get isWorking(): boolean {
    if (this.isOut) return false;
    if (this.#scan !== null) return !this.#scan.isHeldBack;
    return this.#digest?.isScanned === false;
  }

  /** Of a partial sync: a change was written for it. */
  noteChange(sizeBytes: number): void {
    this.#changes += 1;
    this.#changeBytes += sizeBytes;
  }

  /**
   * Takes the peer's sums, which come in order: u32 sync, u32 first range, then a sum a range.
   * @returns false if no peer in its senses would send that
   */
  takeDigest(bytes: Uint8Array, start: number, end: number): boolean {
    const digest = this.#digest;
    // Of a sync that was given up for another one.
    if (digest === null || this.#scan !== null || readU32(bytes, start) !== this.plan.id) return true;
    const first = readU32(bytes, start + 4);
    const count = (end - start - DIGEST_HEADER_BYTES) / SUM_BYTES;
    if (!Number.isInteger(count) || first !== this.#awaitedRange) return false;
    if (count < 1 || first + count > digest.rangeCount) return false;
    digest.subtract(bytes, start + DIGEST_HEADER_BYTES, first, count);
    this.#awaitedRange += count;
    return true;
  }

  /**
   * Goes on, under the store lock, which others may have in between.
   * @param positionSeq up to where changes have been written
   * @returns whether all that the peer lacked at the beginning has been written
   */
  fill(writer: FrameWriter, positionSeq: number): boolean {
    if (this.plan.kind === 'partial' || this.plan.beganEmpty) return positionSeq >= this.plan.targetSeq;
    if (this.#scan === null && !this.#compare()) return false;
    this.#scan?.fill(writer);
    return this.#scan?.isDone === true;
  }

  #compare(): boolean {
    const digest = this.#digest;
    if (digest === null) return false;
    if (!digest.isScanned) digest.scan(SUMMED_BUCKETS);
    if (!digest.isScanned || this.#awaitedRange < digest.rangeCount) return false;
    this.#scan = new EntryScan(this.#store, digest, this.#rate, this.#limit);
    return true;
  }
}
