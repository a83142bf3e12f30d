// Unsigned 64-bit numbers in decimal, as two u32: parsing, printing, adding. No BigInt, no strings, no allocation.

const TWO_32 = 0x1_0000_0000;
const BILLION = 1_000_000_000;
export const DECIMAL64_MAX_DIGITS = 20;

/** A register: what parse() found and what add() and subtract() work on. */
export class Decimal64 {
  hi = 0;
  lo = 0;

  /** Takes bytes[start .. end) if it is all digits and below 2^64. */
  parse(bytes: Uint8Array, start: number, end: number): boolean {
    let first = start;
    while (first < end - 1 && bytes[first] === 0x30) first++;
    const digits = end - first;
    if (digits < 1 || digits > DECIMAL64_MAX_DIGITS) return false;
    // The upper digits (at most 11) and the last nine: each half is exact in a double.
    const split = digits > 9 ? end - 9 : first;
    let upper = 0;
    for (let at = first; at < split; at++) {
      const digit = bytes[at] - 0x30;
      if (digit < 0 || digit > 9) return false;
      upper = upper * 10 + digit;
    }
    let lower = 0;
    for (let at = split; at < end; at++) {
      const digit = bytes[at] - 0x30;
      if (digit < 0 || digit > 9) return false;
      lower = lower * 10 + digit;
    }
    // upper * 10^9 + lower, with upper cut at 16 bits so that no product passes 2^53.
    const upperHigh = Math.floor(upper / 0x1_0000) * BILLION;
    const low48 = (upperHigh % 0x1_0000) * 0x1_0000 + (upper % 0x1_0000) * BILLION + lower;
    const hi = Math.floor(upperHigh / 0x1_0000) + Math.floor(low48 / TWO_32);
    if (hi >= TWO_32) return false;
    this.hi = hi;
    this.lo = low48 >>> 0;
    return true;
  }

  /** Adds, wrapping at 2^64. */
  add(hi: number, lo: number): void {
    const sum = this.lo + lo;
    this.lo = sum >>> 0;
    this.hi = (this.hi + hi + (sum >= TWO_32 ? 1 : 0)) >>> 0;
  }

  /** Subtracts, stopping at 0. */
  subtract(hi: number, lo: number): void {
    if (this.hi < hi || (this.hi === hi && this.lo <= lo)) {
      this.hi = 0;
      this.lo = 0;
      return;
    }
    const borrow = this.lo < lo ? 1 : 0;
    this.lo = (this.lo - lo) >>> 0;
    this.hi = this.hi - hi - borrow;
  }
}

/** Writes the number in decimal at bytes[start]; returns how many digits (at most 20, which must fit). */
export function writeDecimal64(hi: number, lo: number, bytes: Uint8Array, start: number): number {
  if (hi === 0) return writeDecimal(lo, bytes, start);
  // Divide by 10^9 in steps of 16 bits: the quotient has at most 11 digits, the rest exactly nine places.
  const upper = hi % BILLION;
  const middle = upper * 0x1_0000 + (lo >>> 16);
  const lower = (middle % BILLION) * 0x1_0000 + (lo & 0xffff);
  const quotient =
    Math.floor(hi / BILLION) * TWO_32 + Math.floor(middle / BILLION) * 0x1_0000 + Math.floor(lower / BILLION);
  const digits = writeDecimal(quotient, bytes, start);
  let rest = lower % BILLION;
  for (let at = start + digits + 8; at >= start + digits; at--) {
    const tenth = Math.floor(rest / 10);
    bytes[at] = 0x30 + (rest - tenth * 10);
    rest = tenth;
  }
  return digits + 9;
}

/** Writes a non-negative safe integer in decimal at bytes[start]; returns how many digits. */
export function writeDecimal(value: number, bytes: Uint8Array, start: number): number {
  let digits = 1;
  for (let bound = 10; value >= bound; bound *= 10) digits++;
  let rest = value;
  for (let at = start + digits - 1; at >= start; at--) {
    const tenth = Math.floor(rest / 10);
    bytes[at] = 0x30 + (rest - tenth * 10);
    rest = tenth;
  }
  return digits;
}
