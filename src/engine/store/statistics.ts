// Figures of the whole store that no counter holds, and what `stats reset` zeroes.
import { PAGE_BYTES, STATE_LIVE, WORD_LAST_ACCESS } from './layout.js';
import type { StoreState } from './store-state.js';

export class Statistics {
  readonly #state: StoreState;

  constructor(state: StoreState) {
    this.#state = state;
  }

  /** Bytes taken so far; pages are never given back to the system. */
  get memoryUsedBytes(): number {
    return this.#state.slabs.pagesTaken * PAGE_BYTES + this.#state.tableBytes;
  }

  /** Seconds since the item that the class's hand comes to next was used; 0 when there is none near. */
  ageOfNextVictimSec(slabClass: number): number {
    const { segments, time } = this.#state;
    const ref = this.#nextVictim(slabClass);
    return ref === 0 ? 0 : Math.max(0, time.nowSec - segments.word(ref, WORD_LAST_ACCESS));
  }

  reset(): void {
    const { counters, classCounters, prefixStats, slabs } = this.#state;
    counters.reset();
    classCounters.reset();
    prefixStats.reset();
    slabs.resetEvictionCounts();
  }

  /** A live item on the page under the class's hand, the first there is; 0 when there is none. */
  #nextVictim(slabClass: number): number {
    const { segments, slabs } = this.#state;
    const page = slabs.handPage(slabClass);
    const carved = page < 0 ? 0 : slabs.carvedSlots(page);
    for (let slot = 0; slot < carved; slot++) {
      const ref = slabs.slotRef(page, slabClass, slot);
      if (segments.state(ref) === STATE_LIVE) return ref;
    }
    return 0;
  }
}
