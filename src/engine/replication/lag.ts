// How long changes take until the peer has acknowledged them: samples, a histogram that forgets, and what waits now.

const SAMPLES = 256;
/** Changes closer to each other than this share a sample. */
const SAMPLE_EVERY_MS = 2;
/** Four buckets to each doubling, from 0.05 ms to about 12 minutes. */
const BUCKETS = 96;
const BUCKETS_PER_DOUBLING = 4;
const LOWEST_MS = 0.05;
/** How often what was counted so far is made to weigh half. */
const HALF_LIFE_MS = 10_000;

export class Lag {
  /** A ring of places in the change log that wait for their acknowledgement, and when they were seen first. */
  readonly #seqs = new Float64Array(SAMPLES);
  readonly #timesMs = new Float64Array(SAMPLES);
  #first = 0;
  #count = 0;
  #notedSeq = 0;
  #notedMs = Number.NEGATIVE_INFINITY;
  readonly #buckets = new Float64Array(BUCKETS);
  #halvedMs = 0;

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
    for (let bucket = 0; bucket < BUCKETS; bucket++) total += this.#buckets[bucket];
    if (total === 0) return 0;
    let seen = 0;
    let bucket = 0;
    while (bucket < BUCKETS - 1 && seen + this.#buckets[bucket] < total * share)
      seen += this.#buckets[bucket++];
    return LOWEST_MS * 2 ** (bucket / BUCKETS_PER_DOUBLING);
  }

  #record(lagMs: number, nowMs: number): void {
    if (nowMs - this.#halvedMs >= HALF_LIFE_MS) {
      this.#halvedMs = nowMs;
      for (let bucket = 0; bucket < BUCKETS; bucket++) this.#buckets[bucket] /= 2;
    }
    const doublings = Math.log2(Math.max(LOWEST_MS, lagMs) / LOWEST_MS);
    this.#buckets[Math.min(BUCKETS - 1, Math.ceil(doublings * BUCKETS_PER_DOUBLING))] += 1;
  }
}
