// Dialling the peer: one attempt at a time, and none too soon after one that failed.

import { Backoff } from './backoff.js';

export class Dialing {
  readonly #backoff: Backoff;
  #isUnderWay = false;
  #nextMs = 0;

  /** @param random in [0, 1) */
  constructor(random: () => number) {
    this.#backoff = new Backoff(random);
  }

  /** Whether an attempt is due. It counts as under way until `ended`. */
  begin(nowMs: number): boolean {
    if (this.#isUnderWay || nowMs < this.#nextMs) return false;
    this.#isUnderWay = true;
    return true;
  }

  /** There is a connection now, or there will be none. */
  ended(): void {
    this.#isUnderWay = false;
  }

  /** It failed, or the link did: the next attempt comes later each time. */
  putOff(nowMs: number): void {
    this.#nextMs = nowMs + this.#backoff.next();
  }

  /** The link worked: the next failure is a first one. */
  linkWorked(): void {
    this.#backoff.reset();
  }
}
