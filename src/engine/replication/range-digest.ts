// What a node holds, in 64 bits for each range of key hashes: equal sums mean equal entries.

import type { Store } from '../store/store.js';
import { readU32, writeU32 } from './frames.js';
import type { PeerLimit } from './peer-limit.js';

/** About so many entries in a range: few enough to be sent for the sake of one that differs. */
const ENTRIES_PER_RANGE = 8;
const RANGE_BITS_MIN = 1;
/** 8 MB of sums. Above 8 million entries the ranges are larger instead. */
export const RANGE_BITS_MAX = 20;

/** How keys are spread and entries are mixed on one link: nobody can choose keys so that differences cancel out. */
export interface DigestSeeds {
  readonly spread: number;
  readonly mix: number;
}

/** How finely to cut for the larger of two stores. */
export function rangeBitsFor(entryCount: number): number {
  const bits = Math.ceil(Math.log2(Math.max(1, entryCount / ENTRIES_PER_RANGE)));
  return Math.min(RANGE_BITS_MAX, Math.max(RANGE_BITS_MIN, bits));
}

export function isRangeBits(bits: number): boolean {
  return bits >= RANGE_BITS_MIN && bits <= RANGE_BITS_MAX;
}

/** Both nodes take the same from what their greetings said. */
export function digestSeeds(dialerNonce: Uint8Array, acceptorNonce: Uint8Array): DigestSeeds {
  return {
    spread: (readU32(dialerNonce, 0) ^ readU32(acceptorNonce, 4)) >>> 0,
    mix: (readU32(dialerNonce, 8) ^ readU32(acceptorNonce, 12)) >>> 0,
  };
}

/**
 * The sum over all entries of a range: the order in which the two nodes meet them does not matter. An entry counts
 * by its hash, version, touches and kind. Expiry times count for touched items only: without a touch the version says
 * it, and two touches at the same moment on both nodes leave nothing else that differs. Dead items count for nothing:
 * each node buries its own. Nor do keys that stay local, and items that the other node has no room for.
 *
 * The scan goes in portions, and items change meanwhile. What changes here behind its back is in the log and follows;
 * what changes there is in the other's log.
 */
export class RangeDigest {
  readonly rangeCount: number;
  /** Whether every entry here has been counted. */
  isScanned = false;
  readonly #store: Store;
  readonly #seeds: DigestSeeds;
  readonly #shift: number;
  /** Two words a range. */
  readonly #sums: Uint32Array;
  readonly #exptimeCorrectionSec: number;
  readonly #limit: PeerLimit;
  #bucket = 0;

  /** @param exptimeCorrectionSec what has been added here to the other node's expiry times; 0 on the one that asks */
  constructor(
    store: Store,
    seeds: DigestSeeds,
    rangeBits: number,
    exptimeCorrectionSec: number,
    limit: PeerLimit,
  ) {
    this.rangeCount = 2 ** rangeBits;
    this.#store = store;
    this.#seeds = seeds;
    this.#shift = 32 - rangeBits;
    this.#sums = new Uint32Array(this.rangeCount * 2);
    this.#exptimeCorrectionSec = exptimeCorrectionSec;
    this.#limit = limit;
  }

  /** Counts the entries of the next buckets. Under the store lock, which others may have in between. */
  scan(maxBuckets: number): void {
    const store = this.#store;
    const end = this.#bucket + maxBuckets;
    // The count is read anew each time: the index may grow, and growth moves items to higher buckets only.
    while (this.#bucket < end && this.#bucket < store.bucketCount) {
      for (let ref = store.bucketHead(this.#bucket); ref !== 0; ref = store.nextInBucket(ref)) {
        if (store.isTold(ref) && this.#limit.takes(ref)) this.#count(ref);
      }
      this.#bucket += 1;
      store.yieldLock();
    }
    this.isScanned = this.#bucket >= store.bucketCount;
  }

  #count(ref: number): void {
    const store = this.#store;
    const hash = store.keyHash(ref, this.#seeds.spread);
    const hi = store.versionHi(ref);
    const lo = store.versionLo(ref);
    const touchSeq = store.touchSeq(ref);
    const isTombstone = store.isTombstone(ref);
    const state = touchSeq | (isTombstone ? 0x100 : 0);
    const exptimeSec = touchSeq === 0 || isTombstone ? 0 : this.#exptimeOfAsker(store.exptimeSec(ref));
    const { mix } = this.#seeds;
    const one = stir(stir(stir(stir(hash ^ mix, lo), hi), state), exptimeSec);
    const two = stir(stir(stir(stir(~hash ^ mix, hi), exptimeSec), lo), state);
    const at = (hash >>> this.#shift) * 2;
    this.#sums[at] += finish(one);
    this.#sums[at + 1] += finish(two ^ 0x5bd1e995);
  }

  #exptimeOfAsker(exptimeSec: number): number {
    return exptimeSec === 0 ? 0 : exptimeSec - this.#exptimeCorrectionSec;
  }

  /** Puts the sums of some ranges in bytes. */
  write(bytes: Uint8Array, at: number, firstRange: number, count: number): void {
    for (let word = 0; word < count * 2; word++) {
      writeU32(bytes, at + word * 4, this.#sums[firstRange * 2 + word]);
    }
  }

  /** Takes the other node's sums off. When all are in and the scan is done, what is left is what differs. */
  subtract(bytes: Uint8Array, at: number, firstRange: number, count: number): void {
    for (let word = 0; word < count * 2; word++) {
      this.#sums[firstRange * 2 + word] -= readU32(bytes, at + word * 4);
    }
  }

  /** Whether the range of an entry's key differs. */
  differs(ref: number): boolean {
    const at = (this.#store.keyHash(ref, this.#seeds.spread) >>> this.#shift) * 2;
    return (this.#sums[at] | this.#sums[at + 1]) !== 0;
  }
}

/** A round of murmur3. */
function stir(hash: number, word: number): number {
  let block = Math.imul(word, 0xcc9e2d51);
  block = (block << 15) | (block >>> 17);
  const stirred = hash ^ Math.imul(block, 0x1b873593);
  return (Math.imul((stirred << 13) | (stirred >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
