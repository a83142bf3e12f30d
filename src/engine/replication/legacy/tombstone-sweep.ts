// Frees the tombstones of deletes that the peer has heard of: the legacy protocol names none when it has.

import type { Store } from '../../store/store.js';
import { compareVersions } from '../../store/version.js';

/** How many buckets one tick looks through. */
const BUCKETS_PER_TICK = 32_768;

export class TombstoneSweep {
  readonly #store: Store;
  #versionHi = 0;
  #versionLo = 0;
  /** The next bucket; -1 while there is nothing to do. */
  #bucket = -1;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The peer knows of every delete up to this version. */
  begin(versionHi: number, versionLo: number): void {
    this.#versionHi = versionHi;
    this.#versionLo = versionLo;
    this.#bucket = 0;
  }

  tick(): void {
    if (this.#bucket < 0) return;
    const store = this.#store;
    store.lock();
    try {
      if (store.tombstoneCount === 0) this.#bucket = store.bucketCount;
      const end = this.#bucket + BUCKETS_PER_TICK;
      for (; this.#bucket < end && this.#bucket < store.bucketCount; this.#bucket++) {
        this.#sweepBucket();
        store.yieldLock();
      }
      if (this.#bucket >= store.bucketCount) this.#bucket = -1;
    } finally {
      store.unlock();
    }
  }

  #sweepBucket(): void {
    const store = this.#store;
    for (let ref = store.bucketHead(this.#bucket); ref !== 0; ) {
      const next = store.nextInBucket(ref);
      const hi = store.versionHi(ref);
      const lo = store.versionLo(ref);
      if (store.isTombstone(ref) && compareVersions(hi, lo, this.#versionHi, this.#versionLo) <= 0) {
        store.releaseTombstone(ref, hi, lo);
      }
      ref = next;
    }
  }
}
