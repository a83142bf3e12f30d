// Pieces of a meta reply's first line, written to target[at ..). Each returns where it stopped.
import { writeDecimal, writeDecimal64 } from '../../store/decimal64.js';
import { encodeBase64 } from './base64.js';
import type { MetaRequest } from './meta-request.js';

const SPACE = 0x20;
const CR = 0x0d;
const LF = 0x0a;
const MINUS = 0x2d;
const LETTER_K = 0x6b;
const LETTER_B = 0x62;
const LETTER_O = 0x4f;

/** No first line is longer: a status, a key in base64, an opaque, and at most 18 numbers of 20 digits. */
export const LINE_MAX_BYTES = 1024;

export function putBytes(bytes: Uint8Array, target: Uint8Array, at: number): number {
  let to = at;
  for (let from = 0; from < bytes.length; from++) target[to++] = bytes[from];
  return to;
}

/** A flag without an argument. */
export function putLetter(letter: number, target: Uint8Array, at: number): number {
  target[at] = SPACE;
  target[at + 1] = letter;
  return at + 2;
}

export function putNumber(letter: number, value: number, target: Uint8Array, at: number): number {
  const to = putLetter(letter, target, at);
  return to + writeDecimal(value, target, to);
}

export function putNumber64(letter: number, hi: number, lo: number, target: Uint8Array, at: number): number {
  const to = putLetter(letter, target, at);
  return to + writeDecimal64(hi, lo, target, to);
}

/** Seconds until an absolute time; -1 = it never comes (0). */
export function putTtl(
  letter: number,
  exptimeSec: number,
  nowSec: number,
  target: Uint8Array,
  at: number,
): number {
  if (exptimeSec !== 0) return putNumber(letter, Math.max(0, exptimeSec - nowSec), target, at);
  const to = putLetter(letter, target, at);
  target[to] = MINUS;
  target[to + 1] = 0x31;
  return to + 2;
}

/** `k`: the key in the form in which it was asked for. */
export function putKey(
  key: Uint8Array,
  start: number,
  length: number,
  isBinary: boolean,
  target: Uint8Array,
  at: number,
): number {
  let to = putLetter(LETTER_K, target, at);
  if (isBinary) {
    to += encodeBase64(key, start, length, target, to);
    return putLetter(LETTER_B, target, to);
  }
  for (let from = start; from < start + length; from++) target[to++] = key[from];
  return to;
}

/** What every reply gives back, whatever came of the request: opaque and key, in the order of the request. */
export function putEchoes(request: MetaRequest, target: Uint8Array, at: number): number {
  let to = at;
  for (let position = 0; position < request.flagCount; position++) {
    to = putEcho(request, position, target, to);
  }
  return to;
}

/** The same for one flag; any but opaque and key adds nothing. */
export function putEcho(request: MetaRequest, position: number, target: Uint8Array, at: number): number {
  const letter = request.flag(position);
  if (letter === LETTER_O) {
    target[at] = SPACE;
    return at + 1 + request.copyFlag(position, target, at + 1);
  }
  if (letter !== LETTER_K) return at;
  return putKey(request.key, request.keyStart, request.keyLength, request.isBinary, target, at);
}

export function putLineEnd(target: Uint8Array, at: number): number {
  target[at] = CR;
  target[at + 1] = LF;
  return at + 2;
}
