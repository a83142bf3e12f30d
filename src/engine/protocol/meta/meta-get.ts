// mg: reads an item, and on the way touches it, creates it, or tells one reader to recache it.
import { writeDecimal } from '../../store/decimal64.js';
import type { Store } from '../../store/store.js';
import { NO_PEER } from '../classic/replies.js';
import type { ReplyBuffer } from '../reply-buffer.js';
import { EN, HD, VA } from './meta-replies.js';
import type { MetaRequest } from './meta-request.js';
import {
  LINE_MAX_BYTES,
  putBytes,
  putEcho,
  putEchoes,
  putLetter,
  putLineEnd,
  putNumber,
  putNumber64,
  putTtl,
} from './meta-writer.js';

const NO_VALUE = new Uint8Array(0);

/** Scratch: what came of the flags of the request at hand. */
let exptimeSec = 0;
let hasWon = false;

/** `mg <key> <flag>*`. The lock is held. */
export function answerMetaGet(request: MetaRequest, store: Store, reply: ReplyBuffer): void {
  const problem = request.parse(store.nowSec);
  if (problem !== undefined) {
    reply.write(problem);
    return;
  }
  if ((request.touches || request.vivifies) && store.refusesWrites) {
    reply.write(NO_PEER);
    return;
  }
  let ref = store.look(request.key, request.keyStart, request.keyLength, request.touches);
  const isCreated = ref === 0 && request.vivifies;
  if (isCreated) ref = create(request, store);
  if (ref !== 0) writeHit(request, store, ref, isCreated, reply);
  else if (!request.isQuiet) writeMiss(request, reply);
}

/** An item without a value, for its reader to fill; 0 when there is no room for it. */
function create(request: MetaRequest, store: Store): number {
  const { key, keyStart, keyLength, vivifyExptimeSec, ownUnique } = request;
  return store.insert(key, keyStart, keyLength, 0, vivifyExptimeSec, NO_VALUE, 0, ownUnique.hi, ownUnique.lo);
}

function writeMiss(request: MetaRequest, reply: ReplyBuffer): void {
  reply.reserve(LINE_MAX_BYTES);
  const at = putEchoes(request, reply.bytes, putBytes(EN, reply.bytes, reply.length));
  reply.length = putLineEnd(reply.bytes, at);
}

function writeHit(
  request: MetaRequest,
  store: Store,
  ref: number,
  isCreated: boolean,
  reply: ReplyBuffer,
): void {
  const valueLength = store.valueLength(ref);
  reply.reserve(LINE_MAX_BYTES + valueLength);
  const { bytes } = reply;
  const withValue = request.wantsValue && !(request.compares && hasUnique(request, store, ref));
  let at = putBytes(withValue ? VA : HD, bytes, reply.length);
  if (withValue) at += writeDecimal(valueLength, bytes, at);
  exptimeSec = isCreated ? 0 : store.exptimeSec(ref);
  hasWon = false;
  for (let position = 0; position < request.flagCount; position++) {
    at = putFlag(request, position, store, ref, isCreated, bytes, at);
  }
  at = putLineEnd(bytes, putRecacheFlags(store, ref, bytes, at));
  if (withValue) {
    store.copyValue(ref, 0, valueLength, bytes, at);
    at = putLineEnd(bytes, at + valueLength);
  }
  reply.length = at;
  if (hasWon) store.markWinner(ref);
  if (!request.leavesUse) store.use(ref);
  // Last: an exptime that has passed deletes the item, and the client still gets its value.
  if (request.touches) store.touchItem(ref, exptimeSec);
}

/** Does what one flag asks for, in the order of the request: `t` behind `T` sees the new time, before it the old one. */
function putFlag(
  request: MetaRequest,
  position: number,
  store: Store,
  ref: number,
  isCreated: boolean,
  bytes: Uint8Array,
  at: number,
): number {
  const letter = request.flag(position);
  switch (letter) {
    case 0x54: // T
      exptimeSec = request.exptimeSec;
      return at;
    case 0x4e: // N
      if (isCreated) {
        exptimeSec = request.vivifyExptimeSec;
        hasWon = true;
      }
      return at;
    case 0x52: // R
      if (!isCreated && exptimeSec !== 0 && exptimeSec < request.recacheSec && !store.hasWinner(ref)) {
        hasWon = true;
      }
      return at;
    case 0x73: // s
      return putNumber(letter, store.valueLength(ref), bytes, at);
    case 0x74: // t
      return putTtl(letter, exptimeSec, store.nowSec, bytes, at);
    case 0x63: // c
      return putNumber64(letter, store.uniqueHi(ref), store.uniqueLo(ref), bytes, at);
    case 0x66: // f
      return putNumber(letter, store.flags(ref), bytes, at);
    case 0x6c: // l
      return putNumber(letter, Math.max(0, store.nowSec - store.lastAccessSec(ref)), bytes, at);
    case 0x68: // h
      return putNumber(letter, store.wasFetched(ref) ? 1 : 0, bytes, at);
    default:
      return putEcho(request, position, bytes, at);
  }
}

/** W: you recache it; Z: somebody does; X: it is stale, and who reads it first recaches it. */
function putRecacheFlags(store: Store, ref: number, bytes: Uint8Array, at: number): number {
  let to = at;
  const hasWinner = store.hasWinner(ref);
  if (hasWinner) to = putLetter(0x5a, bytes, to);
  if (store.isStale(ref)) {
    to = putLetter(0x58, bytes, to);
    if (!hasWinner) hasWon = true;
  }
  return hasWon ? putLetter(0x57, bytes, to) : to;
}

function hasUnique(request: MetaRequest, store: Store, ref: number): boolean {
  return store.uniqueLo(ref) === request.unique.lo && store.uniqueHi(ref) === request.unique.hi;
}
