// me: what is known of an item, for people.
import { COUNTER } from '../../store/counters.js';
import { KEY_MAX_BYTES } from '../../store/layout.js';
import type { Store } from '../../store/store.js';
import type { ReplyBuffer } from '../reply-buffer.js';
import { encodeBase64 } from './base64.js';
import { EN_REPLY } from './meta-replies.js';
import type { MetaRequest } from './meta-request.js';

const ENCODED_KEY_MAX_BYTES = Math.ceil(KEY_MAX_BYTES / 3) * 4;

/** `me <key> [b]`. The lock is held. */
export function answerMetaDebug(request: MetaRequest, store: Store, reply: ReplyBuffer): void {
  const problem = request.parseKey();
  if (problem !== undefined) {
    reply.write(problem);
    return;
  }
  store.counters.values[COUNTER.cmdMeta]++;
  const { key, keyStart, keyLength, isBinary } = request;
  const ref = store.find(key, keyStart, keyLength);
  if (ref === 0) {
    reply.write(EN_REPLY);
    return;
  }
  reply.writeText('ME ');
  if (isBinary) {
    reply.reserve(ENCODED_KEY_MAX_BYTES);
    reply.length += encodeBase64(key, keyStart, keyLength, reply.bytes, reply.length);
  } else {
    reply.write(key.subarray(keyStart, keyStart + keyLength));
  }
  const exptimeSec = store.exptimeSec(ref);
  reply.writeText(
    ` exp=${exptimeSec === 0 ? -1 : exptimeSec - store.nowSec}` +
      ` la=${Math.max(0, store.nowSec - store.lastAccessSec(ref))} cas=`,
  );
  reply.writeNumber64(store.uniqueHi(ref), store.uniqueLo(ref));
  reply.writeText(
    ` fetch=${store.wasFetched(ref) ? 'yes' : 'no'}` +
      ` cls=${store.slabs.classOfRef(ref) + 1} size=${store.itemBytes(ref)}\r\n`,
  );
}
