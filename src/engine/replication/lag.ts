// How long changes take until the peer has acknowledged them: samples, two histograms, and what waits now.

const SAMPLES = 256;
/** Changes closer to each other than this share a sample. */
const SAMPLE_EVERY_MS = 2;
/** Four buckets to each doubling, from 0.05 ms to about 12 minutes. */
const BUCKETS = 96;
const BUCKETS_PER_DOUBLING = 4;
const LOWEST_MS = 0.05;
/** What is told is of the last span that is over and of the one that has begun: the last 5 to 10 s with writes. */
const SPAN_MS = 5_000;

export class Lag {
  /** A ring of places in the change log that wait for their acknowledgement, and when they were seen first. */
  readonly #seqs = new Float64Array(SAMPLES);
  readonly #timesMs = new Float64Array(SAMPLES);
  #first = 0;
  #count = 0;
  #notedSeq = 0;
  #notedMs = Number.NEGATIVE_INFINITY;
  #present = new Float64Array(BUCKETS);
  #past = new Float64Array(BUCKETS);
  #presentSinceMs = Number.NEGATIVE_INFINITY;

  /** The change log ends there now. While too much waits, only what has waited longest is followed. */
  note(headSeq: number, nowMs: number): void {
    if (headSeq <= this.#notedSeq || nowMs - this.#notedMs < SAMPLE_EVERY_MS || this.#count === SAMPLES)
      return;
    this.#notedSeq = headSeq;
    this.#notedMs = nowMs;
    const at = (this.#first + this.#count) % SAMPLES;
    this.#seqs[at] = headSeq;
    this.#timesMs[at] = nowMs;
    this.#count += 1;
  }

  /** The peer has everything up to there. */
  acknowledged(seq: number, nowMs: number): void {
    while (this.#count > 0 && this.#seqs[this.#first] <= seq) {
      this.#record(nowMs - this.#timesMs[this.#first], nowMs);
      this.#first = (this.#first + 1) % SAMPLES;
      this.#count -= 1;
    }
  }

  /** Age of the oldest change that is not acknowledged; 0 while there is none. */
  oldestMs(nowMs: number): number {
    return this.#count === 0 ? 0 : nowMs - this.#timesMs[this.#first];
  }

  /** What this share of the changes of the last seconds stayed under, to about a fifth; 0 while there were none. */
  quantileMs(share: number): number {
    let total = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) total += this.#countIn(bucket);
    if (total === 0) return 0;
    let bucket = 0;
    let seen = this.#countIn(0);
    while (bucket < BUCKETS - 1 && seen < total * share) seen += this.#countIn(++bucket);
    return LOWEST_MS * 2 ** (bucket / BUCKETS_PER_DOUBLING);
  }

  #countIn(bucket: number): number {
    return this.#present[bucket] + this.#past[bucket];
  }

  #record(lagMs: number, nowMs: number): void {
    if (nowMs - this.#presentSinceMs >= SPAN_MS) this.#turnOver(nowMs);
    const doublings = Math.log2(Math.max(LOWEST_MS, lagMs) / LOWEST_MS);
    this.#present[Math.min(BUCKETS - 1, Math.ceil(doublings * BUCKETS_PER_DOUBLING))] += 1;
  }

  #turnOver(nowMs: number): void {
    const oldest = this.#past;
    this.#past = this.#present;
    this.#present = oldest.fill(0);
    if (nowMs - this.#presentSinceMs >= 2 * SPAN_MS) this.#past.fill(0);
    this.#presentSinceMs = nowMs;
  }
}
