// What the store holds, to be read: for replies, full copies and the sender. Changes nothing.
import { hashKey } from './hash.js';
import type { HashIndex } from './index.js';
import type { Liveness } from './items/liveness.js';
import type { PeerKnowledge } from './items/peer-knowledge.js';
import {
  BYTE_KEY_LENGTH,
  BYTE_TOUCH_SEQ,
  STATE_LIVE,
  STATE_TOMBSTONE,
  USE_FETCHED,
  USE_LOCAL,
  USE_PROVISIONAL,
  USE_STALE,
  USE_WINNER,
  WORD_EXPTIME,
  WORD_FLAGS,
  WORD_LAST_ACCESS,
  WORD_VALUE_LENGTH,
  WORD_VERSION_HI,
  WORD_VERSION_LO,
} from './layout.js';
import { copyBytes, type Segments } from './segments.js';
import type { Slabs } from './slabs.js';
import type { StoreState } from './store-state.js';
import type { Values } from './values.js';

export class StoredEntries {
  readonly #segments: Segments;
  readonly #slabs: Slabs;
  readonly #values: Values;
  readonly #index: HashIndex;
  readonly #liveness: Liveness;
  readonly #peer: PeerKnowledge;

  constructor({ segments, slabs, values, index }: StoreState, liveness: Liveness, peer: PeerKnowledge) {
    this.#segments = segments;
    this.#slabs = slabs;
    this.#values = values;
    this.#index = index;
    this.#liveness = liveness;
    this.#peer = peer;
  }

  // ── Which entries there are ──────────────────────────────────────────────────────────────────────────────────

  /** Items and tombstones. */
  get entryCount(): number {
    return this.#index.entryCount;
  }

  /** The entry of a key, be it live, dead or a tombstone; 0 = none. */
  entry(key: Uint8Array, start: number, length: number): number {
    return this.#index.find(key, start, length, this.#index.hash(key, start, length));
  }

  /** Buckets of the index. A scan goes from 0 up and reads this anew each time: splits only move items upwards. */
  get bucketCount(): number {
    return this.#index.bucketCount;
  }

  /** First entry of a bucket, 0 = none. Finish a bucket before anything else runs: refs may move between steps. */
  bucketHead(bucket: number): number {
    return this.#index.bucketHead(bucket);
  }

  /** Next entry of the same bucket, 0 = none. */
  nextInBucket(ref: number): number {
    return this.#segments.next(ref);
  }

  /** Whether the slot holds an entry, whichever. Any ref is safe to ask about. */
  isEntry(ref: number): boolean {
    if (!this.#slabs.isSlot(ref)) return false;
    const state = this.#segments.state(ref);
    return state === STATE_LIVE || state === STATE_TOMBSTONE;
  }

  /** Whether the slot still holds exactly this entry (live or tombstone). Any ref is safe to ask about. */
  holds(ref: number, versionHi: number, versionLo: number, touchSeq: number): boolean {
    // A page may have changed its class since: what lies at ref could be the middle of a client's value.
    if (!this.isEntry(ref)) return false;
    const segments = this.#segments;
    return (
      segments.word(ref, WORD_VERSION_HI) === versionHi &&
      segments.word(ref, WORD_VERSION_LO) === versionLo &&
      segments.byte(ref, BYTE_TOUCH_SEQ) === touchSeq
    );
  }

  // ── What an entry means ──────────────────────────────────────────────────────────────────────────────────────

  /** Whether an entry of a bucket can be served: not a tombstone, expired or flushed. */
  isLive(ref: number): boolean {
    return this.#liveness.isLive(ref);
  }

  isTombstone(ref: number): boolean {
    return this.#segments.state(ref) === STATE_TOMBSTONE;
  }

  /** Whether nobody else is told of an entry: its key stays on this node, or this node alone has forgotten it. */
  isLocal(ref: number): boolean {
    return this.#segments.hasMark(ref, USE_LOCAL) || this.#liveness.isForgotten(ref);
  }

  /**
   * Whether a sync leaves an entry out: its key stays on this node, or this node alone has forgotten it. The latter not
   * before the peer has heard of it: it would keep something older.
   */
  isLeftOut(ref: number): boolean {
    if (this.#segments.hasMark(ref, USE_LOCAL)) return true;
    return this.#liveness.isForgotten(ref) && !this.#peer.isUnacknowledged(ref);
  }

  /** Whether an item can be served here, or could be but for a flush_all of this node alone. */
  isLiveForPeer(ref: number): boolean {
    const liveness = this.#liveness;
    return !this.isTombstone(ref) && !liveness.isExpired(ref) && !liveness.isFlushedOnBoth(ref);
  }

  /** Whether a flush_all of this node alone took the item, and it has not been freed yet. */
  isForgotten(ref: number): boolean {
    return this.#liveness.isForgotten(ref);
  }

  /** Whether an entry means something to the peer: a live item, or a tombstone that no flush made superfluous. */
  isTold(ref: number): boolean {
    if (this.isLeftOut(ref)) return false;
    return this.isTombstone(ref) ? !this.#liveness.isFlushed(ref) : this.isLiveForPeer(ref);
  }

  /** Whether the item was made by an add while this node or the peer was not in sync, and not written since. */
  isProvisional(ref: number): boolean {
    return this.#segments.hasMark(ref, USE_PROVISIONAL);
  }

  isStale(ref: number): boolean {
    return this.#segments.hasMark(ref, USE_STALE);
  }

  /** Whether a reader was told to recache the item. */
  hasWinner(ref: number): boolean {
    return this.#segments.hasMark(ref, USE_WINNER);
  }

  wasFetched(ref: number): boolean {
    return this.#segments.hasMark(ref, USE_FETCHED);
  }

  lastAccessSec(ref: number): number {
    return this.#segments.word(ref, WORD_LAST_ACCESS);
  }

  // ── What an entry holds ──────────────────────────────────────────────────────────────────────────────────────

  /** Bytes of header, key and value. */
  itemBytes(ref: number): number {
    return this.#values.itemBytes(ref);
  }

  keyLength(ref: number): number {
    return this.#segments.byte(ref, BYTE_KEY_LENGTH);
  }

  valueLength(ref: number): number {
    return this.#segments.word(ref, WORD_VALUE_LENGTH);
  }

  flags(ref: number): number {
    return this.#segments.word(ref, WORD_FLAGS);
  }

  exptimeSec(ref: number): number {
    return this.#segments.word(ref, WORD_EXPTIME);
  }

  /** The unique that clients see and compare with: the version, unless a client gave one of its own. */
  uniqueHi(ref: number): number {
    return this.#segments.uniqueHi(ref);
  }

  uniqueLo(ref: number): number {
    return this.#segments.uniqueLo(ref);
  }

  /** Whether a client gave the item's unique. */
  hasOwnUnique(ref: number): boolean {
    return this.#segments.ownUniqueBytes(ref) !== 0;
  }

  versionHi(ref: number): number {
    return this.#segments.word(ref, WORD_VERSION_HI);
  }

  versionLo(ref: number): number {
    return this.#segments.word(ref, WORD_VERSION_LO);
  }

  touchSeq(ref: number): number {
    return this.#segments.byte(ref, BYTE_TOUCH_SEQ);
  }

  /** The hash of an entry's key, for a seed of the caller's. */
  keyHash(ref: number, seed: number): number {
    const segments = this.#segments;
    return hashKey(segments.view(ref), segments.keyOffset(ref), segments.byte(ref, BYTE_KEY_LENGTH), seed);
  }

  copyKey(ref: number, target: Uint8Array, targetStart: number): void {
    const keyAt = this.#segments.keyOffset(ref);
    copyBytes(this.#segments.view(ref), keyAt, keyAt + this.keyLength(ref), target, targetStart);
  }

  /** Copies length bytes of the value from valueStart on. */
  copyValue(ref: number, valueStart: number, length: number, target: Uint8Array, targetStart: number): void {
    this.#values.read(ref, valueStart, length, target, targetStart);
  }
}
