// Values that prove themselves whole: records of length, checksum and bytes, one after the other (append adds one).
import type { Random } from '../simulation/random.js';

const HEADER_BYTES = 8;
const SIZES_BYTES = [0, 40, 100, 1000, 10_000];

/** One record of a random size, at most maxBytes. */
export function makeValue(random: Random, maxBytes: number): Buffer {
  const payloadBytes = Math.min(random.int(0, 2 * random.pick(SIZES_BYTES)), maxBytes - HEADER_BYTES);
  const value = Buffer.alloc(HEADER_BYTES + payloadBytes);
  let state = random.int(1, 0x7fff_ffff);
  for (let at = HEADER_BYTES; at < value.length; at++) {
    state = Math.imul(state, 1_103_515_245) + 12_345;
    value[at] = state >>> 16;
  }
  value.writeUInt32LE(payloadBytes, 0);
  value.writeUInt32LE(checksum(value, HEADER_BYTES, value.length), 4);
  return value;
}

/** Whether these bytes are one or more whole records. */
export function isSound(value: Buffer): boolean {
  let at = 0;
  while (at + HEADER_BYTES <= value.length) {
    const end = at + HEADER_BYTES + value.readUInt32LE(at);
    if (end > value.length || value.readUInt32LE(at + 4) !== checksum(value, at + HEADER_BYTES, end))
      return false;
    at = end;
  }
  return at === value.length && at > 0;
}

/** FNV-1a. */
function checksum(bytes: Buffer, start: number, end: number): number {
  let sum = 0x811c_9dc5;
  for (let at = start; at < end; at++) sum = Math.imul(sum ^ bytes[at], 0x0100_0193);
  return sum >>> 0;
}
