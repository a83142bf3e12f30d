// When to dial again: soon at first, then more rarely, never giving up, and not in step with the peer.

const FIRST_DELAY_MS = 50;
const MAX_DELAY_MS = 2_000;

export class Backoff {
  #failures = 0;
  readonly #random: () => number;

  /** @param random in [0, 1) */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** The delay after one more failure, in ms: doubling from 50 to 2,000, less up to half of it at random. */
  next(): number {
    const ceiling = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(this.#failures, 16));
    this.#failures += 1;
    return ceiling * (1 - this.#random() / 2);
  }

  /** The link worked: the next failure is a first one. */
  reset(): void {
    this.#failures = 0;
  }
}
