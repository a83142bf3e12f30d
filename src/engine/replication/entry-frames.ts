// Writes what the store holds into frames: items, tombstones, the flush state.

import type { Store } from '../store/store.js';
import type { FlushState } from '../store/store-types.js';
import type { FrameWriter } from './frame-writer.js';
import {
  FLUSH_BYTES,
  FRAME,
  ITEM_HEADER_BYTES,
  MARK_OWN_UNIQUE,
  MARK_PROVISIONAL,
  MARK_STALE,
  MARKS_BYTES,
  TOMBSTONE_HEADER_BYTES,
  writeU32,
} from './frames.js';
import type { PeerLimit } from './peer-limit.js';

/** An item or a tombstone, as it is now; a tombstone also for an item that the peer has no room for. */
export function writeEntry(writer: FrameWriter, store: Store, ref: number, limit: PeerLimit): void {
  const isSendable = limit.takes(ref);
  if (!isSendable) limit.unsendable += 1;
  if (store.isTombstone(ref) || !isSendable) writeTombstone(writer, store, ref);
  else writeItem(writer, store, ref);
}

function writeItem(writer: FrameWriter, store: Store, ref: number): void {
  const keyLength = store.keyLength(ref);
  const valueLength = store.valueLength(ref);
  const marks =
    (store.isStale(ref) ? MARK_STALE : 0) |
    (store.isProvisional(ref) ? MARK_PROVISIONAL : 0) |
    (store.hasOwnUnique(ref) ? MARK_OWN_UNIQUE : 0);
  const itemBytes = ITEM_HEADER_BYTES + keyLength + valueLength;
  let at = writer.begin(
    marks === 0 ? FRAME.item : FRAME.markedItem,
    marks === 0 ? itemBytes : MARKS_BYTES + itemBytes,
  );
  const bytes = writer.buffer;
  if (marks !== 0) {
    bytes[at] = marks;
    writeU32(bytes, at + 1, store.uniqueHi(ref));
    writeU32(bytes, at + 5, store.uniqueLo(ref));
    at += MARKS_BYTES;
  }
  writeU32(bytes, at, store.versionHi(ref));
  writeU32(bytes, at + 4, store.versionLo(ref));
  writeU32(bytes, at + 8, store.exptimeSec(ref));
  writeU32(bytes, at + 12, store.flags(ref));
  bytes[at + 16] = store.touchSeq(ref);
  bytes[at + 17] = keyLength;
  store.copyKey(ref, bytes, at + ITEM_HEADER_BYTES);
  store.copyValue(ref, 0, valueLength, bytes, at + ITEM_HEADER_BYTES + keyLength);
}

export function writeTombstone(writer: FrameWriter, store: Store, ref: number): void {
  const keyLength = store.keyLength(ref);
  const at = writer.begin(FRAME.tombstone, TOMBSTONE_HEADER_BYTES + keyLength);
  const bytes = writer.buffer;
  writeU32(bytes, at, store.versionHi(ref));
  writeU32(bytes, at + 4, store.versionLo(ref));
  bytes[at + 8] = store.touchSeq(ref);
  bytes[at + 9] = keyLength;
  store.copyKey(ref, bytes, at + TOMBSTONE_HEADER_BYTES);
}

export function writeFlush(writer: FrameWriter, flush: FlushState): void {
  const at = writer.begin(FRAME.flush, FLUSH_BYTES);
  const bytes = writer.buffer;
  writeU32(bytes, at, flush.floorHi);
  writeU32(bytes, at + 4, flush.floorLo);
  writeU32(bytes, at + 8, flush.pendingHi);
  writeU32(bytes, at + 12, flush.pendingLo);
  writeU32(bytes, at + 16, flush.stampHi);
  writeU32(bytes, at + 20, flush.stampLo);
}
