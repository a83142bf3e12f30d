// How fast the sweep for expired items goes, and whether it goes at all: what lru_crawler sets, for all threads.
import type { SharedMemory } from './shared-memory.js';

const IS_DISABLED = 0;
const SLEEP_USEC = 1;
const WORDS = 2;

export class SweepPace {
  readonly #words: Uint32Array;
  /** Slots that may be looked at by now; only the thread that sweeps has any use for it. */
  #credit = 0;
  #creditedMs = 0;

  constructor(memory: SharedMemory) {
    this.#words = memory.words('sweep.pace', WORDS);
  }

  get isEnabled(): boolean {
    return this.#words[IS_DISABLED] === 0;
  }

  set isEnabled(isEnabled: boolean) {
    this.#words[IS_DISABLED] = isEnabled ? 0 : 1;
  }

  /** Microseconds for each slot, at most 1,000,000; 0 = as many as the sweep is called for. */
  get sleepUsec(): number {
    return this.#words[SLEEP_USEC];
  }

  set sleepUsec(sleepUsec: number) {
    this.#words[SLEEP_USEC] = sleepUsec;
  }

  /** How many of maxSlots may be looked at now. */
  allow(maxSlots: number, nowMs: number): number {
    if (!this.isEnabled) return 0;
    const { sleepUsec } = this;
    if (sleepUsec === 0) return maxSlots;
    this.#credit = Math.min(maxSlots, this.#credit + ((nowMs - this.#creditedMs) * 1000) / sleepUsec);
    this.#creditedMs = nowMs;
    const allowed = Math.floor(this.#credit);
    this.#credit -= allowed;
    return allowed;
  }
}
