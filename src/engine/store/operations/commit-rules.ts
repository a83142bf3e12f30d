// Whether a mode of commit() lets an item be stored over the one that is there.
import { CLASS_COUNTER } from '../class-counters.js';
import { COUNTER } from '../counters.js';
import type { Accounts } from '../items/accounts.js';
import type { Segments } from '../segments.js';
import type { StoreState } from '../store-state.js';
import {
  EXISTS,
  MODE_ADD,
  MODE_APPEND,
  MODE_APPEND_OR_ADD,
  MODE_CAS,
  MODE_CAS_OR_STALE,
  MODE_PREPEND,
  MODE_PREPEND_OR_ADD,
  MODE_REPLACE,
  NOT_FOUND,
  NOT_STORED,
  STORED,
  type StoreMode,
  type StoreResult,
} from '../store-types.js';
import { compareVersions } from '../version.js';
import type { Lookup } from './lookup.js';

export class CommitRules {
  readonly #segments: Segments;
  readonly #counts: Float64Array;
  readonly #accounts: Accounts;
  readonly #lookup: Lookup;

  constructor({ segments, counters }: StoreState, accounts: Accounts, lookup: Lookup) {
    this.#segments = segments;
    this.#counts = counters.values;
    this.#accounts = accounts;
    this.#lookup = lookup;
  }

  /** STORED when the item may be stored over the live one (0 = there is none), else the command's result. */
  judge(live: number, mode: StoreMode, uniqueHi: number, uniqueLo: number): StoreResult {
    switch (mode) {
      case MODE_ADD:
        if (live === 0) return STORED;
        this.#lookup.bump(live);
        return NOT_STORED;
      case MODE_REPLACE:
        return live === 0 ? NOT_STORED : STORED;
      case MODE_APPEND:
      case MODE_PREPEND:
        if (live === 0) return NOT_STORED;
        return this.#mayAppend(live, uniqueHi, uniqueLo) ? STORED : EXISTS;
      case MODE_APPEND_OR_ADD:
      case MODE_PREPEND_OR_ADD:
        return live === 0 || this.#mayAppend(live, uniqueHi, uniqueLo) ? STORED : EXISTS;
      case MODE_CAS:
      case MODE_CAS_OR_STALE:
        return this.#judgeCas(live, mode === MODE_CAS_OR_STALE, uniqueHi, uniqueLo);
      default:
        return STORED;
    }
  }

  /** Whether this is the item's unique. */
  isUniqueOf(ref: number, hi: number, lo: number): boolean {
    return this.#segments.uniqueLo(ref) === lo && this.#segments.uniqueHi(ref) === hi;
  }

  #mayAppend(live: number, uniqueHi: number, uniqueLo: number): boolean {
    return (uniqueHi === 0 && uniqueLo === 0) || this.isUniqueOf(live, uniqueHi, uniqueLo);
  }

  #judgeCas(live: number, allowOlder: boolean, uniqueHi: number, uniqueLo: number): StoreResult {
    const counts = this.#counts;
    const segments = this.#segments;
    if (live === 0) {
      counts[COUNTER.casMisses]++;
      return NOT_FOUND;
    }
    const isGiven = uniqueHi !== 0 || uniqueLo !== 0;
    const order = compareVersions(uniqueHi, uniqueLo, segments.uniqueHi(live), segments.uniqueLo(live));
    const isHit = isGiven && (order === 0 || (allowOlder && order < 0));
    counts[isHit ? COUNTER.casHits : COUNTER.casBadval]++;
    this.#accounts.countOfClass(live, isHit ? CLASS_COUNTER.casHits : CLASS_COUNTER.casBadval);
    return isHit ? STORED : EXISTS;
  }
}
