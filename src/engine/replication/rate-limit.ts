// How many bytes of a sync may go out in a stretch of time: a bucket of tokens that time fills.

/** What may go out at once after a pause, as a share of a second. Several times the interval of ticks. */
const BURST_SEC = 0.25;

export class RateLimit {
  readonly #bytesPerSec: number;
  #bytes: number;
  #filledMs = Number.NEGATIVE_INFINITY;

  /** @param bytesPerSec infinity = no limit */
  constructor(bytesPerSec: number) {
    this.#bytesPerSec = bytesPerSec;
    this.#bytes = bytesPerSec * BURST_SEC;
  }

  /** Lets time pass. */
  refill(nowMs: number): void {
    if (this.#bytesPerSec === Number.POSITIVE_INFINITY) return;
    const passedMs = nowMs - this.#filledMs;
    this.#filledMs = nowMs;
    const earned = (Math.max(0, passedMs) / 1_000) * this.#bytesPerSec;
    this.#bytes = Math.min(this.#bytesPerSec * BURST_SEC, this.#bytes + earned);
  }

  get isSpent(): boolean {
    return this.#bytes <= 0;
  }

  /** Entries go whole: one may take more than is left, and the next waits for it. */
  spend(sizeBytes: number): void {
    this.#bytes -= sizeBytes;
  }
}
