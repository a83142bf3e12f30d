// What the peer tells: its items, deletes and flushes, applied to the store straight from the bytes that came in.

import { BitMarks } from '../store/bit-marks.js';
import { EXPTIME_PAST } from '../store/exptime.js';
import type { Store } from '../store/store.js';
import type { ItemMarks } from '../store/store-types.js';
import {
  type FlushState,
  REMOTE_APPLIED,
  REMOTE_CLOCK,
  REMOTE_INVALID,
  REMOTE_LOST_HERE,
  REMOTE_OLDER,
  REMOTE_OVERRULED,
  type RemoteResult,
} from '../store/store-types.js';
import { msOfVersion, versionHiOfMs, versionLoOfMs } from '../store/version.js';
import { DigestReply } from './digest-reply.js';
import type { FrameWriter } from './frame-writer.js';
import {
  FLUSH_BYTES,
  FRAME_HEADER_BYTES,
  ITEM_HEADER_BYTES,
  MARK_OWN_UNIQUE,
  MARK_PROVISIONAL,
  MARK_STALE,
  MARKS_BYTES,
  readU32,
  TOMBSTONE_HEADER_BYTES,
} from './frames.js';
import { type Have, NOBODY, type SyncKind } from './have.js';
import type { PeerLimit } from './peer-limit.js';
import type { DigestSeeds } from './range-digest.js';
import { SentBack } from './sent-back.js';
import type { SyncBegin } from './sync-begin.js';

const MAX_EXPTIME_SEC = 0xffff_ffff;

/** Why a link must be closed, for its `link down` line. Null: all is well. */
export type Fault = string | null;

/** No number of losses. */
const NEVER = -1;

const MALFORMED: Fault = 'the peer sent a malformed frame';
const CLOCK_TOO_FAR: Fault = "an entry is from more than an hour in the future: set the hosts' clocks";

/**
 * The receiving half of the established link. The counters are the node's and outlive links. Takes the store lock for
 * each entry: between two of them clients get their turn.
 */
export class Incoming {
  received = 0;
  applied = 0;
  conflicts = 0;
  /** Of the present or last sync: its kind, the entries that came for its sake, and the bytes of their frames. */
  syncKind: SyncKind = 'full';
  syncKeys = 0;
  syncBytes = 0;
  /** Whether a sync is coming in. */
  isSyncing = false;
  /** The last sync of this link that is complete; 0 = none. */
  completeSyncId = 0;
  /** What is added to an expiry time of the peer's, in s. */
  exptimeCorrectionSec = 0;
  /** The peer's clock minus ours. */
  clockOffsetMs = 0;
  /** Whether we hold what the peer holds: not on this link yet, a sync is bringing it, or yes. */
  copy: 'none' | 'running' | 'complete' = 'none';
  readonly sentBack = new SentBack();
  readonly #store: Store;
  readonly #limit: PeerLimit;
  /** Whose changes were applied last, and up to where. Outlives links: the next one goes on from there. */
  #streamOf: Uint8Array = NOBODY;
  #appliedSeq = 0;
  #syncId = 0;
  /** When the peer was last told what we have, and how many losses there had been; whether it heard that, we know. */
  #haveMs = Number.NEGATIVE_INFINITY;
  #lossesAtHave = NEVER;
  #haveIsHeard = true;
  /** How many losses there had been before the peer looked for what it shows in the present sync. */
  #lossesBefore = NEVER;
  /** Whether a sync has shown since then all that the peer has. */
  #hasSeenAll = false;
  #reply: DigestReply | null = null;
  /** The highest versions in a copy that is not complete: there may be older ones that are still to come. */
  readonly #copied = new BitMarks();
  /** Scratch for the entry at hand. */
  readonly #marks: ItemMarks = { isStale: false, isProvisional: false, uniqueHi: 0, uniqueLo: 0 };

  constructor(store: Store, limit: PeerLimit) {
    this.#store = store;
    this.#limit = limit;
  }

  /** Before a link, and after it. */
  beginLink(): void {
    this.copy = 'none';
    this.completeSyncId = 0;
    this.isSyncing = false;
    this.#hasSeenAll = false;
    this.#copied.clear();
    this.sentBack.beginLink();
    this.#haveMs = Number.NEGATIVE_INFINITY;
    this.#reply = null;
  }

  /** What to tell the peer, so that it sends no more than is missing. Written before the ping of that time. */
  have(nowMs: number): Have {
    const { entryCount, lostWrites } = this.#store;
    // The first sync of a link is always the answer to the first question.
    this.#haveIsHeard = this.#haveMs === Number.NEGATIVE_INFINITY;
    this.#haveMs = nowMs;
    this.#lossesAtHave = lostWrites.count;
    // No log of the peer's names what we must look for after a loss: older values of keys that it has not changed.
    const streamOf = lostWrites.isPending ? NOBODY : this.#streamOf;
    return { streamOf, appliedSeq: this.#appliedSeq, entryCount };
  }

  /** So many entries the peer has. */
  expect(entryCount: number): void {
    this.#store.lock();
    try {
      this.#store.expect(entryCount);
    } finally {
      this.#store.unlock();
    }
  }

  beginSync(sync: SyncBegin, seeds: DigestSeeds): void {
    if (sync.hasGap || this.copy === 'none') this.copy = 'running';
    this.#syncId = sync.id;
    // A sync that the peer began by itself may have gone past a key before something older of ours came there: what was
    // lost since we last asked is not seen by it, and if the question is still on its way, nothing is.
    this.#lossesBefore = this.#haveIsHeard ? this.#lossesAtHave : NEVER;
    this.#hasSeenAll = false;
    this.isSyncing = true;
    this.syncKind = sync.kind;
    this.syncKeys = 0;
    this.syncBytes = 0;
    this.#reply =
      sync.kind === 'digest'
        ? new DigestReply(this.#store, seeds, sync.id, sync.rangeBits, this.exptimeCorrectionSec, this.#limit)
        : null;
  }

  /** Everything up to `seq` of the log of that process is here. */
  reached(peerNodeId: Uint8Array, seq: number): void {
    this.#streamOf = peerNodeId;
    this.#appliedSeq = seq;
  }

  endSync(): void {
    this.copy = 'complete';
    this.isSyncing = false;
    this.completeSyncId = this.#syncId;
    this.#store.lostWrites.seen.raiseTo(this.#copied.words);
    this.#hasSeenAll = this.syncKind !== 'partial';
    this.#forgetLosses();
  }

  /** The peer has answered the ping of that time. */
  pinged(sentMs: number): void {
    this.sentBack.pinged(sentMs);
    if (sentMs >= this.#haveMs) this.#haveIsHeard = true;
    this.#forgetLosses();
  }

  /**
   * Once all that the peer has was looked at, and it has heard what of that it must drop: until then the link may
   * break, and the same be offered again. What was lost meanwhile needs another look.
   */
  #forgetLosses(): void {
    if (!this.#hasSeenAll || this.sentBack.awaitsPeer) return;
    this.#hasSeenAll = false;
    const { lostWrites } = this.#store;
    this.#store.lock();
    try {
      if (lostWrites.count === this.#lossesBefore) lostWrites.clear();
    } finally {
      this.#store.unlock();
    }
  }

  /** Whether there are sums to be made for the peer. */
  get isReplying(): boolean {
    return this.#reply !== null;
  }

  /** Goes on with the sums that the peer asked for. */
  fillReply(writer: FrameWriter): void {
    this.#reply?.fill(writer);
    if (this.#reply?.isDone === true) this.#reply = null;
  }

  /** Takes the payload of an `item` frame, `bytes[start, end)`. */
  item(bytes: Uint8Array, start: number, end: number, marks?: ItemMarks): Fault {
    if (end - start < ITEM_HEADER_BYTES) return MALFORMED;
    const keyStart = start + ITEM_HEADER_BYTES;
    const keyLength = bytes[start + 17];
    const valueStart = keyStart + keyLength;
    if (valueStart > end) return MALFORMED;
    this.#store.lock();
    try {
      const result = this.#store.applyRemoteItem(
        bytes,
        keyStart,
        keyLength,
        valueStart,
        end - valueStart,
        readU32(bytes, start + 12),
        this.#ownExptime(readU32(bytes, start + 8)),
        readU32(bytes, start),
        readU32(bytes, start + 4),
        bytes[start + 16],
        marks,
      );
      // Without room for the answer all that the peer has must be looked at once more.
      if (result === REMOTE_LOST_HERE && !this.sentBack.add(bytes, start)) this.#lossesBefore = NEVER;
      return this.#count(bytes, start, end, result);
    } finally {
      this.#store.unlock();
    }
  }

  /** Takes the payload of a `markedItem` frame: an item that `md I` or the client's own unique made special. */
  markedItem(bytes: Uint8Array, start: number, end: number): Fault {
    if (end - start < MARKS_BYTES) return MALFORMED;
    const hasUnique = (bytes[start] & MARK_OWN_UNIQUE) !== 0;
    this.#marks.isStale = (bytes[start] & MARK_STALE) !== 0;
    this.#marks.isProvisional = (bytes[start] & MARK_PROVISIONAL) !== 0;
    this.#marks.uniqueHi = hasUnique ? readU32(bytes, start + 1) : 0;
    this.#marks.uniqueLo = hasUnique ? readU32(bytes, start + 5) : 0;
    return this.item(bytes, start + MARKS_BYTES, end, this.#marks);
  }

  /** Takes the payload of a `tombstone` frame. */
  tombstone(bytes: Uint8Array, start: number, end: number): Fault {
    if (end - start < TOMBSTONE_HEADER_BYTES) return MALFORMED;
    const keyStart = start + TOMBSTONE_HEADER_BYTES;
    const keyLength = bytes[start + 9];
    if (keyStart + keyLength !== end) return MALFORMED;
    this.#store.lock();
    try {
      return this.#count(
        bytes,
        start,
        end,
        this.#store.applyRemoteTombstone(
          bytes,
          keyStart,
          keyLength,
          readU32(bytes, start),
          readU32(bytes, start + 4),
          bytes[start + 8],
          // The peer, having deleted it, sends nothing older any more; and ours is not sent once it is gone.
          false,
        ),
      );
    } finally {
      this.#store.unlock();
    }
  }

  /** Takes the payload of a `flush` frame. */
  flush(bytes: Uint8Array, start: number, end: number): Fault {
    if (end - start !== FLUSH_BYTES) return MALFORMED;
    const peerDueMs = msOfVersion(readU32(bytes, start + 8), readU32(bytes, start + 12));
    const dueMs = peerDueMs === 0 ? 0 : Math.max(1, Math.round(peerDueMs - this.clockOffsetMs));
    const remote: FlushState = {
      floorHi: readU32(bytes, start),
      floorLo: readU32(bytes, start + 4),
      pendingHi: versionHiOfMs(dueMs),
      pendingLo: versionLoOfMs(dueMs),
      stampHi: readU32(bytes, start + 16),
      stampLo: readU32(bytes, start + 20),
    };
    this.#store.lock();
    try {
      return this.#judge(this.#store.applyRemoteFlush(remote));
    } finally {
      this.#store.unlock();
    }
  }

  /** For an item or a delete, whose payload begins with its version; a flush is no entry of a sync. */
  #count(bytes: Uint8Array, start: number, end: number, result: RemoteResult): Fault {
    const fault = this.#judge(result);
    if (fault !== null) return fault;
    // Of what a log tells, the newest comes last.
    const comesInOrder = this.copy === 'complete' || this.syncKind === 'partial';
    const seen = comesInOrder ? this.#store.lostWrites.seen : this.#copied;
    seen.raise(readU32(bytes, start), readU32(bytes, start + 4));
    if (this.isSyncing) {
      this.syncKeys += 1;
      this.syncBytes += FRAME_HEADER_BYTES + end - start;
    }
    return null;
  }

  #judge(result: RemoteResult): Fault {
    if (result === REMOTE_CLOCK) return CLOCK_TOO_FAR;
    if (result === REMOTE_INVALID) return MALFORMED;
    this.received += 1;
    if (result === REMOTE_APPLIED) this.applied += 1;
    else if (result === REMOTE_OVERRULED) this.conflicts += 1;
    else if (result === REMOTE_OLDER && this.copy === 'complete') this.conflicts += 1;
    return null;
  }

  #ownExptime(peerExptimeSec: number): number {
    if (this.exptimeCorrectionSec === 0 || peerExptimeSec <= EXPTIME_PAST) return peerExptimeSec;
    const exptimeSec = peerExptimeSec + this.exptimeCorrectionSec;
    return exptimeSec <= EXPTIME_PAST ? EXPTIME_PAST : Math.min(exptimeSec, MAX_EXPTIME_SEC);
  }
}
