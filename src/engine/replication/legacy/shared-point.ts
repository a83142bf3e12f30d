// Up to which version the peer can be taken to have what this node wrote: the legacy protocol acknowledges nothing.

import { compareVersions } from '../../store/version.js';

/**
 * So long after the kernel took it, a change has reached the peer's host, if the link still stands: the kernel would
 * have given the link up, see LINK_LOSS_MS. What is younger when the link goes down may be lost on the way.
 */
const SETTLE_MS = 150_000;

export class SharedPoint {
  versionHi = 0;
  versionLo = 0;
  /** The place that is to be the next one: everything up to it, once it was sent and has settled. */
  #nextHi = 0;
  #nextLo = 0;
  #nextSeq = 0;
  /** When the kernel had taken everything up to it; null: not yet. */
  #takenMs: number | null = null;
  #isWaiting = false;

  /** The peer has, or has something newer than, everything up to this version. */
  set(versionHi: number, versionLo: number): void {
    this.versionHi = versionHi;
    this.versionLo = versionLo;
    this.#isWaiting = false;
  }

  /** Whether a version came after the point: the peer may not have it. */
  isAfter(versionHi: number, versionLo: number): boolean {
    return compareVersions(versionHi, versionLo, this.versionHi, this.versionLo) > 0;
  }

  /** The link is down: what was on its way may never arrive. */
  linkLost(): void {
    this.#isWaiting = false;
  }

  /**
   * Call from time to time while changes flow.
   * @param headSeq the newest change, made before the version `latest`
   * @param takenSeq up to where the kernel has taken the changes
   * @returns whether the point has moved
   */
  tick(nowMs: number, latestHi: number, latestLo: number, headSeq: number, takenSeq: number): boolean {
    if (!this.#isWaiting) {
      this.#nextHi = latestHi;
      this.#nextLo = latestLo;
      this.#nextSeq = headSeq;
      this.#takenMs = null;
      this.#isWaiting = true;
    }
    if (this.#takenMs === null && takenSeq >= this.#nextSeq) this.#takenMs = nowMs;
    if (this.#takenMs === null || nowMs - this.#takenMs < SETTLE_MS) return false;
    this.set(this.#nextHi, this.#nextLo);
    return true;
  }
}
