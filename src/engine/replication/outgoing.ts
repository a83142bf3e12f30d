// What the peer is to be told: syncs, the changes as they are made, and what its acknowledgements set free.

import { CHANGE_FLUSH, CHANGE_TOMBSTONE } from '../store/change-log.js';
import type { Store } from '../store/store.js';
import type { RingChangeLog } from './change-log.js';
import type { HybridClock } from './clock.js';
import { writeEntry, writeFlush } from './entry-frames.js';
import { MAX_EXAMINED, SEND_BUDGET_BYTES } from './entry-scan.js';
import type { FrameWriter } from './frame-writer.js';
import { FRAME } from './frames.js';
import { bytesEqual } from './handshake.js';
import { type Have, isComparable, type SyncKind } from './have.js';
import { OutgoingSync } from './outgoing-sync.js';
import type { PeerLimit } from './peer-limit.js';
import { type DigestSeeds, rangeBitsFor } from './range-digest.js';
import type { RateLimit } from './rate-limit.js';
import { writeSyncBegin } from './sync-begin.js';
import { TombstoneSweep } from './tombstone-sweep.js';

/** While a sync runs, changes may take this much of a send, so that the sync comes to an end. */
const LIVE_SHARE_BYTES = SEND_BUDGET_BYTES * 0.75;
/** Within a send of changes, the position is told each time that so much was written: if the link breaks, the rest. */
const POSITION_EVERY_BYTES = 32_768;

export interface OutgoingOptions {
  readonly store: Store;
  readonly log: RingChangeLog;
  readonly clock: HybridClock;
  readonly nodeId: Uint8Array;
  readonly rate: RateLimit;
  readonly limit: PeerLimit;
}

/**
 * The sending half of the established link. Made anew for each link: only what was acknowledged outlives one.
 *
 * Each public method that reads the store takes its lock, and lets clients of other threads in after each entry or
 * bucket: whatever was true of the store before may have changed then, but for what is in the writer.
 */
export class Outgoing {
  /** Every change up to it has been sent, or needs not be. */
  positionSeq: number;
  /** Up to where the peer has everything. */
  ackedSeq: number;
  /** Whether the peer has acknowledged a sync, and no change has been lost to it since. */
  syncIsAcked = false;
  /** The present or last sync; null before the first. */
  sync: OutgoingSync | null = null;
  readonly #options: OutgoingOptions;
  readonly #store: Store;
  readonly #log: RingChangeLog;
  readonly #clock: HybridClock;
  readonly #seeds: DigestSeeds;
  readonly #sweep: TombstoneSweep;
  /** What was acknowledged up to here has been set free. */
  #releasedSeq: number;
  /** Whether the peer lacks changes that only the present sync can bring, so that no position can be told. */
  #hasGap = true;
  /** Whether nothing was here when the link began: all that is not the peer's is in the log from there on. */
  #beganEmpty: boolean;
  /** The last position or end of a sync that was told. */
  #announcedSeq = 0;
  /** Up to here lies what replaced the changes that were passed over. */
  #replacedSeq = 0;

  /** @param previous the half that worked on the link before */
  constructor(options: OutgoingOptions, seeds: DigestSeeds, previous: Outgoing | null) {
    this.#options = options;
    this.#store = options.store;
    this.#log = options.log;
    this.#clock = options.clock;
    this.#seeds = seeds;
    this.#sweep = new TombstoneSweep(options.store, options.log, options.clock);
    this.ackedSeq = previous?.ackedSeq ?? 0;
    this.#releasedSeq = previous === null ? 0 : previous.#releasedSeq;
    this.#store.lock();
    try {
      this.positionSeq = options.log.headSeq;
      this.#beganEmpty = this.#store.entryCount === 0;
    } finally {
      this.#store.unlock();
    }
  }

  /** Whether a sync has begun whose end is not written. */
  get isSyncing(): boolean {
    return this.sync !== null && !this.sync.isOut;
  }

  /** Whether the peer has not acknowledged the end of a sync that has begun. */
  get awaitsSyncAck(): boolean {
    return this.sync !== null && !this.sync.isAcked;
  }

  get hasChanges(): boolean {
    return this.positionSeq < this.#log.headSeq;
  }

  /** Whether the log has forgotten changes that were not sent. */
  get hasOverflowed(): boolean {
    return this.positionSeq + 1 < this.#log.oldestSeq;
  }

  /** Whether there is something to do that waits neither for the peer nor for time. */
  get isWorking(): boolean {
    if (this.hasChanges || this.#releasedSeq < this.ackedSeq) return true;
    return this.sync?.isWorking === true;
  }

  /** Whether the peer has acknowledged everything there is. */
  get isDone(): boolean {
    return this.syncIsAcked && this.ackedSeq === this.#log.headSeq;
  }

  // ── Syncs ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Starts to send what the peer lacks, in the place of a sync that is under way. */
  beginSync(writer: FrameWriter, have: Have): void {
    this.#store.lock();
    try {
      this.#beginSync(writer, have);
    } finally {
      this.#store.unlock();
    }
  }

  #beginSync(writer: FrameWriter, have: Have): void {
    const log = this.#log;
    const { latestHi, latestLo } = this.#clock;
    const kind = this.#kindFor(have);
    const beganEmpty = this.#beganEmpty && kind === 'full' && !this.hasOverflowed;
    this.#beganEmpty = false;
    if (kind === 'partial') {
      this.#hasGap = false;
      this.positionSeq = have.appliedSeq;
      this.#announcedSeq = have.appliedSeq;
      this.ackedSeq = Math.max(this.ackedSeq, have.appliedSeq);
    } else if (this.#hasGap || this.hasOverflowed) {
      this.#hasGap = true;
      this.syncIsAcked = false;
      this.#sweep.stop();
      // Taken before anything is read: whatever changes behind the scan's back from here on is in the log.
      if (!beganEmpty) this.positionSeq = log.headSeq;
    }
    const plan = {
      id: (this.sync?.plan.id ?? 0) + 1,
      kind,
      rangeBits: kind === 'digest' ? rangeBitsFor(Math.max(this.#store.entryCount, have.entryCount)) : 0,
      hasGap: this.#hasGap,
      targetSeq: log.headSeq,
      beganEmpty,
      versionHi: latestHi,
      // With both node bits.
      versionLo: (latestLo | 1) >>> 0,
    };
    const { rate, limit } = this.#options;
    this.sync = new OutgoingSync(this.#store, plan, this.#seeds, rate, limit);
    writeSyncBegin(writer, plan);
    // Before the items: what the floor covers need not be taken in at all.
    writeFlush(writer, this.#store.flushState());
  }

  #kindFor(have: Have): SyncKind {
    const log = this.#log;
    // Later syncs of a link are for what no log can tell.
    const isStreamOurs = this.sync === null && bytesEqual(have.streamOf, this.#options.nodeId);
    const isInLog = have.appliedSeq <= log.headSeq && have.appliedSeq + 1 >= log.oldestSeq;
    if (isStreamOurs && isInLog) return 'partial';
    return isComparable(this.#store.entryCount, have.entryCount) ? 'digest' : 'full';
  }

  // ── Sending ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Writes the next portion. Call when the link is writable; if it writes nothing, it waits for something, or works. */
  fill(writer: FrameWriter, nowMs: number): void {
    this.#options.rate.refill(nowMs);
    this.#store.lock();
    try {
      this.#fill(writer);
    } finally {
      this.#store.unlock();
    }
  }

  #fill(writer: FrameWriter): void {
    this.#release();
    const logIsHalfFull = this.#log.headSeq - this.positionSeq > this.#log.capacity / 2;
    this.#fillChanges(writer, this.isSyncing && !logIsHalfFull ? LIVE_SHARE_BYTES : SEND_BUDGET_BYTES);
    if (this.isSyncing && this.sync?.fill(writer, this.positionSeq) === true && this.#isWhole) {
      this.#hasGap = false;
      this.sync.isOut = true;
      this.#announce(writer, FRAME.syncEnd);
    } else {
      this.#announcePosition(writer);
    }
  }

  /**
   * Whether the peer, told everything up to the position, has for each change up to it that one or what replaced it.
   * Else a client could hear that its write is safe on two nodes while its replacement is still on its way.
   */
  get #isWhole(): boolean {
    return this.positionSeq >= this.#replacedSeq;
  }

  #fillChanges(writer: FrameWriter, budgetBytes: number): void {
    const store = this.#store;
    const log = this.#log;
    const limit = this.positionSeq + MAX_EXAMINED;
    let last = Math.min(log.headSeq, limit);
    let positionDueAt = writer.length + POSITION_EVERY_BYTES;
    // The log may overflow meanwhile; then a sync follows with the next send.
    while (this.positionSeq < last && writer.length < budgetBytes && !this.hasOverflowed) {
      this.positionSeq += 1;
      this.#writeChange(writer, this.positionSeq);
      if (writer.length >= positionDueAt) {
        this.#announcePosition(writer);
        positionDueAt = writer.length + POSITION_EVERY_BYTES;
      }
      // Other threads write on: what they replaced is followed up to its replacement.
      last = Math.min(Math.max(last, this.#replacedSeq), limit);
      store.yieldLock();
    }
  }

  #writeChange(writer: FrameWriter, seq: number): void {
    const store = this.#store;
    const log = this.#log;
    if (log.kindAt(seq) === CHANGE_FLUSH) {
      writeFlush(writer, store.flushState());
      return;
    }
    const ref = log.refAt(seq);
    if (!store.holds(ref, log.versionHiAt(seq), log.versionLoAt(seq), log.touchSeqAt(seq))) {
      // No longer that version: an entry that is in the log by now speaks for the key, or it was evicted.
      this.#replacedSeq = log.headSeq;
      return;
    }
    const lengthBefore = writer.length;
    writeEntry(writer, store, ref, this.#options.limit);
    const { sync } = this;
    if (sync?.plan.kind === 'partial' && !sync.isOut) sync.noteChange(writer.length - lengthBefore);
  }

  #announcePosition(writer: FrameWriter): void {
    if (this.#hasGap || !this.#isWhole || this.positionSeq <= this.#announcedSeq) return;
    this.#announce(writer, FRAME.position);
  }

  #announce(writer: FrameWriter, type: typeof FRAME.syncEnd | typeof FRAME.position): void {
    this.#announcedSeq = this.positionSeq;
    writer.numberFrame(type, this.positionSeq);
  }

  // ── Acknowledgements ───────────────────────────────────────────────────────────────────────────────────────

  /**
   * The peer has everything up to `seq`, and the whole of the sync `syncId`.
   * @returns false if that was never said to it: the peer is broken.
   */
  acknowledge(seq: number, syncId: number): boolean {
    if (!Number.isSafeInteger(seq) || seq < 0 || seq > this.#announcedSeq) return false;
    this.ackedSeq = Math.max(this.ackedSeq, seq);
    const { sync } = this;
    if (sync?.isOut === true && sync.plan.id === syncId && !sync.isAcked) {
      sync.isAcked = true;
      this.syncIsAcked = true;
      this.#store.lock();
      try {
        this.#log.peerKnows(sync.plan.versionHi, sync.plan.versionLo);
        this.#log.peerIsSynced();
      } finally {
        this.#store.unlock();
      }
    }
    return true;
  }

  /** Sets free what the acknowledged entries kept, a portion at a time. */
  #release(): void {
    const log = this.#log;
    const end = this.#releasedSeq + MAX_EXAMINED;
    while (this.#releasedSeq < this.ackedSeq && this.#releasedSeq < end) {
      // The oldest is asked for anew each time: the log may forget more whenever others are let in.
      const seq = Math.max(this.#releasedSeq + 1, log.oldestSeq);
      if (seq > this.ackedSeq) {
        this.#releasedSeq = this.ackedSeq;
        return;
      }
      this.#releaseEntry(seq);
      this.#releasedSeq = seq;
      this.#store.yieldLock();
    }
  }

  #releaseEntry(seq: number): void {
    const log = this.#log;
    const kind = log.kindAt(seq);
    if (kind === CHANGE_FLUSH) return;
    const hi = log.versionHiAt(seq);
    const lo = log.versionLoAt(seq);
    if (kind === CHANGE_TOMBSTONE) this.#store.releaseTombstone(log.refAt(seq), hi, lo);
    log.peerKnows(hi, lo);
  }

  /** Upkeep from time to time: tombstones that no log entry names. */
  tick(): void {
    if (!this.syncIsAcked) return;
    this.#store.lock();
    try {
      this.#sweep.tick(this.#releasedSeq);
    } finally {
      this.#store.unlock();
    }
  }
}
