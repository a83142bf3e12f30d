// One line of a listing for one item: as lru_crawler metadump, lru_crawler mgdump and stats cachedump show it.
import { KEY_MAX_BYTES } from '../../store/layout.js';
import type { Store } from '../../store/store.js';
import { encodeBase64 } from '../meta/base64.js';
import type { ReplyBuffer } from '../reply-buffer.js';

/** No line is longer: a key of 250 bytes, each as %XX, and eight numbers. */
const LINE_MAX_BYTES = 1024;
const PERCENT = 0x25;
const HEX = Buffer.from('0123456789ABCDEF', 'latin1');
/** Bytes that a URI shows as they are. */
const IS_PLAIN = new Uint8Array(256);
for (const plain of Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~')) {
  IS_PLAIN[plain] = 1;
}

/** Scratch: the key of the item at hand. */
const key = Buffer.alloc(KEY_MAX_BYTES);
const text = Buffer.alloc(Math.ceil(KEY_MAX_BYTES / 3) * 4);

/** `key=<uri-encoded> exp=... la=... cas=... fetch=... cls=... size=... flags=... ` */
export function writeMetadumpLine(store: Store, ref: number, reply: ReplyBuffer): void {
  reply.reserve(LINE_MAX_BYTES);
  reply.writeText('key=');
  writeUriKey(store, ref, reply);
  const exptimeSec = store.exptimeSec(ref);
  reply.writeText(` exp=${exptimeSec === 0 ? -1 : exptimeSec} la=${store.lastAccessSec(ref)} cas=`);
  reply.writeNumber64(store.uniqueHi(ref), store.uniqueLo(ref));
  reply.writeText(
    ` fetch=${store.wasFetched(ref) ? 'yes' : 'no'} cls=${store.slabs.classOfRef(ref) + 1}` +
      ` size=${store.itemBytes(ref)} flags=${store.flags(ref)} \n`,
  );
}

/** `mg <key>`, with the key in base64 if a command line could not hold it. */
export function writeMgdumpLine(store: Store, ref: number, reply: ReplyBuffer): void {
  const length = takeKey(store, ref);
  if (isWord(length)) {
    reply.writeText('mg ');
    reply.write(key.subarray(0, length));
    reply.writeText('\r\n');
    return;
  }
  const textLength = encodeBase64(key, 0, length, text, 0);
  reply.writeText(`mg ${text.toString('latin1', 0, textLength)} b\r\n`);
}

/** `ITEM <key> [<bytes> b; <expiry> s]`; false for a key that a line can't show. */
export function writeCachedumpLine(store: Store, ref: number, reply: ReplyBuffer): boolean {
  const length = takeKey(store, ref);
  if (!isWord(length)) return false;
  reply.writeText('ITEM ');
  reply.write(key.subarray(0, length));
  reply.writeText(` [${store.valueLength(ref)} b; ${store.exptimeSec(ref)} s]\r\n`);
  return true;
}

/** A key with all but letters, digits and -._~ as %XX. */
export function writeUriKey(store: Store, ref: number, reply: ReplyBuffer): void {
  const length = takeKey(store, ref);
  reply.reserve(3 * length);
  const { bytes } = reply;
  let at = reply.length;
  for (let from = 0; from < length; from++) {
    const byte = key[from];
    if (IS_PLAIN[byte] === 1) {
      bytes[at++] = byte;
    } else {
      bytes[at++] = PERCENT;
      bytes[at++] = HEX[byte >>> 4];
      bytes[at++] = HEX[byte & 15];
    }
  }
  reply.length = at;
}

function takeKey(store: Store, ref: number): number {
  store.copyKey(ref, key, 0);
  return store.keyLength(ref);
}

/** Whether the key could be a word of a command line; what came as base64 may hold blanks and line ends. */
function isWord(length: number): boolean {
  for (let at = 0; at < length; at++) {
    if (key[at] <= 0x20 || key[at] === 0x7f) return false;
  }
  return true;
}
