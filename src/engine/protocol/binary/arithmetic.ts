// increment, decrement and their quiet forms: a 64-bit delta, and a first value for a key that is not there.
import { DECIMAL64_MAX_DIGITS, writeDecimal64 } from '../../store/decimal64.js';
import { absoluteExptime } from '../../store/exptime.js';
import type { Store } from '../../store/store.js';
import { ARITH_NO_MEMORY, ARITH_NON_NUMERIC, ARITH_NOT_FOUND } from '../../store/store-types.js';
import type { ReplyBuffer } from '../reply-buffer.js';
import {
  NO_MEMORY_NEW_NUMBER,
  NO_MEMORY_NUMBER,
  writeError,
  writeHeader,
  writeU32,
  writeValue,
} from './replies.js';
import type { Request } from './request.js';
import {
  OP_INCREMENT,
  STATUS_EXISTS,
  STATUS_NO_MEMORY,
  STATUS_NON_NUMERIC,
  STATUS_NOT_FOUND,
  STATUS_OK,
} from './wire.js';

/** Where the extras have what: two numbers of 64 bits and one of 32. */
const DELTA = 0;
const INITIAL = 8;
const EXPTIME = 16;
/** This expiry time asks for an error rather than a first value. */
const DO_NOT_CREATE = 0xffff_ffff;
const NUMBER_BYTES = 8;

/** Scratch; nothing of it outlives a call. */
const digits = new Uint8Array(DECIMAL64_MAX_DIGITS);

export function answerArithmetic(request: Request, store: Store, reply: ReplyBuffer): void {
  const { bytes, keyStart, keyLength } = request;
  if (request.hasUnique && hasOtherUnique(request, store)) {
    writeError(reply, request, STATUS_EXISTS);
    return;
  }
  const result = store.arithmetic(
    bytes,
    keyStart,
    keyLength,
    request.extra(DELTA),
    request.extra(DELTA + 4),
    request.shape.command === OP_INCREMENT,
  );
  if (result === ARITH_NOT_FOUND) create(request, store, reply);
  else if (result === ARITH_NON_NUMERIC) writeError(reply, request, STATUS_NON_NUMERIC);
  else if (result === ARITH_NO_MEMORY) writeValue(reply, request, STATUS_NO_MEMORY, NO_MEMORY_NUMBER);
  else if (!request.shape.isQuiet) {
    // Looked up again: the item may have moved.
    const ref = store.find(bytes, keyStart, keyLength);
    writeNumber(request, ref, store.number.hi, store.number.lo, store, reply);
  }
}

/** An empty value is no number, whatever its unique: that error comes first. */
function hasOtherUnique(request: Request, store: Store): boolean {
  const ref = store.find(request.bytes, request.keyStart, request.keyLength);
  if (ref === 0 || store.valueLength(ref) === 0) return false;
  return store.uniqueHi(ref) !== request.uniqueHi || store.uniqueLo(ref) !== request.uniqueLo;
}

function create(request: Request, store: Store, reply: ReplyBuffer): void {
  const exptime = request.extra(EXPTIME);
  if (exptime === DO_NOT_CREATE) {
    writeError(reply, request, STATUS_NOT_FOUND);
    return;
  }
  const hi = request.extra(INITIAL);
  const lo = request.extra(INITIAL + 4);
  const length = writeDecimal64(hi, lo, digits, 0);
  const { bytes, keyStart, keyLength } = request;
  const exptimeSec = absoluteExptime(exptime, store.nowSec);
  const ref = store.insert(bytes, keyStart, keyLength, 0, exptimeSec, digits, length, 0, 0);
  if (ref === 0) writeValue(reply, request, STATUS_NO_MEMORY, NO_MEMORY_NEW_NUMBER);
  else if (!request.shape.isQuiet) writeNumber(request, ref, hi, lo, store, reply);
}

function writeNumber(
  request: Request,
  ref: number,
  hi: number,
  lo: number,
  store: Store,
  reply: ReplyBuffer,
): void {
  writeHeader(reply, request, STATUS_OK, 0, 0, NUMBER_BYTES, store.uniqueHi(ref), store.uniqueLo(ref));
  writeU32(reply, hi);
  writeU32(reply, lo);
}
