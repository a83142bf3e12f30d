// What a legacy peer tells: its items, deletes and flushes, applied to the store in the order in which they arrive.

import type { Store } from '../../store/store.js';
import { type FlushState, REMOTE_APPLIED, type RemoteResult } from '../../store/store-types.js';
import { versionHiOfMs, versionLoOfMs } from '../../store/version.js';
import type { HybridClock } from '../clock.js';
import { asPeerVersion, isOwnVersion } from './origin.js';
import type { SharedPoint } from './shared-point.js';

/**
 * A legacy peer knows no versions, so each write gets one of our clock as it arrives, and with it wins. But while
 * the peer's copy comes in, it may bring values from before the link was lost: what this node wrote since then stays,
 * and is sent to the peer once its copy is over.
 *
 * The counters are the node's and outlive links. Takes the store lock for each entry.
 */
export class LegacyIncoming {
  received = 0;
  applied = 0;
  conflicts = 0;
  /** Entries of the present or last copy. */
  copiedItems = 0;
  /** The peer's copy: none is awaited, it comes in, or it is here. */
  copy: 'none' | 'running' | 'complete' = 'none';
  /** Then the peer's copy is of what is to be dead. */
  hasFlushedAlone = false;
  readonly #store: Store;
  readonly #clock: HybridClock;
  readonly #shared: SharedPoint;

  constructor(store: Store, clock: HybridClock, shared: SharedPoint) {
    this.#store = store;
    this.#clock = clock;
    this.#shared = shared;
  }

  beginLink(awaitsCopy: boolean): void {
    this.copy = awaitsCopy ? 'running' : 'none';
    this.copiedItems = 0;
  }

  /** Looks whether this node flushed everything while the peer could not hear of it. Before each batch of the copy. */
  noteFlush(): void {
    this.#store.lock();
    try {
      const { stampHi, stampLo, floorHi, floorLo } = this.#store.flushState();
      this.hasFlushedAlone =
        this.#isOwnAndUnshared(stampHi, stampLo) && this.#shared.isAfter(floorHi, floorLo);
    } finally {
      this.#store.unlock();
    }
  }

  item(
    bytes: Uint8Array,
    keyStart: number,
    keyLength: number,
    valueStart: number,
    valueLength: number,
    flags: number,
    exptimeSec: number,
  ): void {
    this.#store.lock();
    try {
      if (this.copy === 'running') this.copiedItems += 1;
      if (this.#isOutdated(bytes, keyStart, keyLength)) return;
      this.#tick();
      this.#count(
        this.#store.applyRemoteItem(
          bytes,
          keyStart,
          keyLength,
          valueStart,
          valueLength,
          flags,
          exptimeSec,
          this.#clock.hi,
          asPeerVersion(this.#clock.lo),
          0,
        ),
      );
    } finally {
      this.#store.unlock();
    }
  }

  delete(bytes: Uint8Array, keyStart: number, keyLength: number): void {
    this.#store.lock();
    try {
      if (this.#isOutdated(bytes, keyStart, keyLength)) return;
      this.#tick();
      const { hi, lo } = this.#clock;
      this.#count(
        this.#store.applyRemoteTombstone(bytes, keyStart, keyLength, hi, asPeerVersion(lo), 0, false),
      );
    } finally {
      this.#store.unlock();
    }
  }

  /** @param atSec Unix time; one that has passed is now, as the peer has flushed already */
  flush(atSec: number): void {
    this.#store.lock();
    try {
      this.#tick();
      const stampHi = this.#clock.hi;
      const stampLo = asPeerVersion(this.#clock.lo);
      const isNow = atSec * 1_000 <= this.#store.nowMs;
      const present = this.#store.flushState();
      const flush: FlushState = {
        floorHi: isNow ? stampHi : present.floorHi,
        floorLo: isNow ? stampLo : present.floorLo,
        pendingHi: isNow ? 0 : versionHiOfMs(atSec * 1_000),
        pendingLo: isNow ? 0 : versionLoOfMs(atSec * 1_000),
        stampHi,
        stampLo,
      };
      this.#count(this.#store.applyRemoteFlush(flush));
    } finally {
      this.#store.unlock();
    }
  }

  /** Whether the peer may not have heard yet of what this node made of the key. */
  #isOutdated(bytes: Uint8Array, keyStart: number, keyLength: number): boolean {
    if (this.copy !== 'running') return false;
    const store = this.#store;
    const ref = store.entry(bytes, keyStart, keyLength);
    const isOutdated =
      this.hasFlushedAlone ||
      // What was added for want of the peer's value must not destroy that.
      (ref !== 0 &&
        !store.isProvisional(ref) &&
        this.#isOwnAndUnshared(store.versionHi(ref), store.versionLo(ref)));
    if (!isOutdated) return false;
    this.received += 1;
    this.conflicts += 1;
    return true;
  }

  #isOwnAndUnshared(versionHi: number, versionLo: number): boolean {
    return isOwnVersion(versionLo) && this.#shared.isAfter(versionHi, versionLo);
  }

  #tick(): void {
    this.#clock.tick(this.#store.nowMs);
  }

  #count(result: RemoteResult): void {
    this.received += 1;
    if (result === REMOTE_APPLIED) this.applied += 1;
  }
}
