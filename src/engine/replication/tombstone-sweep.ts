// Frees tombstones that no entry of the change log names any more, once the peer has heard of all there was.

import type { Store } from '../store/store.js';
import { compareVersions } from '../store/version.js';
import type { RingChangeLog } from './change-log.js';
import type { HybridClock } from './clock.js';

/** How many buckets one tick looks through. */
const SWEPT_BUCKETS_PER_TICK = 32_768;

interface Round {
  /** Runs once the peer has acknowledged this. */
  readonly fromSeq: number;
  /** Tombstones up to this version are known to the peer then. */
  readonly versionHi: number;
  readonly versionLo: number;
  bucket: number;
}

/**
 * Tombstones from before a sync, those of items that expired before they were acknowledged, and those whose entries
 * the log forgot. More tombstones than unacknowledged changes means that there are some.
 */
export class TombstoneSweep {
  readonly #store: Store;
  readonly #log: RingChangeLog;
  readonly #clock: HybridClock;
  #round: Round | null = null;

  constructor(store: Store, log: RingChangeLog, clock: HybridClock) {
    this.#store = store;
    this.#log = log;
    this.#clock = clock;
  }

  /** What was to be freed is to be told again. */
  stop(): void {
    this.#round = null;
  }

  /** Under the store lock; while the peer has all there was when the last sync began. */
  tick(ackedSeq: number): void {
    const store = this.#store;
    if (this.#round === null) {
      const { headSeq } = this.#log;
      if (store.tombstoneCount <= headSeq - ackedSeq) return;
      const { latestHi, latestLo } = this.#clock;
      this.#round = { fromSeq: headSeq, versionHi: latestHi, versionLo: (latestLo | 1) >>> 0, bucket: 0 };
    }
    const round = this.#round;
    if (ackedSeq < round.fromSeq) return;
    const end = round.bucket + SWEPT_BUCKETS_PER_TICK;
    for (; round.bucket < end && round.bucket < store.bucketCount; round.bucket++) {
      this.#sweepBucket(round);
      store.yieldLock();
    }
    if (round.bucket >= store.bucketCount) this.#round = null;
  }

  #sweepBucket(round: Round): void {
    const store = this.#store;
    for (let ref = store.bucketHead(round.bucket); ref !== 0; ) {
      const next = store.nextInBucket(ref);
      if (store.isTombstone(ref)) {
        const hi = store.versionHi(ref);
        const lo = store.versionLo(ref);
        if (compareVersions(hi, lo, round.versionHi, round.versionLo) <= 0) {
          store.releaseTombstone(ref, hi, lo);
        }
      }
      ref = next;
    }
  }
}
