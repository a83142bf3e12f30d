// What a legacy peer is to be told: everything once for each link, then the changes as they are made.

import { CHANGE_FLUSH } from '../../store/change-log.js';
import type { Store } from '../../store/store.js';
import { compareVersions, msOfVersion } from '../../store/version.js';
import type { RingChangeLog } from '../change-log.js';
import type { HybridClock } from '../clock.js';
import { MAX_EXAMINED, SEND_BUDGET_BYTES } from '../entry-scan.js';
import type { LegacyWriter } from './legacy-writer.js';
import { asPeerVersion, isOwnVersion } from './origin.js';
import type { SharedPoint } from './shared-point.js';
import { fitsLegacy, isLineKey } from './wire.js';

/** While a copy runs, changes may take this much of a send, so that the copy comes to an end. */
const LIVE_SHARE_BYTES = SEND_BUDGET_BYTES * 0.75;

/** An entry of the copy whose value goes out by itself. */
interface LargeEntry {
  readonly ref: number;
  readonly versionHi: number;
  readonly versionLo: number;
  readonly touchSeq: number;
}

/**
 * The peer carries out our lines in the order in which they arrive, so the order of the log is the right one. What
 * came in on a link is not sent back on it.
 *
 * Each public method that reads the store takes its lock, and lets clients of other threads in after each entry or
 * bucket.
 */
export class LegacyOutgoing {
  /** Every change up to it has been sent, or needs not be. */
  positionSeq: number;
  /** Items and deletes of the present or last copy. */
  copiedItems = 0;
  /** Writes that the peer can't be told of: their keys can't stand in a line, or their values are too large for it. */
  unsendable = 0;
  readonly #store: Store;
  readonly #log: RingChangeLog;
  readonly #clock: HybridClock;
  readonly #shared: SharedPoint;
  readonly #key = new Uint8Array(256);
  /** The next bucket of the copy; -1 while none runs. */
  #copyBucket = -1;
  /** What the bucket before it still owes. */
  #largeEntries: LargeEntry[] = [];
  /** The clock when the link came up: what has a later version of the peer's came on it. */
  #linkHi = 0;
  #linkLo = 0;

  constructor(store: Store, log: RingChangeLog, clock: HybridClock, shared: SharedPoint) {
    this.#store = store;
    this.#log = log;
    this.#clock = clock;
    this.#shared = shared;
    this.positionSeq = log.headSeq;
  }

  get isCopying(): boolean {
    return this.#copyBucket >= 0;
  }

  get hasChanges(): boolean {
    return this.positionSeq < this.#log.headSeq;
  }

  /** Whether the log has forgotten changes that were not sent. */
  get hasOverflowed(): boolean {
    return this.positionSeq + 1 < this.#log.oldestSeq;
  }

  beginLink(): void {
    // With the peer's bit: else the newest that came on the link before would count as one of this link.
    this.#linkHi = this.#clock.latestHi;
    this.#linkLo = asPeerVersion(this.#clock.latestLo);
    this.#copyBucket = -1;
    this.#largeEntries = [];
  }

  /**
   * Starts a copy, over again if one is running. Whatever changes behind its back is in the log and follows.
   * @param flushes whether the peer is to drop first what it has
   */
  beginCopy(writer: LegacyWriter, flushes: boolean): void {
    this.#store.lock();
    try {
      const { pendingHi, pendingLo } = this.#store.flushState();
      if (flushes) writer.flush(0);
      if (pendingHi !== 0 || pendingLo !== 0) this.#writeFlush(writer);
    } finally {
      this.#store.unlock();
    }
    this.positionSeq = this.#log.headSeq;
    this.#copyBucket = 0;
    this.#largeEntries = [];
    this.copiedItems = 0;
  }

  /** Writes the next portion. Call when the link is writable. */
  fill(writer: LegacyWriter): void {
    this.#store.lock();
    try {
      const logIsHalfFull = this.#log.headSeq - this.positionSeq > this.#log.capacity / 2;
      this.#fillChanges(writer, this.isCopying && !logIsHalfFull ? LIVE_SHARE_BYTES : SEND_BUDGET_BYTES);
      if (this.isCopying) this.#fillCopy(writer);
    } finally {
      this.#store.unlock();
    }
  }

  #fillChanges(writer: LegacyWriter, budgetBytes: number): void {
    const last = Math.min(this.#log.headSeq, this.positionSeq + MAX_EXAMINED);
    // The log may overflow meanwhile; then a copy follows with the next send.
    while (this.positionSeq < last && writer.length < budgetBytes && !this.hasOverflowed) {
      this.positionSeq += 1;
      this.#writeChange(writer, this.positionSeq);
      this.#store.yieldLock();
    }
  }

  #writeChange(writer: LegacyWriter, seq: number): void {
    const log = this.#log;
    const hi = log.versionHiAt(seq);
    const lo = log.versionLoAt(seq);
    if (log.kindAt(seq) === CHANGE_FLUSH) {
      // With the other bit it is a flush that was to come and now came, as it does over there.
      if (isOwnVersion(lo)) this.#writeFlush(writer);
      return;
    }
    const ref = log.refAt(seq);
    // The peer's own, logged only because it moved in memory; unless the copy still owes it, or it was touched here.
    const isMove = !isOwnVersion(lo) && log.touchSeqAt(seq) === 0;
    if (isMove && (!this.isCopying || this.#cameOnThisLink(hi, lo))) return;
    // No longer that version: a later entry speaks for the key, or it was evicted.
    if (this.#store.holds(ref, hi, lo, log.touchSeqAt(seq))) this.#writeEntry(writer, ref);
  }

  #fillCopy(writer: LegacyWriter): void {
    const store = this.#store;
    const last = this.#copyBucket + MAX_EXAMINED;
    while (writer.length < SEND_BUDGET_BYTES && this.#copyBucket < last) {
      const large = this.#largeEntries.pop();
      if (large !== undefined) {
        this.#writeLarge(writer, large);
        continue;
      }
      // Read anew each time: the index may have grown, and growth moves items to higher buckets only.
      if (this.#copyBucket >= store.bucketCount) {
        this.#copyBucket = -1;
        writer.copyEnd();
        return;
      }
      for (let ref = store.bucketHead(this.#copyBucket); ref !== 0; ref = store.nextInBucket(ref)) {
        this.#writeCopied(writer, ref);
      }
      this.#copyBucket += 1;
      store.yieldLock();
    }
    // An empty stretch of a large index: something must travel for `writable` to come and the copy to go on.
    if (writer.length === 0) writer.nudge();
  }

  #writeCopied(writer: LegacyWriter, ref: number): void {
    const store = this.#store;
    const versionHi = store.versionHi(ref);
    const versionLo = store.versionLo(ref);
    const touchSeq = store.touchSeq(ref);
    if (store.isLocal(ref) || (this.#cameOnThisLink(versionHi, versionLo) && touchSeq === 0)) return;
    // Of what is gone here the peer hears only if it may hold something older.
    if (!store.isLive(ref) && (!this.#shared.isAfter(versionHi, versionLo) || !this.#isDeleted(ref))) return;
    this.copiedItems += 1;
    if (store.valueLength(ref) <= SEND_BUDGET_BYTES) this.#writeEntry(writer, ref);
    else this.#largeEntries.push({ ref, versionHi, versionLo, touchSeq });
  }

  /** One large value fills a send: what is held for the link is never more than one of them. */
  #writeLarge(writer: LegacyWriter, { ref, versionHi, versionLo, touchSeq }: LargeEntry): void {
    // If it is no longer there, it was evicted, or a log entry says what became of it.
    if (this.#store.holds(ref, versionHi, versionLo, touchSeq)) this.#writeEntry(writer, ref);
  }

  #writeEntry(writer: LegacyWriter, ref: number): void {
    const store = this.#store;
    const keyLength = store.keyLength(ref);
    store.copyKey(ref, this.#key, 0);
    const isSendable = isLineKey(this.#key, 0, keyLength) && fitsLegacy(keyLength, store.valueLength(ref));
    if (!isSendable && store.isLive(ref)) this.unsendable += 1;
    if (isSendable && store.isLive(ref)) writer.item(store, ref);
    // No value there is better than the one that the key had before.
    else if (isLineKey(this.#key, 0, keyLength)) writer.delete(store, ref);
  }

  #writeFlush(writer: LegacyWriter): void {
    const { pendingHi, pendingLo } = this.#store.flushState();
    const isLater = pendingHi !== 0 || pendingLo !== 0;
    writer.flush(isLater ? Math.ceil(msOfVersion(pendingHi, pendingLo) / 1_000) : 0);
  }

  /** Whether an entry that is not live says so of its key alone; flush_all has said it of all. */
  #isDeleted(ref: number): boolean {
    const exptimeSec = this.#store.exptimeSec(ref);
    return this.#store.isTombstone(ref) || (exptimeSec !== 0 && exptimeSec <= this.#store.nowSec);
  }

  #cameOnThisLink(versionHi: number, versionLo: number): boolean {
    return !isOwnVersion(versionLo) && compareVersions(versionHi, versionLo, this.#linkHi, this.#linkLo) > 0;
  }
}
