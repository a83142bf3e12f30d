// get, getk, gat, gatk, touch and their quiet forms.
import { absoluteExptime } from '../../store/exptime.js';
import type { Store } from '../../store/store.js';
import type { ReplyBuffer } from '../reply-buffer.js';
import { writeError, writeHeader, writeU32 } from './replies.js';
import type { Request } from './request.js';
import { OP_GATK, OP_GETK, STATUS_NOT_FOUND, STATUS_OK } from './wire.js';

/** The client flags, which every hit has as its extras. */
const FLAGS_BYTES = 4;

/** get and getk. */
export function answerGet(request: Request, store: Store, reply: ReplyBuffer): void {
  const ref = store.get(request.bytes, request.keyStart, request.keyLength);
  if (ref === 0) writeMiss(request, reply);
  else writeItem(request, ref, store, reply);
}

/** gat and gatk: get, and a new expiry time. */
export function answerGetAndTouch(request: Request, store: Store, reply: ReplyBuffer): void {
  const ref = store.getToTouch(request.bytes, request.keyStart, request.keyLength);
  if (ref === 0) {
    writeMiss(request, reply);
    return;
  }
  writeItem(request, ref, store, reply);
  // Only now: an expiry time that has passed deletes the item, and the client still gets its value.
  store.touchItem(ref, absoluteExptime(request.extra(0), store.nowSec));
}

/** touch: the reply has the flags, as a get's has, but no value. */
export function answerTouch(request: Request, store: Store, reply: ReplyBuffer): void {
  const { bytes, keyStart, keyLength } = request;
  const ref = store.find(bytes, keyStart, keyLength);
  if (ref === 0) {
    writeError(reply, request, STATUS_NOT_FOUND);
  } else {
    writeHitHeader(request, ref, 0, 0, store, reply);
  }
  // Also for a miss, which it counts.
  store.touch(bytes, keyStart, keyLength, absoluteExptime(request.extra(0), store.nowSec));
}

function writeItem(request: Request, ref: number, store: Store, reply: ReplyBuffer): void {
  const keyLength = returnsKey(request) ? request.keyLength : 0;
  const valueLength = store.valueLength(ref);
  writeHitHeader(request, ref, keyLength, valueLength, store, reply);
  writeKey(request, keyLength, reply);
  store.copyValue(ref, 0, valueLength, reply.bytes, reply.length);
  reply.length += valueLength;
}

/** Header and flags; there is room for key and value behind them. */
function writeHitHeader(
  request: Request,
  ref: number,
  keyLength: number,
  valueLength: number,
  store: Store,
  reply: ReplyBuffer,
): void {
  const bodyLength = FLAGS_BYTES + keyLength + valueLength;
  const uniqueHi = store.uniqueHi(ref);
  const uniqueLo = store.uniqueLo(ref);
  writeHeader(reply, request, STATUS_OK, FLAGS_BYTES, keyLength, bodyLength, uniqueHi, uniqueLo);
  writeU32(reply, store.flags(ref));
}

function writeMiss(request: Request, reply: ReplyBuffer): void {
  if (request.shape.isQuiet) return;
  if (!returnsKey(request)) {
    writeError(reply, request, STATUS_NOT_FOUND);
    return;
  }
  // The key takes the place of the text.
  const { keyLength } = request;
  writeHeader(reply, request, STATUS_NOT_FOUND, 0, keyLength, keyLength, 0, 0);
  writeKey(request, keyLength, reply);
}

function writeKey(request: Request, length: number, reply: ReplyBuffer): void {
  const { bytes, keyStart } = request;
  for (let at = 0; at < length; at++) reply.bytes[reply.length++] = bytes[keyStart + at];
}

function returnsKey(request: Request): boolean {
  const { command } = request.shape;
  return command === OP_GETK || command === OP_GATK;
}
