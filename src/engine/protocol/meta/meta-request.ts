// One meta command line, taken apart: key, flags and their arguments. Reused for every line: nothing is allocated.
import { Decimal64 } from '../../store/decimal64.js';
import { absoluteExptime } from '../../store/exptime.js';
import { KEY_MAX_BYTES } from '../../store/layout.js';
import { BAD_FORMAT } from '../classic/replies.js';
import { decodeBase64 } from './base64.js';
import {
  BAD_DELTA_TOKEN,
  BAD_INITIAL,
  BAD_KEY_ENCODING,
  BAD_TOKEN,
  DUPLICATE_FLAG,
  INVALID_FLAG,
  OPAQUE_TOO_LONG,
  TOO_MANY_FLAGS,
} from './meta-replies.js';

const SPACE = 0x20;
const MINUS = 0x2d;
/** Words that are looked at, the command included; what stands behind them is not even checked. */
const KEPT_WORDS = 23;
/** The most words of a valid command. */
const WORDS_MAX = 20;
/** The word `O<opaque>`. */
const OPAQUE_WORD_MAX_BYTES = 32;
const INT32_MAX = 0x7fff_ffff;
const INT32_MAX_DIGITS = 10;
/** memcached's bound: with its line end a value's length must stay an int. */
const VALUE_LENGTH_MAX = INT32_MAX - 2;
const NOTHING = new Uint8Array(0);

const KEY_WORD = 1;
const LENGTH_WORD = 2;

/** Scratch for a number that is kept as something else. */
const number = new Decimal64();

export class MetaRequest {
  /** The key as the store has it: key[keyStart .. keyStart + keyLength). */
  key: Uint8Array = NOTHING;
  keyStart = 0;
  keyLength = 0;
  /** `b`: the key came in base64, and goes back so. */
  isBinary = false;
  /** `v` */
  wantsValue = false;
  /** `u` */
  leavesUse = false;
  /** `q` */
  isQuiet = false;
  /** `x` */
  removesValue = false;
  /** `I` */
  marksStale = false;
  /** `N` */
  vivifies = false;
  vivifyExptimeSec = 0;
  /** `T` */
  touches = false;
  exptimeSec = 0;
  /** `R`: the absolute second before which the item must expire for its reader to win. */
  recacheSec = 0;
  /** `F` */
  clientFlags = 0;
  /** `C` */
  compares = false;
  readonly unique = new Decimal64();
  /** `E`; 0/0 = not given. */
  readonly ownUnique = new Decimal64();
  /** `M`: a character's code, 0 = not given. */
  mode = 0;
  /** `J` */
  readonly initial = new Decimal64();
  /** `D` */
  readonly delta = new Decimal64();
  /** `ms`: bytes of the value. */
  valueLength = 0;

  #bytes: Uint8Array = NOTHING;
  #count = 0;
  #firstFlag = 0;
  readonly #starts = new Int32Array(KEPT_WORDS);
  readonly #ends = new Int32Array(KEPT_WORDS);
  #opaqueIsTooLong = false;
  readonly #decodedKey = new Uint8Array(KEY_MAX_BYTES);
  /** One bit for each flag letter seen. */
  readonly #seen = new Int32Array(4);

  /**
   * Splits `<command> <key> <flag>*` at bytes[start .. end), which is without its line end.
   * @returns false when it is no meta command at all
   */
  split(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#split(bytes, start, end, LENGTH_WORD);
  }

  /** The same for `ms <key> <length> <flag>*`. When it returns true a value of valueLength follows the line. */
  splitWithLength(bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.#split(bytes, start, end, LENGTH_WORD + 1) || this.#count <= LENGTH_WORD) return false;
    const length = this.#integer(LENGTH_WORD, this.#starts[LENGTH_WORD]);
    if (!(length >= 0 && length <= VALUE_LENGTH_MAX)) return false;
    this.valueLength = length;
    return true;
  }

  /** Reads key and flags. Returns the error to answer, undefined when all is well. */
  parse(nowSec: number): Uint8Array | undefined {
    this.#reset();
    if (this.keyLength > KEY_MAX_BYTES) return BAD_FORMAT;
    if (this.#count > WORDS_MAX) return TOO_MANY_FLAGS;
    let problem: Uint8Array | undefined;
    for (let word = this.#firstFlag; word < this.#count; word++) {
      const letter = this.#bytes[this.#starts[word]];
      if (this.#wasSeen(letter)) return DUPLICATE_FLAG;
      const found = this.#readFlag(letter, word, nowSec);
      if (found === INVALID_FLAG) return found;
      // The last error counts, but client flags have no word of their own.
      if (problem === undefined || found !== BAD_FORMAT) problem = found ?? problem;
    }
    return problem ?? (this.#opaqueIsTooLong ? OPAQUE_TOO_LONG : undefined);
  }

  /** The same for `me`, which looks at nothing but a `b` right behind the key. */
  parseKey(): Uint8Array | undefined {
    this.isBinary = false;
    if (this.keyLength > KEY_MAX_BYTES) return BAD_FORMAT;
    const isEncoded = this.flagCount > 0 && this.flag(0) === 0x62 && this.#length(this.#firstFlag) === 1;
    return isEncoded && this.#decodeKey() !== undefined ? BAD_FORMAT : undefined;
  }

  /** Words behind the key (and length), each of which begins with a flag's letter. */
  get flagCount(): number {
    return this.#count - this.#firstFlag;
  }

  /** The letter of a flag, in the order of the request. */
  flag(position: number): number {
    return this.#bytes[this.#starts[this.#firstFlag + position]];
  }

  /** Copies a flag with its argument to target[at ..); returns how many bytes. */
  copyFlag(position: number, target: Uint8Array, at: number): number {
    const word = this.#firstFlag + position;
    let to = at;
    for (let from = this.#starts[word]; from < this.#ends[word]; from++) target[to++] = this.#bytes[from];
    return to - at;
  }

  /** Lets go of the bytes. */
  clear(): void {
    this.#bytes = NOTHING;
    this.key = NOTHING;
  }

  #split(bytes: Uint8Array, start: number, end: number, firstFlag: number): boolean {
    this.#bytes = bytes;
    this.#firstFlag = firstFlag;
    let count = 0;
    let at = start;
    while (at < end && count < KEPT_WORDS) {
      if (bytes[at] === SPACE) {
        at++;
        continue;
      }
      if (count >= firstFlag && !mayBeginFlag(bytes[at])) return false;
      this.#starts[count] = at;
      while (at < end && bytes[at] !== SPACE) at++;
      this.#ends[count] = at;
      count++;
    }
    this.#count = count;
    if (count <= KEY_WORD) return false;
    this.key = bytes;
    this.keyStart = this.#starts[KEY_WORD];
    this.keyLength = this.#ends[KEY_WORD] - this.keyStart;
    return true;
  }

  #length(word: number): number {
    return this.#ends[word] - this.#starts[word];
  }

  #reset(): void {
    this.isBinary = false;
    this.wantsValue = false;
    this.leavesUse = false;
    this.isQuiet = false;
    this.removesValue = false;
    this.marksStale = false;
    this.vivifies = false;
    this.vivifyExptimeSec = 0;
    this.touches = false;
    this.exptimeSec = 0;
    this.recacheSec = 0;
    this.clientFlags = 0;
    this.compares = false;
    this.unique.hi = 0;
    this.unique.lo = 0;
    this.ownUnique.hi = 0;
    this.ownUnique.lo = 0;
    this.mode = 0;
    this.initial.hi = 0;
    this.initial.lo = 0;
    this.delta.hi = 0;
    this.delta.lo = 1;
    this.#opaqueIsTooLong = false;
    this.#seen.fill(0);
  }

  #wasSeen(letter: number): boolean {
    const bit = 1 << (letter & 31);
    const wasSeen = (this.#seen[letter >>> 5] & bit) !== 0;
    this.#seen[letter >>> 5] |= bit;
    return wasSeen;
  }

  /** Reads one flag; every letter of every meta command means the same in all of them. */
  #readFlag(letter: number, word: number, nowSec: number): Uint8Array | undefined {
    switch (letter) {
      case 0x62: // b
        return this.#decodeKey();
      case 0x76: // v
        this.wantsValue = true;
        return undefined;
      case 0x75: // u
        this.leavesUse = true;
        return undefined;
      case 0x71: // q
        this.isQuiet = true;
        return undefined;
      case 0x78: // x
        this.removesValue = true;
        return undefined;
      case 0x49: // I
        this.marksStale = true;
        return undefined;
      case 0x4d: // M
        this.mode = this.#length(word) > 1 ? this.#bytes[this.#starts[word] + 1] : SPACE;
        return undefined;
      case 0x4f: // O
        this.#opaqueIsTooLong = this.#length(word) > OPAQUE_WORD_MAX_BYTES;
        return undefined;
      case 0x54: // T
      case 0x4e: // N
      case 0x52: // R
        return this.#readTime(letter, word, nowSec);
      case 0x46: // F
      case 0x43: // C
      case 0x45: // E
      case 0x4a: // J
      case 0x44: // D
        return this.#readNumber(letter, word);
      case 0x63: // c
      case 0x66: // f
      case 0x68: // h
      case 0x6b: // k
      case 0x6c: // l
      case 0x73: // s
      case 0x74: // t
      case 0x4c: // L and P are for proxies, which may leave them in
      case 0x50:
        return undefined;
      default:
        return INVALID_FLAG;
    }
  }

  #readTime(letter: number, word: number, nowSec: number): Uint8Array | undefined {
    const seconds = this.#integer(word, this.#starts[word] + 1);
    if (Number.isNaN(seconds)) return BAD_TOKEN;
    const exptimeSec = absoluteExptime(seconds, nowSec);
    if (letter === 0x54) {
      this.touches = true;
      this.exptimeSec = exptimeSec;
    } else if (letter === 0x4e) {
      this.vivifies = true;
      this.vivifyExptimeSec = exptimeSec;
    } else {
      this.recacheSec = exptimeSec;
    }
    return undefined;
  }

  #readNumber(letter: number, word: number): Uint8Array | undefined {
    const start = this.#starts[word] + 1;
    const end = this.#ends[word];
    switch (letter) {
      case 0x43:
        this.compares = true;
        return this.unique.parse(this.#bytes, start, end) ? undefined : BAD_TOKEN;
      case 0x45:
        return this.ownUnique.parse(this.#bytes, start, end) ? undefined : BAD_TOKEN;
      case 0x4a:
        return this.initial.parse(this.#bytes, start, end) ? undefined : BAD_INITIAL;
      case 0x44:
        return this.delta.parse(this.#bytes, start, end) ? undefined : BAD_DELTA_TOKEN;
      default:
        if (!number.parse(this.#bytes, start, end) || number.hi !== 0) return BAD_FORMAT;
        this.clientFlags = number.lo;
        return undefined;
    }
  }

  #decodeKey(): Uint8Array | undefined {
    const length = decodeBase64(this.key, this.keyStart, this.keyLength, this.#decodedKey);
    if (length === 0) return BAD_KEY_ENCODING;
    this.key = this.#decodedKey;
    this.keyStart = 0;
    this.keyLength = length;
    this.isBinary = true;
    return undefined;
  }

  /** The signed 32-bit number from bytes[start] to the end of the word; NaN when it is none. */
  #integer(word: number, start: number): number {
    const end = this.#ends[word];
    const isNegative = start < end && this.#bytes[start] === MINUS;
    const first = isNegative ? start + 1 : start;
    if (first === end || end - first > INT32_MAX_DIGITS + 1) return Number.NaN;
    let value = 0;
    for (let at = first; at < end; at++) {
      const digit = this.#bytes[at] - 0x30;
      if (digit < 0 || digit > 9) return Number.NaN;
      value = value * 10 + digit;
    }
    if (value > INT32_MAX + (isNegative ? 1 : 0)) return Number.NaN;
    return isNegative ? -value : value;
  }
}

/** A letter or one of the signs between Z and a, or a digit: anything else is not taken for a meta command. */
function mayBeginFlag(byte: number): boolean {
  return (byte > 0x40 && byte < 0x7b) || (byte >= 0x30 && byte <= 0x39);
}
