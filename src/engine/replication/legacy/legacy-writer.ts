// Builds the bytes of one send to a legacy peer: commands one after the other in a buffer that is used again and again.

import { writeDecimal } from '../../store/decimal64.js';
import type { Store } from '../../store/store.js';
import {
  BLANK,
  COPY_END,
  CR,
  DELETE,
  FLUSH_ALL,
  KEPT_BYTES,
  LF,
  LINE_END_BYTES,
  LINE_MAX_BYTES,
  NUDGE,
  REP,
} from './wire.js';

const INITIAL_BYTES = 16_384;
/** A legacy node reads expiry times into 32 bits with a sign: what lies beyond, in 2038, lives until then. */
const EXPTIME_MAX_SEC = 0x7fff_ffff;

/** Append commands, take {@link LegacyWriter.bytes}, and {@link LegacyWriter.clear} once they have left. */
export class LegacyWriter {
  length = 0;
  #buffer = new Uint8Array(INITIAL_BYTES);

  /** What was written. Valid until the next `clear`. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
    if (this.#buffer.length > KEPT_BYTES) this.#buffer = new Uint8Array(INITIAL_BYTES);
  }

  /** The item in a slot, whole. Flags go unsigned: of the minus sign that 2.2.1 prints, 2.3.1 makes nothing. */
  item(store: Store, ref: number): void {
    const valueLength = store.valueLength(ref);
    this.#reserve(LINE_MAX_BYTES + valueLength + LINE_END_BYTES);
    this.#word(REP);
    this.#key(store, ref);
    this.#number(store.flags(ref));
    this.#number(Math.min(store.exptimeSec(ref), EXPTIME_MAX_SEC));
    this.#number(valueLength);
    this.#number(store.uniqueLo(ref));
    this.#endLine();
    store.copyValue(ref, 0, valueLength, this.#buffer, this.length);
    this.length += valueLength;
    this.#endLine();
  }

  delete(store: Store, ref: number): void {
    this.#reserve(LINE_MAX_BYTES);
    this.#word(DELETE);
    this.#key(store, ref);
    this.#endLine();
  }

  /** @param atSec Unix time; 0 = at once */
  flush(atSec: number): void {
    this.#reserve(LINE_MAX_BYTES);
    this.#word(FLUSH_ALL);
    if (atSec !== 0) this.length += writeDecimal(atSec, this.#buffer, this.length);
    this.#endLine();
  }

  copyEnd(): void {
    this.#line(COPY_END);
  }

  nudge(): void {
    this.#line(NUDGE);
  }

  #line(word: Uint8Array): void {
    this.#reserve(LINE_MAX_BYTES);
    this.#word(word);
    this.#endLine();
  }

  #word(word: Uint8Array): void {
    this.#buffer.set(word, this.length);
    this.length += word.length;
  }

  #key(store: Store, ref: number): void {
    store.copyKey(ref, this.#buffer, this.length);
    this.length += store.keyLength(ref);
  }

  /** A blank and a u32. */
  #number(value: number): void {
    this.#buffer[this.length] = BLANK;
    this.length += 1;
    this.length += writeDecimal(value, this.#buffer, this.length);
  }

  #endLine(): void {
    this.#buffer[this.length] = CR;
    this.#buffer[this.length + 1] = LF;
    this.length += LINE_END_BYTES;
  }

  #reserve(sizeBytes: number): void {
    const end = this.length + sizeBytes;
    if (end <= this.#buffer.length) return;
    // A large value comes alone: twice its size would be waste.
    const larger = new Uint8Array(Math.max(end, Math.min(this.#buffer.length * 2, KEPT_BYTES)));
    larger.set(this.#buffer.subarray(0, this.length));
    this.#buffer = larger;
  }
}
