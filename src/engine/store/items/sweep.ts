// Freeing what is dead before anybody asks for it: a walk over all slots, a portion at a time.
import { CLASS_COUNTER } from '../class-counters.js';
import { COUNTER } from '../counters.js';
import { STATE_LIVE, STATE_TOMBSTONE } from '../layout.js';
import type { Segments } from '../segments.js';
import type { StoreState } from '../store-state.js';
import type { Accounts } from './accounts.js';
import { ArenaHand } from './arena-hand.js';
import type { Departures } from './departures.js';
import type { Liveness } from './liveness.js';

export class Sweep {
  readonly #segments: Segments;
  readonly #counts: Float64Array;
  readonly #accounts: Accounts;
  readonly #liveness: Liveness;
  readonly #departures: Departures;
  readonly #hand: ArenaHand;

  constructor(state: StoreState, accounts: Accounts, liveness: Liveness, departures: Departures) {
    this.#segments = state.segments;
    this.#counts = state.counters.values;
    this.#accounts = accounts;
    this.#liveness = liveness;
    this.#departures = departures;
    this.#hand = new ArenaHand(state.memory, 'sweep.hand', state.slabs);
  }

  /** Begins again with the first slot. */
  restart(): void {
    this.#hand.moveTo(0);
  }

  /** Looks at the next maxSlots slots of the arena and frees what is dead there. Returns how many it freed. */
  run(maxSlots: number): number {
    let freed = 0;
    for (let looked = 0; looked < maxSlots; looked++) {
      const ref = this.#hand.next();
      if (ref === 0) continue;
      const state = this.#segments.state(ref);
      if (state === STATE_LIVE) {
        this.#accounts.countOfClass(ref, CLASS_COUNTER.crawlerItemsChecked);
        if (!this.#liveness.isDead(ref)) continue;
        this.#accounts.countOfClass(ref, CLASS_COUNTER.crawlerReclaimed);
        if (this.#departures.reclaim(ref)) freed++;
      } else if (state === STATE_TOMBSTONE && this.#liveness.isFlushed(ref)) {
        this.#departures.drop(ref);
        freed++;
      }
    }
    this.#counts[COUNTER.reclaimed] += freed;
    return freed;
  }
}
