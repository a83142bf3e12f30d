// Cuts the bytes of a legacy peer into its commands, however they were split on the way.

import { EXPTIME_PAST } from '../../store/exptime.js';
import { KEY_MAX_BYTES } from '../../store/layout.js';
import { MAX_ITEM_BYTES } from '../../store/store-types.js';
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

const INITIAL_CARRY_BYTES = 512;
const MIN_I32 = -0x8000_0000;
const MAX_U32 = 0xffff_ffff;
/** A u64 has no more. */
const DIGITS_MAX = 20;

/** Takes whole commands. Keys and values lie in `bytes` and are gone after the call. */
export interface LegacySink {
  item(
    bytes: Uint8Array,
    keyStart: number,
    keyLength: number,
    valueStart: number,
    valueLength: number,
    flags: number,
    exptimeSec: number,
  ): void;
  /** An item with a value above the decoder's bound, which is passed over. */
  largeItem(bytes: Uint8Array, keyStart: number, keyLength: number): void;
  delete(bytes: Uint8Array, keyStart: number, keyLength: number): void;
  /** @param atSec Unix time; 0 = at once */
  flush(atSec: number): void;
  copyEnd(): void;
  nudge(): void;
}

/** The peer broke the protocol here: what must be said of it. */
export type LegacyFault = string | null;

const NO_COMMAND: LegacyFault = 'the peer sent a line that is no command of the legacy protocol';
const BAD_NUMBERS: LegacyFault = 'the peer sent an item with impossible numbers';
const NO_LINE_END: LegacyFault = 'the peer sent a value of another length than it said';

const INCOMPLETE = -1;
const BROKEN = -2;

/**
 * A command that lies whole in what came in is handed on from there, without a copy. Only one that is cut off at the
 * end is kept, in a buffer that grows with what has really arrived and never past the longest command allowed.
 */
export class LegacyDecoder {
  readonly #maxValueBytes: number;
  #carry = new Uint8Array(INITIAL_CARRY_BYTES);
  #carryLength = 0;
  /** How long the command in `#carry` will be; 0 while its line is not whole. */
  #wantedBytes = 0;
  /** What is left of a value that is passed over, its line end included. */
  #skipBytes = 0;
  #fault: LegacyFault = null;
  /** Where the word that was read last ends. */
  #cursor = 0;

  constructor(maxValueBytes: number) {
    this.#maxValueBytes = maxValueBytes;
  }

  /** @returns why the link must be closed; null: all is well */
  feed(bytes: Uint8Array, sink: LegacySink): LegacyFault {
    let at = this.#carryLength > 0 ? this.#complete(bytes, sink) : 0;
    while (at >= 0 && at < bytes.length) {
      if (this.#skipBytes > 0) {
        at = this.#skip(bytes, at);
        continue;
      }
      const next = this.#take(bytes, at, bytes.length, sink);
      if (next === INCOMPLETE) this.#keep(bytes, at, bytes.length);
      at = next;
    }
    return at === BROKEN ? this.#fault : null;
  }

  /** Fills up the command that was cut off. Returns how much of `bytes` that took, or a negative verdict. */
  #complete(bytes: Uint8Array, sink: LegacySink): number {
    let at = 0;
    while (at < bytes.length) {
      const end = this.#wantedBytes > 0 ? this.#valueEnd(bytes, at) : lineEnd(bytes, at, bytes.length);
      this.#keep(bytes, at, end);
      at = end;
      if (this.#carryLength < this.#wantedBytes) return at;
      const taken = this.#take(this.#carry, 0, this.#carryLength, sink);
      if (taken === BROKEN) return BROKEN;
      if (taken === INCOMPLETE) continue;
      this.#carryLength = 0;
      this.#wantedBytes = 0;
      if (this.#carry.length > KEPT_BYTES) this.#carry = new Uint8Array(INITIAL_CARRY_BYTES);
      return at;
    }
    return at;
  }

  #valueEnd(bytes: Uint8Array, at: number): number {
    return Math.min(bytes.length, at + this.#wantedBytes - this.#carryLength);
  }

  /** Takes the command at `at`. Returns where the next one begins, or a negative verdict. */
  #take(bytes: Uint8Array, at: number, end: number, sink: LegacySink): number {
    const next = lineEnd(bytes, at, end);
    if (bytes[next - 1] !== LF) {
      return next - at >= LINE_MAX_BYTES ? this.#break(NO_COMMAND) : INCOMPLETE;
    }
    const last = next - at >= LINE_END_BYTES && bytes[next - 2] === CR ? next - LINE_END_BYTES : next - 1;
    if (startsWith(bytes, at, last, REP)) return this.#takeItem(bytes, at, last, next, end, sink);
    if (startsWith(bytes, at, last, DELETE)) return this.#takeDelete(bytes, at, last, next, sink);
    if (startsWith(bytes, at, last, FLUSH_ALL)) return this.#takeFlush(bytes, at, last, next, sink);
    if (equals(bytes, at, last, COPY_END)) sink.copyEnd();
    else if (equals(bytes, at, last, NUDGE)) sink.nudge();
    else return this.#break(NO_COMMAND);
    return next;
  }

  #takeItem(
    bytes: Uint8Array,
    at: number,
    last: number,
    valueStart: number,
    end: number,
    sink: LegacySink,
  ): number {
    const keyStart = at + REP.length;
    const keyLength = keyLengthAt(bytes, keyStart, last);
    if (keyLength === 0) return this.#break(NO_COMMAND);
    this.#cursor = keyStart + keyLength;
    const flags = this.#number(bytes, last);
    const exptimeSec = this.#number(bytes, last);
    const valueLength = this.#number(bytes, last);
    const unique = this.#number(bytes, last);
    const isSound =
      flags >= MIN_I32 &&
      flags <= MAX_U32 &&
      exptimeSec <= MAX_U32 &&
      valueLength >= 0 &&
      valueLength <= MAX_ITEM_BYTES &&
      unique >= 0 &&
      this.#cursor === last;
    if (!isSound) return this.#break(BAD_NUMBERS);
    const next = valueStart + valueLength + LINE_END_BYTES;
    if (valueLength > this.#maxValueBytes) {
      sink.largeItem(bytes, keyStart, keyLength);
      this.#skipBytes = valueLength + LINE_END_BYTES;
      return valueStart;
    }
    if (next > end) {
      this.#wantedBytes = next - at;
      return INCOMPLETE;
    }
    // A legacy node can lose its place in what it sends: then this is what tells, before the store has the value.
    if (bytes[next - 2] !== CR || bytes[next - 1] !== LF) return this.#break(NO_LINE_END);
    // It prints flags above 2147483647 as negative numbers.
    sink.item(
      bytes,
      keyStart,
      keyLength,
      valueStart,
      valueLength,
      flags >>> 0,
      exptimeSec < 0 ? EXPTIME_PAST : exptimeSec,
    );
    return next;
  }

  #takeDelete(bytes: Uint8Array, at: number, last: number, next: number, sink: LegacySink): number {
    const keyStart = at + DELETE.length;
    const keyLength = keyLengthAt(bytes, keyStart, last);
    this.#cursor = keyStart + keyLength;
    const hasTime = this.#cursor < last;
    if (keyLength === 0 || (hasTime && Number.isNaN(this.#number(bytes, last))))
      return this.#break(NO_COMMAND);
    if (this.#cursor !== last) return this.#break(NO_COMMAND);
    // Until that time a legacy node refuses `add` of the key; here, as in memcached since 1.4, it is gone at once.
    sink.delete(bytes, keyStart, keyLength);
    return next;
  }

  #takeFlush(bytes: Uint8Array, at: number, last: number, next: number, sink: LegacySink): number {
    this.#cursor = at + FLUSH_ALL.length - 1;
    const isNow = this.#cursor + 1 === last;
    const atSec = isNow ? 0 : this.#number(bytes, last);
    if (!(atSec >= 0 && atSec <= MAX_U32) || (!isNow && this.#cursor !== last))
      return this.#break(NO_COMMAND);
    sink.flush(atSec);
    return next;
  }

  /** Reads a blank and a decimal number at the cursor. NaN if there is none. */
  #number(bytes: Uint8Array, last: number): number {
    let at = this.#cursor;
    if (at >= last || bytes[at] !== BLANK) return Number.NaN;
    at += 1;
    const isNegative = at < last && bytes[at] === 0x2d;
    if (isNegative) at += 1;
    const digitsStart = at;
    let number = 0;
    for (; at < last; at++) {
      const digit = bytes[at] - 0x30;
      if (digit < 0 || digit > 9) break;
      number = number * 10 + digit;
    }
    this.#cursor = at;
    if (at === digitsStart || at - digitsStart > DIGITS_MAX) return Number.NaN;
    return isNegative ? -number : number;
  }

  /** Passes over some of a value. Returns where it stopped, or BROKEN. */
  #skip(bytes: Uint8Array, start: number): number {
    const end = Math.min(bytes.length, start + this.#skipBytes);
    const left = this.#skipBytes - (end - start);
    // The last two bytes of it are the line end; either or both may have come now.
    if (left < 2 && end - start >= 2 - left && bytes[end - 2 + left] !== CR) return this.#break(NO_LINE_END);
    if (left === 0 && bytes[end - 1] !== LF) return this.#break(NO_LINE_END);
    this.#skipBytes = left;
    return end;
  }

  #break(fault: LegacyFault): typeof BROKEN {
    this.#fault = fault;
    return BROKEN;
  }

  #keep(bytes: Uint8Array, start: number, end: number): void {
    const length = this.#carryLength + (end - start);
    if (length > this.#carry.length) {
      const atMost = this.#wantedBytes > 0 ? this.#wantedBytes : LINE_MAX_BYTES;
      const larger = new Uint8Array(Math.max(length, Math.min(this.#carry.length * 2, atMost)));
      larger.set(this.#carry.subarray(0, this.#carryLength));
      this.#carry = larger;
    }
    this.#carry.set(bytes.subarray(start, end), this.#carryLength);
    this.#carryLength = length;
  }
}

/** Behind the line end, or as far as a line may go without one. */
function lineEnd(bytes: Uint8Array, start: number, end: number): number {
  const bound = Math.min(end, start + LINE_MAX_BYTES);
  for (let at = start; at < bound; at++) if (bytes[at] === LF) return at + 1;
  return bound;
}

/** Length of the word at `start`; 0 if it can be no key. */
function keyLengthAt(bytes: Uint8Array, start: number, last: number): number {
  let end = start;
  while (end < last && bytes[end] !== BLANK) end += 1;
  return end - start <= KEY_MAX_BYTES ? end - start : 0;
}

function startsWith(bytes: Uint8Array, at: number, last: number, word: Uint8Array): boolean {
  if (last - at < word.length) return false;
  for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word[i]) return false;
  return true;
}

function equals(bytes: Uint8Array, at: number, last: number, word: Uint8Array): boolean {
  return last - at === word.length && startsWith(bytes, at, last, word);
}
