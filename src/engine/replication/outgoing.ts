// What the peer is to be told: full copies, the changes as they are made, and what its acknowledgements set free.

import { CHANGE_FLUSH, CHANGE_TOMBSTONE } from '../store/change-log.js';
import type { Store } from '../store/store.js';
import { compareVersions } from '../store/version.js';
import type { RingChangeLog } from './change-log.js';
import type { HybridClock } from './clock.js';
import type { FrameWriter } from './frame-writer.js';
import {
  FLUSH_BYTES,
  FRAME,
  ITEM_HEADER_BYTES,
  MARK_OWN_UNIQUE,
  MARK_PROVISIONAL,
  MARK_STALE,
  MARKS_BYTES,
  TOMBSTONE_HEADER_BYTES,
  writeU32,
} from './frames.js';

/** How much one send may hold, in bytes; the last entry, or the small ones of a bucket of the index, may go above it. */
export const SEND_BUDGET_BYTES = 262_144;
/** While a copy runs, changes may take this much of a send, so that the copy comes to an end. */
const LIVE_SHARE_BYTES = SEND_BUDGET_BYTES * 0.75;
/** How many log entries or buckets one send may look at: a few ms, were all of them to yield nothing. */
const MAX_EXAMINED = 65_536;
/** How many buckets one tick looks through for tombstones that the log no longer lists. */
const SWEPT_BUCKETS_PER_TICK = 32_768;

/** An entry of the copy whose value goes out by itself. */
interface LargeEntry {
  readonly ref: number;
  readonly versionHi: number;
  readonly versionLo: number;
  readonly touchSeq: number;
}

interface TombstoneSweep {
  /** Runs once the peer has acknowledged this. */
  readonly fromSeq: number;
  /** Tombstones up to this version are known to the peer then. */
  readonly versionHi: number;
  readonly versionLo: number;
  bucket: number;
}

/**
 * The sending half of the established link. Made anew for each link: only `ackedSeq` outlives one.
 *
 * Each public method that reads the store takes its lock, and lets clients of other threads in after each entry or
 * bucket: whatever was true of the store before may have changed then, but for what is in the writer.
 */
export class Outgoing {
  /** Every change up to it has been sent, or needs not be. */
  positionSeq: number;
  /** Up to where the peer has everything. */
  ackedSeq: number;
  /** Whether the peer has acknowledged a whole copy, and the log has not overflowed since. */
  copyIsAcked = false;
  /** Items and tombstones sent with the copy. */
  copiedItems = 0;
  readonly #store: Store;
  readonly #log: RingChangeLog;
  readonly #clock: HybridClock;
  /** The next bucket of the copy; -1 while none runs. */
  #copyBucket = -1;
  /** What the bucket before it still owes. */
  #largeEntries: LargeEntry[] = [];
  #copyVersionHi = 0;
  #copyVersionLo = 0;
  /** What the last `fullEnd` or `position` said. */
  #announcedSeq = 0;
  /** Up to here lies what replaced the changes that were passed over. */
  #replacedSeq = 0;
  #fullEndIsOut = false;
  #fullEndSeq = 0;
  #sweep: TombstoneSweep | null = null;
  #toldFloorHi = 0;
  #toldFloorLo = 0;
  #flushIsDue = false;

  constructor(store: Store, log: RingChangeLog, clock: HybridClock, ackedSeq: number) {
    this.#store = store;
    this.#log = log;
    this.#clock = clock;
    this.ackedSeq = ackedSeq;
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

  /** Whether the peer has acknowledged everything there is. */
  get isDone(): boolean {
    return this.copyIsAcked && this.ackedSeq === this.#log.headSeq;
  }

  /**
   * Starts a full copy, over again if one is running. The place in the log is taken first: whatever changes behind
   * the scan's back from here on is in the log and follows.
   */
  beginCopy(writer: FrameWriter): void {
    this.#store.lock();
    try {
      this.#beginCopy(writer);
    } finally {
      this.#store.unlock();
    }
  }

  #beginCopy(writer: FrameWriter): void {
    this.positionSeq = this.#log.headSeq;
    this.#copyVersionHi = this.#clock.latestHi;
    this.#copyVersionLo = this.#clock.latestLo;
    this.#copyBucket = 0;
    this.#largeEntries = [];
    this.copiedItems = 0;
    this.copyIsAcked = false;
    this.#fullEndIsOut = false;
    this.#sweep = null;
    this.#log.peerLost();
    writer.empty(FRAME.fullBegin);
    // Before the items: what the floor covers need not be taken in at all.
    this.#writeFlush(writer);
  }

  /** Writes the next portion. Call when the link is writable; if it writes nothing, there is nothing to say. */
  fill(writer: FrameWriter): void {
    this.#store.lock();
    try {
      this.#fill(writer);
    } finally {
      this.#store.unlock();
    }
  }

  #fill(writer: FrameWriter): void {
    if (this.#flushIsDue) this.#writeFlush(writer);
    const logIsHalfFull = this.#log.headSeq - this.positionSeq > this.#log.capacity / 2;
    this.#fillChanges(writer, this.isCopying && !logIsHalfFull ? LIVE_SHARE_BYTES : SEND_BUDGET_BYTES);
    if (this.isCopying) this.#fillCopy(writer);
    else if (this.#isWhole && this.positionSeq > this.#announcedSeq) this.#announce(writer, FRAME.position);
    // A stretch of nothing but replaced changes: something must travel for `writable` to come and the rest to follow.
    else if (writer.length === 0 && this.hasChanges) this.#writeFlush(writer);
  }

  /**
   * Whether the peer, told everything up to the position, has for each change up to it that one or what replaced it.
   * Else a client could hear that its write is safe on two nodes while its replacement is still on its way.
   */
  get #isWhole(): boolean {
    return this.positionSeq >= this.#replacedSeq;
  }

  /**
   * The peer has everything up to `seq`.
   * @returns false if that was never said to it: the peer is broken.
   */
  acknowledge(seq: number): boolean {
    if (!Number.isSafeInteger(seq) || seq > this.#announcedSeq) return false;
    // Of a position told before the present copy: says nothing about what the copy is for.
    if (!this.#fullEndIsOut || seq < this.#fullEndSeq) return true;
    this.#store.lock();
    try {
      this.#acknowledge(seq);
    } finally {
      this.#store.unlock();
    }
    return true;
  }

  #acknowledge(seq: number): void {
    const nodeBit = this.#clock.nodeBit;
    if (!this.copyIsAcked) {
      this.copyIsAcked = true;
      this.#log.peerKnows(this.#copyVersionHi, this.#copyVersionLo, nodeBit);
    }
    const log = this.#log;
    // The oldest is asked for anew each time: the log may forget more whenever others are let in.
    const first = Math.max(this.ackedSeq + 1, log.oldestSeq);
    for (let at = first; at <= seq; at = Math.max(at + 1, log.oldestSeq)) {
      this.#acknowledgeEntry(at, nodeBit);
      this.#store.yieldLock();
    }
    this.ackedSeq = Math.max(this.ackedSeq, seq);
  }

  #acknowledgeEntry(seq: number, nodeBit: 0 | 1): void {
    const log = this.#log;
    const kind = log.kindAt(seq);
    if (kind === CHANGE_FLUSH) return;
    const hi = log.versionHiAt(seq);
    const lo = log.versionLoAt(seq);
    if (kind === CHANGE_TOMBSTONE) this.#store.releaseTombstone(log.refAt(seq), hi, lo);
    log.peerKnows(hi, lo, nodeBit);
  }

  /** Upkeep from time to time: the flush floor, and tombstones that no log entry names. */
  tick(): void {
    this.#store.lock();
    try {
      this.#noteFlush();
      this.#sweepTombstones();
    } finally {
      this.#store.unlock();
    }
  }

  #noteFlush(): void {
    const { floorHi, floorLo } = this.#store.flushState();
    // A delayed flush took effect here. Where clocks differ, the peer may not be there yet, or may have taken the
    // flush back before its time came there: it must hear of the floor itself, not only of the command.
    if (compareVersions(floorHi, floorLo, this.#toldFloorHi, this.#toldFloorLo) > 0) this.#flushIsDue = true;
  }

  /**
   * Frees tombstones that the log cannot name any more: those from before the copy, and those whose entries it
   * forgot before they were acknowledged. More tombstones than unacknowledged changes means that there are some.
   */
  #sweepTombstones(): void {
    const store = this.#store;
    if (!this.copyIsAcked) return;
    if (this.#sweep === null) {
      const headSeq = this.#log.headSeq;
      if (store.tombstoneCount <= headSeq - this.ackedSeq) return;
      const { latestHi, latestLo } = this.#clock;
      this.#sweep = { fromSeq: headSeq, versionHi: latestHi, versionLo: (latestLo | 1) >>> 0, bucket: 0 };
    }
    const sweep = this.#sweep;
    if (this.ackedSeq < sweep.fromSeq) return;
    const end = sweep.bucket + SWEPT_BUCKETS_PER_TICK;
    for (; sweep.bucket < end && sweep.bucket < store.bucketCount; sweep.bucket++) {
      this.#sweepBucket(sweep);
      store.yieldLock();
    }
    if (sweep.bucket >= store.bucketCount) this.#sweep = null;
  }

  #sweepBucket(sweep: TombstoneSweep): void {
    const store = this.#store;
    for (let ref = store.bucketHead(sweep.bucket); ref !== 0; ) {
      const next = store.nextInBucket(ref);
      if (store.isTombstone(ref)) {
        const hi = store.versionHi(ref);
        const lo = store.versionLo(ref);
        if (compareVersions(hi, lo, sweep.versionHi, sweep.versionLo) <= 0) {
          store.releaseTombstone(ref, hi, lo);
        }
      }
      ref = next;
    }
  }

  #fillChanges(writer: FrameWriter, budgetBytes: number): void {
    const store = this.#store;
    const log = this.#log;
    const limit = this.positionSeq + MAX_EXAMINED;
    let last = Math.min(log.headSeq, limit);
    // The log may overflow meanwhile; then a copy follows with the next send.
    while (this.positionSeq < last && writer.length < budgetBytes && !this.hasOverflowed) {
      this.positionSeq += 1;
      this.#writeChange(writer, this.positionSeq);
      // Other threads write on: what they replaced is followed up to its replacement.
      last = Math.min(Math.max(last, this.#replacedSeq), limit);
      store.yieldLock();
    }
  }

  #writeChange(writer: FrameWriter, seq: number): void {
    const store = this.#store;
    const log = this.#log;
    if (log.kindAt(seq) === CHANGE_FLUSH) {
      this.#writeFlush(writer);
      return;
    }
    const ref = log.refAt(seq);
    if (store.holds(ref, log.versionHiAt(seq), log.versionLoAt(seq), log.touchSeqAt(seq))) {
      this.#writeEntry(writer, ref);
    } else {
      // No longer that version: an entry that is in the log by now speaks for the key, or it was evicted.
      this.#replacedSeq = log.headSeq;
    }
  }

  #fillCopy(writer: FrameWriter): void {
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
        if (!this.#isWhole) break;
        this.#copyBucket = -1;
        this.#fullEndIsOut = true;
        this.#announce(writer, FRAME.fullEnd);
        this.#fullEndSeq = this.positionSeq;
        return;
      }
      for (let ref = store.bucketHead(this.#copyBucket); ref !== 0; ref = store.nextInBucket(ref)) {
        this.#writeCopied(writer, ref);
      }
      this.#copyBucket += 1;
      store.yieldLock();
    }
    // An empty stretch of a large index: something must travel for `writable` to come and the copy to go on.
    if (writer.length === 0) this.#writeFlush(writer);
  }

  #writeCopied(writer: FrameWriter, ref: number): void {
    const store = this.#store;
    if (store.isLocal(ref)) return;
    this.copiedItems += 1;
    // Of a dead item the peer needs to hear only that whatever older it has is dead too.
    if (!store.isLive(ref)) this.#writeTombstone(writer, ref);
    else if (store.valueLength(ref) <= SEND_BUDGET_BYTES) this.#writeItem(writer, ref);
    else {
      const versionHi = store.versionHi(ref);
      const versionLo = store.versionLo(ref);
      this.#largeEntries.push({ ref, versionHi, versionLo, touchSeq: store.touchSeq(ref) });
    }
  }

  /** One large value fills a send: what is held for the link is never more than one of them. */
  #writeLarge(writer: FrameWriter, { ref, versionHi, versionLo, touchSeq }: LargeEntry): void {
    // If it is no longer there, it was evicted, or a log entry says what became of it.
    if (this.#store.holds(ref, versionHi, versionLo, touchSeq)) this.#writeEntry(writer, ref);
  }

  #writeEntry(writer: FrameWriter, ref: number): void {
    if (this.#store.isTombstone(ref)) this.#writeTombstone(writer, ref);
    else this.#writeItem(writer, ref);
  }

  #announce(writer: FrameWriter, type: typeof FRAME.fullEnd | typeof FRAME.position): void {
    this.#announcedSeq = this.positionSeq;
    writer.numberFrame(type, this.positionSeq);
  }

  #writeItem(writer: FrameWriter, ref: number): void {
    const store = this.#store;
    const keyLength = store.keyLength(ref);
    const valueLength = store.valueLength(ref);
    const marks =
      (store.isStale(ref) ? MARK_STALE : 0) |
      (store.isProvisional(ref) ? MARK_PROVISIONAL : 0) |
      (store.hasOwnUnique(ref) ? MARK_OWN_UNIQUE : 0);
    const itemBytes = ITEM_HEADER_BYTES + keyLength + valueLength;
    let at = writer.begin(
      marks === 0 ? FRAME.item : FRAME.markedItem,
      marks === 0 ? itemBytes : MARKS_BYTES + itemBytes,
    );
    const bytes = writer.buffer;
    if (marks !== 0) {
      bytes[at] = marks;
      writeU32(bytes, at + 1, store.uniqueHi(ref));
      writeU32(bytes, at + 5, store.uniqueLo(ref));
      at += MARKS_BYTES;
    }
    writeU32(bytes, at, store.versionHi(ref));
    writeU32(bytes, at + 4, store.versionLo(ref));
    writeU32(bytes, at + 8, store.exptimeSec(ref));
    writeU32(bytes, at + 12, store.flags(ref));
    bytes[at + 16] = store.touchSeq(ref);
    bytes[at + 17] = keyLength;
    store.copyKey(ref, bytes, at + ITEM_HEADER_BYTES);
    store.copyValue(ref, 0, valueLength, bytes, at + ITEM_HEADER_BYTES + keyLength);
  }

  #writeTombstone(writer: FrameWriter, ref: number): void {
    const store = this.#store;
    const keyLength = store.keyLength(ref);
    const at = writer.begin(FRAME.tombstone, TOMBSTONE_HEADER_BYTES + keyLength);
    const bytes = writer.buffer;
    writeU32(bytes, at, store.versionHi(ref));
    writeU32(bytes, at + 4, store.versionLo(ref));
    bytes[at + 8] = store.touchSeq(ref);
    bytes[at + 9] = keyLength;
    store.copyKey(ref, bytes, at + TOMBSTONE_HEADER_BYTES);
  }

  #writeFlush(writer: FrameWriter): void {
    const flush = this.#store.flushState();
    this.#toldFloorHi = flush.floorHi;
    this.#toldFloorLo = flush.floorLo;
    this.#flushIsDue = false;
    const at = writer.begin(FRAME.flush, FLUSH_BYTES);
    const bytes = writer.buffer;
    writeU32(bytes, at, flush.floorHi);
    writeU32(bytes, at + 4, flush.floorLo);
    writeU32(bytes, at + 8, flush.pendingHi);
    writeU32(bytes, at + 12, flush.pendingLo);
    writeU32(bytes, at + 16, flush.stampHi);
    writeU32(bytes, at + 20, flush.stampLo);
  }
}
