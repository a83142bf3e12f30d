// New expiry times for items that stay what they are.
import { CLASS_COUNTER } from '../class-counters.js';
import { COUNTER } from '../counters.js';
import type { Accounts } from '../items/accounts.js';
import { BYTE_TOUCH_SEQ, TOUCH_SEQ_MAX, WORD_EXPTIME } from '../layout.js';
import type { Segments } from '../segments.js';
import type { StoreState } from '../store-state.js';
import type { StoreTime } from '../store-time.js';
import type { Deletion } from './deletion.js';
import type { LocalWrites } from './local-writes.js';
import type { Lookup } from './lookup.js';

/** What it builds on. */
export interface TouchingParts {
  readonly accounts: Accounts;
  readonly lookup: Lookup;
  readonly writes: LocalWrites;
  readonly deletion: Deletion;
}

export class Touching {
  readonly #segments: Segments;
  readonly #time: StoreTime;
  readonly #counts: Float64Array;
  readonly #accounts: Accounts;
  readonly #lookup: Lookup;
  readonly #writes: LocalWrites;
  readonly #deletion: Deletion;

  constructor({ segments, time, counters }: StoreState, parts: TouchingParts) {
    this.#segments = segments;
    this.#time = time;
    this.#counts = counters.values;
    this.#accounts = parts.accounts;
    this.#lookup = parts.lookup;
    this.#writes = parts.writes;
    this.#deletion = parts.deletion;
  }

  /** `touch`: whether there was something to touch. exptimeSec is absolute. */
  touch(key: Uint8Array, start: number, length: number, exptimeSec: number): boolean {
    this.#counts[COUNTER.cmdTouch]++;
    const ref = this.#lookup.find(key, start, length);
    this.#counts[ref === 0 ? COUNTER.touchMisses : COUNTER.touchHits]++;
    if (ref === 0) return false;
    this.#accounts.countOfClass(ref, CLASS_COUNTER.touchHits);
    this.#lookup.use(ref);
    this.touchItem(ref, exptimeSec);
    return true;
  }

  /** Gives a live item a new expiry time; one that has passed deletes it. The version stays, as the CAS unique must. */
  touchItem(ref: number, exptimeSec: number): void {
    if (exptimeSec !== 0 && exptimeSec <= this.#time.nowSec) {
      this.#deletion.removeItem(ref);
      return;
    }
    const segments = this.#segments;
    segments.setWord(ref, WORD_EXPTIME, exptimeSec);
    const touchSeq = segments.byte(ref, BYTE_TOUCH_SEQ);
    if (touchSeq === TOUCH_SEQ_MAX) this.#writes.stamp(ref);
    else segments.setByte(ref, BYTE_TOUCH_SEQ, touchSeq + 1);
    this.#writes.log(ref);
  }
}
