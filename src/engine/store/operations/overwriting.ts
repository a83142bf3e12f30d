// `set` in one go, over the value of a live item: half of a set's work is waiting for the memory of the slots and page
// tables that this leaves alone.
import { CLASS_COUNTER } from '../class-counters.js';
import { COUNTER } from '../counters.js';
import type { HashIndex } from '../index.js';
import type { Accounts } from '../items/accounts.js';
import type { Items } from '../items/items.js';
import type { Liveness } from '../items/liveness.js';
import type { Reservation } from '../items/reservation.js';
import type { PrefixStats } from '../prefix-stats.js';
import { copyBytes, type Segments } from '../segments.js';
import type { StoreState } from '../store-state.js';
import type { StoreTime } from '../store-time.js';
import { WATCH_MUTATIONS, type WatchLog } from '../watch-log.js';
import type { LocalWrites } from './local-writes.js';

/** What it builds on. */
export interface OverwritingParts {
  readonly accounts: Accounts;
  readonly liveness: Liveness;
  readonly reservation: Reservation;
  readonly items: Items;
  readonly writes: LocalWrites;
}

export class Overwriting {
  readonly #segments: Segments;
  readonly #index: HashIndex;
  readonly #time: StoreTime;
  readonly #counts: Float64Array;
  readonly #prefixStats: PrefixStats;
  readonly #watchLog: WatchLog;
  readonly #accounts: Accounts;
  readonly #liveness: Liveness;
  readonly #reservation: Reservation;
  readonly #items: Items;
  readonly #writes: LocalWrites;

  constructor(state: StoreState, parts: OverwritingParts) {
    this.#segments = state.segments;
    this.#index = state.index;
    this.#time = state.time;
    this.#counts = state.counters.values;
    this.#prefixStats = state.prefixStats;
    this.#watchLog = state.watchLog;
    this.#accounts = parts.accounts;
    this.#liveness = parts.liveness;
    this.#reservation = parts.reservation;
    this.#items = parts.items;
    this.#writes = parts.writes;
  }

  /** False when nothing was done, as there is no live item whose slot is of the right size. */
  overwrite(
    bytes: Uint8Array,
    keyStart: number,
    keyLength: number,
    flags: number,
    exptimeSec: number,
    valueStart: number,
    valueLength: number,
  ): boolean {
    if (this.#prefixStats.isEnabled || this.#watchLog.isWatched(WATCH_MUTATIONS)) return false;
    if (exptimeSec !== 0 && exptimeSec <= this.#time.nowSec) return false;
    if (!this.#reservation.isAllowed(keyLength, valueLength, flags)) return false;
    const ref = this.#index.find(bytes, keyStart, keyLength, this.#index.hash(bytes, keyStart, keyLength));
    if (ref === 0 || !this.#liveness.isLive(ref) || !this.#items.mayOverwrite(ref, valueLength)) return false;
    const segments = this.#segments;
    this.#counts[COUNTER.cmdSet]++;
    this.#accounts.countOfClass(ref, CLASS_COUNTER.cmdSet);
    this.#items.overwrite(ref, flags, exptimeSec, valueLength);
    copyBytes(bytes, valueStart, valueStart + valueLength, segments.view(ref), segments.valueOffset(ref));
    this.#writes.stamp(ref);
    this.#writes.log(ref);
    return true;
  }
}
