// What incr and decr take for a number: strtoull's idea of one, as memcached uses it, within 20 characters.
import { DECIMAL64_MAX_DIGITS, type Decimal64 } from './decimal64.js';

const PLUS = 0x2b;
const SPACE = 0x20;

/** Reads a stored value: blanks, an optional plus, digits, then nothing or a blank and whatever follows it. */
export function parseNumericValue(
  number: Decimal64,
  bytes: Uint8Array,
  start: number,
  length: number,
): boolean {
  if (length > DECIMAL64_MAX_DIGITS) return false;
  const end = start + length;
  let first = start;
  while (first < end && isBlank(bytes[first])) first++;
  if (bytes[first] === PLUS && first < end) first++;
  let last = first;
  while (last < end && bytes[last] >= 0x30 && bytes[last] <= 0x39) last++;
  if (last < end && !isBlank(bytes[last]) && bytes[last] !== 0) return false;
  return number.parse(bytes, first, last);
}

function isBlank(byte: number): boolean {
  return byte === SPACE || (byte >= 9 && byte <= 13);
}
