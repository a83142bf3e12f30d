// Writes and deletes that went before the peer had heard of them: which keys, and up to which version each.
//
// Memory is bounded, so a tombstone or a new value may have to go while the peer still keeps something older under
// the key. That must not come back as if nothing had happened: when the peer offers it, it is refused, and a tombstone
// of the same version goes back (replication/sent-back.ts). Until all that the peer has was compared once more, and it
// has heard of those, keys are kept here.
import { BIT_MARKS_WORDS, BitMarks, withBit } from './bit-marks.js';
import type { SharedMemory } from './shared-memory.js';
import { compareVersions } from './version.js';

/** Hash of the key (0 = free), version hi, version lo, whether it was deleted. */
const WORDS_PER_KEY = 4;
/** So many places a key may have, one after the other. */
const PROBES = 8;
/** A key for each so many bytes of memory. */
const BYTES_PER_KEY = 2048;
const KEYS_MIN = 0x4000;
const KEYS_MAX = 0x8_0000;

/** How often something was lost; wraps. */
const COUNT = 0;
const IS_PENDING = 1;
/** How often that was a delete; wraps. */
const DELETE_COUNT = 2;
/** Of the deletes that had no place any more: the highest version. */
const FLOOR_HI = 3;
const FLOOR_LO = 4;
/** This node's first version since it was started with nothing. */
const FIRST_HI = 5;
const FIRST_LO = 6;
/** By node bits: what came from the peer, and what was made here and may be with the peer. */
const SEEN = 7;
const SENT = SEEN + BIT_MARKS_WORDS;
const CONTROL_WORDS = SENT + BIT_MARKS_WORDS;

/** What outlives the process beside the keys: the floor, this node's first version, and what both nodes had. */
export interface LostFloor {
  readonly floorHi: number;
  readonly floorLo: number;
  readonly firstHi: number;
  readonly firstLo: number;
  readonly seen: ArrayLike<number>;
  readonly sent: ArrayLike<number>;
}

/** Is given a key's hash, up to which version it was lost, and whether that was a delete. */
export type LostKeyVisitor = (keyHash: number, hi: number, lo: number, isDeleted: boolean) => void;

/**
 * When a key finds no place, the oldest near it that was evicted is forgotten: of it, something older may come back.
 * Deletes must not, even if there are only such: then the oldest becomes a floor under all keys. From then on whatever
 * the peer has and this node has not is suspect up to the floor, if this node had it: if it came from the peer, or was
 * made here while the link stood, or before. What clients stored on the peer while the link was down is never taken for
 * something old.
 *
 * What both nodes had is told by versions, apart for each node bit: what the peer makes at the same time has the other
 * one. That the bits can change sides from one link to the next does no harm, as it is noted when a version comes or
 * goes, with the bit that it has.
 */
export class LostWrites {
  readonly #keys: Uint32Array;
  readonly #mask: number;
  readonly #control: Uint32Array;
  /** Up to here all that the peer had was here as well. For the thread that replicates. */
  readonly seen: BitMarks;
  /** Up to here the peer may have what was made here. */
  readonly #sent: BitMarks;
  /** The bit of what is made here, while that reaches the peer at once. */
  #reachingBit: 0 | 1 | null = null;

  constructor(memory: SharedMemory, memoryBytes: number) {
    const wanted = 2 ** Math.ceil(Math.log2(memoryBytes / BYTES_PER_KEY));
    const capacity = Math.min(KEYS_MAX, Math.max(KEYS_MIN, wanted));
    this.#mask = capacity - 1;
    this.#keys = memory.words('lost-writes.keys', capacity * WORDS_PER_KEY);
    this.#control = memory.words('lost-writes.control', CONTROL_WORDS);
    this.seen = new BitMarks(this.#control.subarray(SEEN, SENT));
    this.#sent = new BitMarks(this.#control.subarray(SENT, CONTROL_WORDS));
  }

  /** Grows with each loss, so that one can see whether there was another. Wraps. */
  get count(): number {
    return this.#control[COUNT];
  }

  /** Whether there are losses since the last clear(). */
  get isPending(): boolean {
    return this.#control[IS_PENDING] !== 0;
  }

  get deleteCount(): number {
    return this.#control[DELETE_COUNT];
  }

  /** Versions that this node makes from now on are not lower. */
  begin(firstHi: number, firstLo: number): void {
    const control = this.#control;
    if (control[FIRST_HI] !== 0 || control[FIRST_LO] !== 0) return;
    control[FIRST_HI] = firstHi;
    control[FIRST_LO] = firstLo;
  }

  /**
   * All that the peer had is here: from now on what it has and this node has not was here, or was made just now.
   * @param ownBit of what is made here since the link began
   * @param beforeHi the last version from before: up to it the other bit may have been this node's
   */
  join(ownBit: 0 | 1, beforeHi: number, beforeLo: number): void {
    this.#reachingBit = ownBit;
    this.#sent.raise(beforeHi, withBit(beforeLo, ownBit === 0 ? 1 : 0));
  }

  /** The link is gone. What is made after this version does not reach the peer. */
  part(latestHi: number, latestLo: number): void {
    if (this.#reachingBit === null) return;
    this.#sent.raise(latestHi, withBit(latestLo, this.#reachingBit));
    this.#reachingBit = null;
  }

  /** An item is evicted at this version, and the peer may not know of it: nothing older must come back. */
  noteEvicted(keyHash: number, hi: number, lo: number): void {
    // This version itself may stay, should it have come to the peer after all.
    this.#note(keyHash, lo === 0 ? hi - 1 : hi, (lo - 1) >>> 0, 0);
  }

  /** A tombstone of this version is gone, and the peer may not know of it: nothing up to it must come back. */
  noteDeleted(keyHash: number, hi: number, lo: number): void {
    this.#note(keyHash, hi, lo, 1);
  }

  #note(keyHash: number, hi: number, lo: number, isDeleted: 0 | 1): void {
    this.#control[COUNT]++;
    this.#control[IS_PENDING] = 1;
    this.#control[DELETE_COUNT] += isDeleted;
    const keys = this.#keys;
    const tag = keyHash === 0 ? 1 : keyHash;
    let oldest = -1;
    for (let probe = 0; probe < PROBES; probe++) {
      const at = ((tag + probe) & this.#mask) * WORDS_PER_KEY;
      if (keys[at] === tag || keys[at] === 0) {
        if (compareVersions(hi, lo, keys[at + 1], keys[at + 2]) > 0) this.#put(at, tag, hi, lo);
        keys[at + 3] |= isDeleted;
        return;
      }
      if (oldest < 0 || this.#goesBefore(at, oldest)) oldest = at;
    }
    if (keys[oldest + 3] === 1) this.#raiseFloor(keys[oldest + 1], keys[oldest + 2]);
    this.#put(oldest, tag, hi, lo);
    keys[oldest + 3] = isDeleted;
  }

  /** Of two keys, which to give up: what was evicted before what was deleted, then the older one. */
  #goesBefore(at: number, other: number): boolean {
    const keys = this.#keys;
    if (keys[at + 3] !== keys[other + 3]) return keys[at + 3] === 0;
    return compareVersions(keys[at + 1], keys[at + 2], keys[other + 1], keys[other + 2]) < 0;
  }

  /** Whether something of this key was lost: what the peer has of it may be older than that. */
  has(keyHash: number): boolean {
    if (!this.isPending) return false;
    const tag = keyHash === 0 ? 1 : keyHash;
    for (let probe = 0; probe < PROBES; probe++) {
      const found = this.#keys[((tag + probe) & this.#mask) * WORDS_PER_KEY];
      if (found === 0) return false;
      if (found === tag) return true;
    }
    return false;
  }

  /** Whether this version of a key that is not here must not come back. */
  covers(keyHash: number, hi: number, lo: number): boolean {
    if (!this.isPending) return false;
    const keys = this.#keys;
    const tag = keyHash === 0 ? 1 : keyHash;
    for (let probe = 0; probe < PROBES; probe++) {
      const at = ((tag + probe) & this.#mask) * WORDS_PER_KEY;
      if (keys[at] === 0) break;
      if (keys[at] === tag && compareVersions(hi, lo, keys[at + 1], keys[at + 2]) <= 0) return true;
    }
    const control = this.#control;
    if (compareVersions(hi, lo, control[FLOOR_HI], control[FLOOR_LO]) > 0) return false;
    if (this.seen.covers(hi, lo)) return true;
    // An earlier process of this node may have made it, and nobody have given it back to this one.
    if (compareVersions(hi, lo, control[FIRST_HI], control[FIRST_LO]) < 0) return false;
    return (lo & 1) === this.#reachingBit || this.#sent.covers(hi, lo);
  }

  /** All that the peer has was compared with what is here, it dropped what was refused, and nothing was lost meanwhile. */
  clear(): void {
    if (!this.isPending) return;
    this.#keys.fill(0);
    const control = this.#control;
    control[IS_PENDING] = 0;
    control[FLOOR_HI] = 0;
    control[FLOOR_LO] = 0;
  }

  // What a process leaves to the next one of its node, which must hash keys alike.

  get floor(): LostFloor {
    const control = this.#control;
    return {
      floorHi: control[FLOOR_HI],
      floorLo: control[FLOOR_LO],
      firstHi: control[FIRST_HI],
      firstLo: control[FIRST_LO],
      seen: this.seen.words,
      sent: this.#sent.words,
    };
  }

  forEachKey(visit: LostKeyVisitor): void {
    if (!this.isPending) return;
    const keys = this.#keys;
    for (let at = 0; at < keys.length; at += WORDS_PER_KEY) {
      if (keys[at] !== 0) visit(keys[at], keys[at + 1], keys[at + 2], keys[at + 3] === 1);
    }
  }

  restoreKey(keyHash: number, hi: number, lo: number, isDeleted: boolean): void {
    this.#note(keyHash, hi, lo, isDeleted ? 1 : 0);
  }

  /** Of a delete whose key is no longer known. */
  restoreUnknown(hi: number, lo: number): void {
    this.#control[COUNT]++;
    this.#control[IS_PENDING] = 1;
    this.#raiseFloor(hi, lo);
  }

  /** What the earlier process had, this one has. */
  restoreFloor({ floorHi, floorLo, firstHi, firstLo, seen, sent }: LostFloor): void {
    if (floorHi !== 0 || floorLo !== 0) this.restoreUnknown(floorHi, floorLo);
    this.#control[FIRST_HI] = firstHi;
    this.#control[FIRST_LO] = firstLo;
    this.seen.raiseTo(seen);
    this.#sent.raiseTo(sent);
  }

  #put(at: number, tag: number, hi: number, lo: number): void {
    this.#keys[at] = tag;
    this.#keys[at + 1] = hi;
    this.#keys[at + 2] = lo;
  }

  #raiseFloor(hi: number, lo: number): void {
    const control = this.#control;
    if (compareVersions(hi, lo, control[FLOOR_HI], control[FLOOR_LO]) <= 0) return;
    control[FLOOR_HI] = hi;
    control[FLOOR_LO] = lo;
  }
}
