// ma: adds to or subtracts from a number, and creates it if it is missing and the request says so.
import { COUNTER } from '../../store/counters.js';
import { DECIMAL64_MAX_DIGITS, writeDecimal, writeDecimal64 } from '../../store/decimal64.js';
import type { Store } from '../../store/store.js';
import { ARITH_NO_MEMORY, ARITH_NON_NUMERIC } from '../../store/store-types.js';
import { NON_NUMERIC } from '../classic/replies.js';
import type { ReplyBuffer } from '../reply-buffer.js';
import {
  BAD_ARITHMETIC_FLAG,
  BAD_ARITHMETIC_MODE,
  EX,
  HD,
  NF,
  OPAQUE_TOO_LONG,
  OUT_OF_MEMORY_META,
  OUT_OF_MEMORY_NEW_ITEM,
  VA,
} from './meta-replies.js';
import type { MetaRequest } from './meta-request.js';
import {
  LINE_MAX_BYTES,
  putBytes,
  putEcho,
  putEchoes,
  putLineEnd,
  putNumber64,
  putTtl,
} from './meta-writer.js';

/** Scratch: the number that the reply shows. */
const digits = new Uint8Array(DECIMAL64_MAX_DIGITS);
let digitCount = 0;
let isCreated = false;
let resultRef = 0;

/** `ma <key> <flag>*`. The lock is held. */
export function answerMetaArithmetic(request: MetaRequest, store: Store, reply: ReplyBuffer): void {
  const problem = request.parse(store.nowSec);
  if (problem !== undefined) {
    reply.write(problem === OPAQUE_TOO_LONG ? problem : BAD_ARITHMETIC_FLAG);
    return;
  }
  const status = calculate(request, store);
  if (status === HD) {
    writeResult(request, store, reply);
  } else if (status === NF || status === EX) {
    reply.reserve(LINE_MAX_BYTES);
    const at = putEchoes(request, reply.bytes, putBytes(status, reply.bytes, reply.length));
    reply.length = putLineEnd(reply.bytes, at);
  } else {
    reply.write(status);
  }
}

/** Returns HD, NF, EX or an error; with HD the item is there. */
function calculate(request: MetaRequest, store: Store): Uint8Array {
  const isIncrement = request.mode === 0 || request.mode === 0x49 || request.mode === 0x2b; // none, I, +
  if (!isIncrement && request.mode !== 0x44 && request.mode !== 0x2d) return BAD_ARITHMETIC_MODE; // D, -
  const { key, keyStart, keyLength, delta, ownUnique } = request;
  const ref = store.find(key, keyStart, keyLength);
  isCreated = ref === 0;
  if (isCreated) return createNumber(request, store, isIncrement);
  if (store.valueLength(ref) === 0) return NON_NUMERIC;
  if (isOtherUnique(request, store, ref)) return EX;
  const result = store.arithmetic(key, keyStart, keyLength, delta.hi, delta.lo, isIncrement);
  if (result === ARITH_NON_NUMERIC) return NON_NUMERIC;
  if (result === ARITH_NO_MEMORY) return OUT_OF_MEMORY_META;
  digitCount = writeDecimal64(store.number.hi, store.number.lo, digits, 0);
  const hasOwn = ownUnique.hi !== 0 || ownUnique.lo !== 0;
  if (hasOwn && !store.overrideUnique(key, keyStart, keyLength, ownUnique.hi, ownUnique.lo)) {
    return OUT_OF_MEMORY_META;
  }
  // It may lie elsewhere now.
  resultRef = store.find(key, keyStart, keyLength);
  return HD;
}

function createNumber(request: MetaRequest, store: Store, isIncrement: boolean): Uint8Array {
  const { key, keyStart, keyLength, vivifyExptimeSec, initial, ownUnique } = request;
  if (!request.vivifies) {
    store.counters.values[isIncrement ? COUNTER.incrMisses : COUNTER.decrMisses]++;
    return NF;
  }
  digitCount = writeDecimal64(initial.hi, initial.lo, digits, 0);
  resultRef = store.insert(
    key,
    keyStart,
    keyLength,
    0,
    vivifyExptimeSec,
    digits,
    digitCount,
    ownUnique.hi,
    ownUnique.lo,
  );
  return resultRef === 0 ? OUT_OF_MEMORY_NEW_ITEM : HD;
}

/** Whether the request compares, and the item is another one. 0 compares with nothing here. */
function isOtherUnique(request: MetaRequest, store: Store, ref: number): boolean {
  const { hi, lo } = request.unique;
  return (hi !== 0 || lo !== 0) && (store.uniqueLo(ref) !== lo || store.uniqueHi(ref) !== hi);
}

function writeResult(request: MetaRequest, store: Store, reply: ReplyBuffer): void {
  const ref = resultRef;
  let exptimeSec = isCreated ? 0 : store.exptimeSec(ref);
  reply.reserve(LINE_MAX_BYTES);
  const { bytes } = reply;
  let at = putBytes(request.wantsValue ? VA : HD, bytes, reply.length);
  if (request.wantsValue) at += writeDecimal(digitCount, bytes, at);
  for (let position = 0; position < request.flagCount; position++) {
    const letter = request.flag(position);
    switch (letter) {
      case 0x63: // c
        at = putNumber64(letter, store.uniqueHi(ref), store.uniqueLo(ref), bytes, at);
        break;
      case 0x74: // t
        at = putTtl(letter, exptimeSec, store.nowSec, bytes, at);
        break;
      case 0x54: // T
        exptimeSec = request.exptimeSec;
        break;
      case 0x4e: // N
        if (isCreated) exptimeSec = request.vivifyExptimeSec;
        break;
      default:
        at = putEcho(request, position, bytes, at);
    }
  }
  at = putLineEnd(bytes, at);
  if (request.wantsValue) {
    for (let digit = 0; digit < digitCount; digit++) bytes[at++] = digits[digit];
    at = putLineEnd(bytes, at);
  }
  if (!request.isQuiet) reply.length = at;
  if (request.touches) store.touchItem(ref, exptimeSec);
}
