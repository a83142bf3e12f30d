// incr and decr: a number is read from the value, changed, and written back, in its place where it fits.
import { CLASS_COUNTER } from '../class-counters.js';
import { COUNTER } from '../counters.js';
import { DECIMAL64_MAX_DIGITS, Decimal64, writeDecimal64 } from '../decimal64.js';
import type { Accounts } from '../items/accounts.js';
import { HEADER_BYTES, WORD_EXPTIME, WORD_FLAGS, WORD_VALUE_LENGTH } from '../layout.js';
import { parseNumericValue } from '../numeric-value.js';
import { copyBytes, type Segments } from '../segments.js';
import type { Slabs } from '../slabs.js';
import type { StoreState } from '../store-state.js';
import {
  ARITH_NO_MEMORY,
  ARITH_NON_NUMERIC,
  ARITH_NOT_FOUND,
  ARITH_OK,
  type ArithResult,
} from '../store-types.js';
import type { Insertion } from './insertion.js';
import type { LocalWrites } from './local-writes.js';
import type { Lookup } from './lookup.js';

/** What it builds on. */
export interface ArithmeticParts {
  readonly accounts: Accounts;
  readonly lookup: Lookup;
  readonly writes: LocalWrites;
  readonly insertion: Insertion;
}

export class Arithmetic {
  /** The result of the last successful incr or decr. */
  readonly number = new Decimal64();

  readonly #digits = new Uint8Array(DECIMAL64_MAX_DIGITS);
  readonly #segments: Segments;
  readonly #slabs: Slabs;
  readonly #counts: Float64Array;
  readonly #accounts: Accounts;
  readonly #lookup: Lookup;
  readonly #writes: LocalWrites;
  readonly #insertion: Insertion;

  constructor({ segments, slabs, counters }: StoreState, parts: ArithmeticParts) {
    this.#segments = segments;
    this.#slabs = slabs;
    this.#counts = counters.values;
    this.#accounts = parts.accounts;
    this.#lookup = parts.lookup;
    this.#writes = parts.writes;
    this.#insertion = parts.insertion;
  }

  /** incr and decr by a 64-bit delta; the result is in `number`. */
  change(
    key: Uint8Array,
    start: number,
    length: number,
    deltaHi: number,
    deltaLo: number,
    isIncrement: boolean,
  ): ArithResult {
    const segments = this.#segments;
    const ref = this.#lookup.find(key, start, length);
    if (ref === 0) {
      this.#counts[isIncrement ? COUNTER.incrMisses : COUNTER.decrMisses]++;
      return ARITH_NOT_FOUND;
    }
    const valueLength = segments.word(ref, WORD_VALUE_LENGTH);
    const valueAt = segments.valueOffset(ref);
    const view = segments.view(ref);
    if (!parseNumericValue(this.number, view, valueAt, valueLength)) return ARITH_NON_NUMERIC;
    if (isIncrement) this.number.add(deltaHi, deltaLo);
    else this.number.subtract(deltaHi, deltaLo);
    this.#counts[isIncrement ? COUNTER.incrHits : COUNTER.decrHits]++;
    this.#accounts.countOfClass(ref, isIncrement ? CLASS_COUNTER.incrHits : CLASS_COUNTER.decrHits);
    const digits = writeDecimal64(this.number.hi, this.number.lo, this.#digits, 0);
    this.#lookup.bump(ref);
    if (digits > valueLength && !this.#slotHolds(ref, length + segments.ownUniqueBytes(ref) + digits)) {
      const flags = segments.word(ref, WORD_FLAGS);
      const exptimeSec = segments.word(ref, WORD_EXPTIME);
      const stored = this.#insertion.insert(
        key,
        start,
        length,
        flags,
        exptimeSec,
        this.#digits,
        digits,
        0,
        0,
      );
      return stored === 0 ? ARITH_NO_MEMORY : ARITH_OK;
    }
    copyBytes(this.#digits, 0, digits, view, valueAt);
    // memcached keeps the length and pads with blanks.
    if (digits < valueLength) view.fill(0x20, valueAt + digits, valueAt + valueLength);
    else if (digits > valueLength) this.#accounts.resizeValue(ref, digits);
    this.#writes.renew(ref);
    return ARITH_OK;
  }

  #slotHolds(ref: number, keyAndValueBytes: number): boolean {
    return HEADER_BYTES + keyAndValueBytes <= this.#slabs.sizes[this.#slabs.classOfRef(ref)];
  }
}
