// Records of the file of -e: made from what the store holds, and looked at with distrust when they come back.
import { KEY_MAX_BYTES } from '../../store/layout.js';
import type { Store } from '../../store/store.js';
import type { ItemMarks } from '../../store/store-types.js';
import {
  KIND_ITEM,
  KIND_LOST,
  KIND_TOMBSTONE,
  MARK_OWN_UNIQUE,
  MARK_PROVISIONAL,
  MARK_STALE,
  MARKS_KNOWN,
  RECORD_HEAD_BYTES,
  UNIQUE_BYTES,
} from './format.js';

/** How long the record of an entry is. */
export function recordBytes(store: Store, ref: number): number {
  if (!store.isLive(ref)) return RECORD_HEAD_BYTES + store.keyLength(ref);
  const uniqueBytes = store.hasOwnUnique(ref) ? UNIQUE_BYTES : 0;
  return RECORD_HEAD_BYTES + uniqueBytes + store.keyLength(ref) + store.valueLength(ref);
}

/**
 * Writes an entry of the store. What is no longer live (a tombstone, or an item that has expired or was flushed and
 * not been freed yet) is written as a tombstone, so that nothing older of its key comes back.
 * @returns the end of the record
 */
export function writeRecord(store: Store, ref: number, bytes: Buffer, start: number): number {
  const isItem = store.isLive(ref);
  const keyLength = store.keyLength(ref);
  const valueLength = isItem ? store.valueLength(ref) : 0;
  const hasUnique = isItem && store.hasOwnUnique(ref);
  bytes[start] = isItem ? KIND_ITEM : KIND_TOMBSTONE;
  bytes[start + 1] = keyLength;
  bytes[start + 2] = store.touchSeq(ref);
  bytes[start + 3] =
    (isItem && store.isStale(ref) ? MARK_STALE : 0) |
    (isItem && store.isProvisional(ref) ? MARK_PROVISIONAL : 0) |
    (hasUnique ? MARK_OWN_UNIQUE : 0);
  bytes.writeUInt32LE(store.versionHi(ref), start + 4);
  bytes.writeUInt32LE(store.versionLo(ref), start + 8);
  bytes.writeUInt32LE(isItem ? store.exptimeSec(ref) : 0, start + 12);
  bytes.writeUInt32LE(isItem ? store.flags(ref) : 0, start + 16);
  bytes.writeUInt32LE(valueLength, start + 20);
  let at = start + RECORD_HEAD_BYTES;
  if (hasUnique) {
    bytes.writeUInt32LE(store.uniqueHi(ref), at);
    bytes.writeUInt32LE(store.uniqueLo(ref), at + 4);
    at += UNIQUE_BYTES;
  }
  store.copyKey(ref, bytes, at);
  if (valueLength > 0) store.copyValue(ref, 0, valueLength, bytes, at + keyLength);
  return at + keyLength + valueLength;
}

/** Writes that a key was lost unsent. @returns the end of the record */
export function writeLostKey(
  bytes: Buffer,
  start: number,
  keyHash: number,
  versionHi: number,
  versionLo: number,
  isDeleted: boolean,
): number {
  const end = start + RECORD_HEAD_BYTES;
  bytes.fill(0, start, end);
  bytes[start] = KIND_LOST;
  bytes[start + 2] = isDeleted ? 1 : 0;
  bytes.writeUInt32LE(versionHi, start + 4);
  bytes.writeUInt32LE(versionLo, start + 8);
  bytes.writeUInt32LE(keyHash, start + 12);
  return end;
}

/** One record of a block; `read` fills it anew for each. */
export class RecordReader {
  isItem = false;
  /** Of such a record only the version, keyHash and isDeleted mean something. */
  isLostKey = false;
  keyHash = 0;
  isDeleted = false;
  keyStart = 0;
  keyLength = 0;
  valueStart = 0;
  valueLength = 0;
  versionHi = 0;
  versionLo = 0;
  touchSeq = 0;
  exptimeSec = 0;
  flags = 0;
  readonly marks: ItemMarks = { isStale: false, isProvisional: false, uniqueHi: 0, uniqueLo: 0 };

  /** @returns the end of the record that begins at start; -1 when there is no sound one */
  read(bytes: Buffer, start: number): number {
    if (start + RECORD_HEAD_BYTES > bytes.length) return -1;
    const kind = bytes[start];
    const marks = bytes[start + 3];
    this.isItem = kind === KIND_ITEM;
    this.isLostKey = kind === KIND_LOST;
    this.keyLength = bytes[start + 1];
    this.touchSeq = bytes[start + 2];
    this.versionHi = bytes.readUInt32LE(start + 4);
    this.versionLo = bytes.readUInt32LE(start + 8);
    this.exptimeSec = bytes.readUInt32LE(start + 12);
    this.flags = bytes.readUInt32LE(start + 16);
    this.valueLength = bytes.readUInt32LE(start + 20);
    if (this.isLostKey) return this.#readLostKey(bytes, start);
    if (kind !== KIND_ITEM && (kind !== KIND_TOMBSTONE || this.valueLength !== 0 || marks !== 0)) return -1;
    if ((marks & ~MARKS_KNOWN) !== 0 || this.keyLength === 0 || this.keyLength > KEY_MAX_BYTES) return -1;
    let at = start + RECORD_HEAD_BYTES;
    this.marks.isStale = (marks & MARK_STALE) !== 0;
    this.marks.isProvisional = (marks & MARK_PROVISIONAL) !== 0;
    this.marks.uniqueHi = 0;
    this.marks.uniqueLo = 0;
    if ((marks & MARK_OWN_UNIQUE) !== 0) {
      if (at + UNIQUE_BYTES > bytes.length) return -1;
      this.marks.uniqueHi = bytes.readUInt32LE(at);
      this.marks.uniqueLo = bytes.readUInt32LE(at + 4);
      at += UNIQUE_BYTES;
    }
    this.keyStart = at;
    this.valueStart = at + this.keyLength;
    const end = this.valueStart + this.valueLength;
    return end > bytes.length ? -1 : end;
  }

  #readLostKey(bytes: Buffer, start: number): number {
    this.keyHash = bytes.readUInt32LE(start + 12);
    this.isDeleted = this.touchSeq === 1;
    const isSound =
      this.keyHash !== 0 && this.touchSeq <= 1 && bytes[start + 1] === 0 && bytes[start + 3] === 0;
    return isSound ? start + RECORD_HEAD_BYTES : -1;
  }
}
