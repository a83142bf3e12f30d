// Base64 as the meta commands use it for keys: memcached's decoder, which skips what is no digit, and the usual encoder.

const DIGITS = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', 'latin1');
const PAD = 0x3d;
const NO_DIGIT = 0xff;
/** What each byte stands for; `=` counts as 0. */
const VALUES = new Uint8Array(256).fill(NO_DIGIT);
for (let value = 0; value < DIGITS.length; value++) VALUES[DIGITS[value]] = value;
VALUES[PAD] = 0;

/**
 * Decodes source[start .. start + length) to target[0 ..), which must have room for 3/4 of it.
 * Reading ends with the first group that is padded.
 * @returns bytes written; 0 when it is not base64, or nothing
 */
export function decodeBase64(source: Uint8Array, start: number, length: number, target: Uint8Array): number {
  const end = start + length;
  let digits = 0;
  for (let at = start; at < end; at++) {
    if (VALUES[source[at]] !== NO_DIGIT) digits++;
  }
  if (digits % 4 !== 0) return 0;
  let written = 0;
  let group = 0;
  let inGroup = 0;
  let pads = 0;
  for (let at = start; at < end; at++) {
    const value = VALUES[source[at]];
    if (value === NO_DIGIT) continue;
    if (source[at] === PAD) pads++;
    group = (group << 6) | value;
    if (++inGroup < 4) continue;
    if (pads > 2) return 0;
    target[written++] = group >>> 16;
    if (pads < 2) target[written++] = group >>> 8;
    if (pads < 1) target[written++] = group;
    else break;
    group = 0;
    inGroup = 0;
  }
  return written;
}

/** Encodes source[start .. start + length) to target[at ..); returns how many bytes it wrote. */
export function encodeBase64(
  source: Uint8Array,
  start: number,
  length: number,
  target: Uint8Array,
  at: number,
): number {
  const end = start + length;
  let to = at;
  for (let from = start; from < end; from += 3) {
    const left = end - from;
    const group =
      (source[from] << 16) | ((left > 1 ? source[from + 1] : 0) << 8) | (left > 2 ? source[from + 2] : 0);
    target[to++] = DIGITS[group >>> 18];
    target[to++] = DIGITS[(group >>> 12) & 63];
    target[to++] = left > 1 ? DIGITS[(group >>> 6) & 63] : PAD;
    target[to++] = left > 2 ? DIGITS[group & 63] : PAD;
  }
  return to - at;
}
