// Numbers for the traces: from a seed, so that every run and both servers see the same requests.

/** xorshift32 over a u32 state. */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
  }

  /** In [0, 1). */
  next(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state >>> 0;
    return this.#state / 2 ** 32;
  }

  /** A whole number in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }
}

/** Ranks 0 .. count - 1, the lower the more often: rank r with a weight of 1 / (r + 1)^exponent. */
export class Zipf {
  readonly #cumulated: Float64Array;

  constructor(count: number, exponent: number) {
    this.#cumulated = new Float64Array(count);
    let sum = 0;
    for (let rank = 0; rank < count; rank++) {
      sum += (rank + 1) ** -exponent;
      this.#cumulated[rank] = sum;
    }
  }

  draw(random: SeededRandom): number {
    const cumulated = this.#cumulated;
    const wanted = random.next() * cumulated[cumulated.length - 1];
    let low = 0;
    let high = cumulated.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (cumulated[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The size of a key's value: the same each time, spread evenly over the logarithm of minBytes .. maxBytes. */
export function sizeOfKey(number: number, minBytes: number, maxBytes: number): number {
  const hash = Math.imul(number + 1, 0x9e3779b1) >>> 0;
  const share = (Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) >>> 0) / 2 ** 32;
  return Math.round(minBytes * (maxBytes / minBytes) ** share);
}
