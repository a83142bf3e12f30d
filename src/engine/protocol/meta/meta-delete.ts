// md: deletes an item, marks it stale, or takes its value away.
import { COUNTER } from '../../store/counters.js';
import type { Store } from '../../store/store.js';
import type { ReplyBuffer } from '../reply-buffer.js';
import { EX, HD, NF, OUT_OF_MEMORY_META } from './meta-replies.js';
import type { MetaRequest } from './meta-request.js';
import { LINE_MAX_BYTES, putBytes, putEchoes, putLineEnd } from './meta-writer.js';

const NO_VALUE = new Uint8Array(0);

/** `md <key> <flag>*`. The lock is held. */
export function answerMetaDelete(request: MetaRequest, store: Store, reply: ReplyBuffer): void {
  const problem = request.parse(store.nowSec);
  const status = problem ?? remove(request, store);
  if (status === problem || status === OUT_OF_MEMORY_META) {
    reply.write(status);
    return;
  }
  if (status === HD && request.isQuiet) return;
  reply.reserve(LINE_MAX_BYTES);
  const at = putEchoes(request, reply.bytes, putBytes(status, reply.bytes, reply.length));
  reply.length = putLineEnd(reply.bytes, at);
}

/** Returns how the reply begins, or an error. */
function remove(request: MetaRequest, store: Store): Uint8Array {
  const counts = store.counters.values;
  let ref = store.find(request.key, request.keyStart, request.keyLength);
  if (ref === 0) {
    counts[COUNTER.deleteMisses]++;
    return NF;
  }
  if (request.compares && !isUnique(request, store, ref)) {
    counts[COUNTER.deleteMisses]++;
    return EX;
  }
  if (!request.marksStale) store.countDelete(ref, 'md');
  if (request.removesValue) {
    ref = storeWithoutValue(request, store);
    if (ref === 0) return OUT_OF_MEMORY_META;
  }
  if (request.marksStale) return markStale(request, store, ref);
  if (!request.removesValue) store.removeItem(ref);
  return HD;
}

/** As memcached: client flags and expiry go with the value, unless the request gives new ones. */
function storeWithoutValue(request: MetaRequest, store: Store): number {
  const { key, keyStart, keyLength, clientFlags, exptimeSec, ownUnique } = request;
  return store.insert(
    key,
    keyStart,
    keyLength,
    clientFlags,
    exptimeSec,
    NO_VALUE,
    0,
    ownUnique.hi,
    ownUnique.lo,
  );
}

function markStale(request: MetaRequest, store: Store, stale: number): Uint8Array {
  const { key, keyStart, keyLength, ownUnique } = request;
  store.markStale(stale);
  // What `x` left with an expiry that has passed is gone here, and needs nothing more.
  const isThere = store.find(key, keyStart, keyLength) !== 0;
  const hasOwn = ownUnique.hi !== 0 || ownUnique.lo !== 0;
  if (isThere && hasOwn && !store.overrideUnique(key, keyStart, keyLength, ownUnique.hi, ownUnique.lo)) {
    return OUT_OF_MEMORY_META;
  }
  if (isThere && request.touches) {
    // Its slot may be another one now.
    store.touchItem(store.find(key, keyStart, keyLength), request.exptimeSec);
  }
  return HD;
}

function isUnique(request: MetaRequest, store: Store, ref: number): boolean {
  return store.uniqueLo(ref) === request.unique.lo && store.uniqueHi(ref) === request.unique.hi;
}
