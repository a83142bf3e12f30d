// flush_all: one version up to which everything is dead, and at most one flush still to come.
//
// A flush for later has a moment, not a version: clocks of versions run ahead of a host's time where the peer's host
// is ahead. When the moment comes, each node flushes what it knows by then, and the higher of the two floors counts.
import type { SharedMemory } from './shared-memory.js';
import type { FlushState } from './store-types.js';
import { compareVersions, msOfVersion } from './version.js';

const FLOOR_HI = 0;
const FLOOR_LO = 1;
const PENDING_HI = 2;
const PENDING_LO = 3;
const STAMP_HI = 4;
const STAMP_LO = 5;
const WORDS = 6;

export class FlushFloor {
  readonly #words: Uint32Array;

  constructor(memory: SharedMemory) {
    this.#words = memory.words('flush-floor', WORDS);
  }

  /** Whether something with this version is dead. */
  covers(versionHi: number, versionLo: number): boolean {
    const words = this.#words;
    return versionHi === words[FLOOR_HI] ? versionLo <= words[FLOOR_LO] : versionHi < words[FLOOR_HI];
  }

  /** A local flush_all at once: everything up to the version, which is also the command's stamp. */
  flushNow(stampHi: number, stampLo: number): void {
    this.#raise(stampHi, stampLo);
    this.#setPending(0, 0, stampHi, stampLo);
  }

  /** A local flush_all for later; takes the place of one that is still to come. */
  flushLater(pendingHi: number, pendingLo: number, stampHi: number, stampLo: number): void {
    this.#setPending(pendingHi, pendingLo, stampHi, stampLo);
  }

  /** Whether the time of a pending flush has come. A guess when the lock is not held: ask again under it. */
  isDue(nowMs: number): boolean {
    return this.#isPending && nowMs >= msOfVersion(this.#words[PENDING_HI], this.#words[PENDING_LO]);
  }

  /** Lets the pending flush take effect: everything up to this version is dead. */
  takeEffect(hi: number, lo: number): void {
    this.#raise(hi, lo);
    this.#dropPending();
  }

  /** Takes over what is higher in another node's state; false when nothing is. */
  merge(remote: FlushState): boolean {
    const words = this.#words;
    let changed = this.#raise(remote.floorHi, remote.floorLo);
    const order = compareVersions(remote.stampHi, remote.stampLo, words[STAMP_HI], words[STAMP_LO]);
    if (order > 0) {
      this.#setPending(remote.pendingHi, remote.pendingLo, remote.stampHi, remote.stampLo);
      changed = true;
    } else if (order === 0 && remote.pendingHi === 0 && remote.pendingLo === 0 && this.#isPending) {
      // It took effect there, and the floor says what it took: not again here, a moment later, with what is new.
      this.#dropPending();
      changed = true;
    }
    return changed;
  }

  snapshot(): FlushState {
    const words = this.#words;
    return {
      floorHi: words[FLOOR_HI],
      floorLo: words[FLOOR_LO],
      pendingHi: words[PENDING_HI],
      pendingLo: words[PENDING_LO],
      stampHi: words[STAMP_HI],
      stampLo: words[STAMP_LO],
    };
  }

  get #isPending(): boolean {
    return this.#words[PENDING_HI] !== 0 || this.#words[PENDING_LO] !== 0;
  }

  #dropPending(): void {
    this.#words[PENDING_HI] = 0;
    this.#words[PENDING_LO] = 0;
  }

  #raise(hi: number, lo: number): boolean {
    const words = this.#words;
    if (compareVersions(hi, lo, words[FLOOR_HI], words[FLOOR_LO]) <= 0) return false;
    words[FLOOR_HI] = hi;
    words[FLOOR_LO] = lo;
    return true;
  }

  #setPending(hi: number, lo: number, stampHi: number, stampLo: number): void {
    const words = this.#words;
    words[PENDING_HI] = hi;
    words[PENDING_LO] = lo;
    words[STAMP_HI] = stampHi;
    words[STAMP_LO] = stampLo;
  }
}
