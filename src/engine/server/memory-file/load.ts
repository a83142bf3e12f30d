// Reads the file of -e when a node starts: looks at all of it first, and takes either everything or nothing.
//
// The file is removed before its first item is taken. Were it to stay, a node that crashes later would come back with
// what was true before it served: items that were deleted since, whose tombstones the peer has long freed.
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { MAX_FORWARD_DRIFT_MS } from '../../replication/clock.js';
import type { Store } from '../../store/store.js';
import { REMOTE_APPLIED } from '../../store/store-types.js';
import { msOfVersion } from '../../store/version.js';
import {
  BLOCK_BYTES_MAX,
  BLOCK_HEAD_BYTES,
  blockChecksum,
  decodeHeader,
  END_BYTES,
  END_LENGTH,
  HEADER_BYTES,
  headerChecksum,
  type MemoryFileHeader,
} from './format.js';
import { RecordReader } from './records.js';
import { removeFile } from './save.js';

const WRITABLE_BY_OTHERS = 0o022;

export interface LoadOptions {
  readonly store: Store;
  /** --repl-pair, or empty. */
  readonly pairId: string;
  /** With replication, tombstones are kept for the peer. */
  readonly keepTombstones: boolean;
  readonly nowMs: number;
}

export type LoadResult =
  | { readonly kind: 'none' }
  /** Nothing was taken, and the file is left for whoever wants to look at it. */
  | { readonly kind: 'refused'; readonly why: string }
  /** `items`: how many of the file's the store took; the others have expired meanwhile, or there is no room. */
  | { readonly kind: 'loaded'; readonly items: number; readonly ofItems: number; readonly savedSec: number };

/** The hash seed that the file was made with; undefined when there is no file that looks like one. */
export function readHashSeed(path: string): number | undefined {
  const fd = openPlain(path);
  if (typeof fd === 'string') return undefined;
  try {
    const header = new BlockFile(fd, 0).header();
    return typeof header === 'string' ? undefined : header.hashSeed;
  } finally {
    closeSync(fd);
  }
}

/** Loads a file into an empty store. The caller has called setNow() and holds no lock. */
export function loadMemory(path: string, options: LoadOptions): LoadResult {
  const fd = openPlain(path);
  if (fd === 'ENOENT') return { kind: 'none' };
  if (typeof fd === 'string') return { kind: 'refused', why: `can't be read (${fd})` };
  try {
    return loadFrom(fd, path, options);
  } finally {
    closeSync(fd);
  }
}

/** @returns the descriptor, or the system's error code; a link is not followed, and a pipe is not waited for */
function openPlain(path: string): number | string {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

function loadFrom(fd: number, path: string, options: LoadOptions): LoadResult {
  const stat = fstatSync(fd);
  if (!stat.isFile()) return { kind: 'refused', why: 'is no plain file' };
  if ((stat.mode & WRITABLE_BY_OTHERS) !== 0) {
    return { kind: 'refused', why: "can be written by other users, so it may be anybody's" };
  }
  const file = new BlockFile(fd, stat.size);
  const header = file.header();
  const why =
    typeof header === 'string' ? header : (misfit(header, options) ?? file.forEachBlock(soundRecords));
  if (typeof header === 'string' || typeof why === 'string') return { kind: 'refused', why: String(why) };
  try {
    removeFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { kind: 'refused', why: `can't be removed (${code}), and must not be loaded a second time` };
  }
  const taker = new Taker(options, header);
  const damage = file.forEachBlock((bytes) => taker.take(bytes));
  // It was whole a moment ago.
  if (typeof damage === 'string') throw new Error(`-e ${path} changed while it was read: ${damage}`);
  taker.finish();
  return { kind: 'loaded', items: taker.items, ofItems: damage.items, savedSec: header.savedSec };
}

/** Why a sound file is not for this node; undefined when it is. */
function misfit(header: MemoryFileHeader, { pairId, nowMs }: LoadOptions): string | undefined {
  if (header.pairId !== '' && pairId !== '' && header.pairId !== pairId) {
    return `belongs to the pair "${header.pairId}"`;
  }
  if (msOfVersion(header.clockHi, header.clockLo) > nowMs + MAX_FORWARD_DRIFT_MS) {
    return "is from more than an hour in the future: set the host's clock";
  }
  return undefined;
}

interface Totals {
  readonly items: number;
  readonly tombstones: number;
}

/** Reads blocks, and hands on those whose checksum is right. */
class BlockFile {
  readonly #fd: number;
  readonly #sizeBytes: number;
  #head = Buffer.alloc(HEADER_BYTES);
  #block = Buffer.alloc(2 * 1024 * 1024);

  constructor(fd: number, sizeBytes: number) {
    this.#fd = fd;
    this.#sizeBytes = sizeBytes;
  }

  header(): MemoryFileHeader | string {
    return this.#read(this.#head, HEADER_BYTES, 0) ? decodeHeader(this.#head) : 'is not a file of -e';
  }

  /**
   * Reads the file from its first block to its end.
   * @param visit is given the records of a block, its own only during the call, and returns what is wrong with them,
   *   or what they are
   * @returns what is wrong with the file, or what the whole of it holds
   */
  forEachBlock(visit: (records: Buffer) => Totals | string): Totals | string {
    const head = Buffer.alloc(BLOCK_HEAD_BYTES);
    let checksum = headerChecksum(this.#head);
    let items = 0;
    let tombstones = 0;
    for (let at = HEADER_BYTES; ; ) {
      if (!this.#read(head, BLOCK_HEAD_BYTES, at)) return `ends early, after ${at} bytes`;
      const lengthWord = head.readUInt32LE(0);
      const length = lengthWord === END_LENGTH ? END_BYTES : lengthWord;
      // Before memory is made for it: it may be any number.
      if (length > BLOCK_BYTES_MAX || at + BLOCK_HEAD_BYTES + length > this.#sizeBytes)
        return `is cut off or damaged, at byte ${at}`;
      if (length > this.#block.length) this.#block = Buffer.alloc(length);
      if (!this.#read(this.#block, length, at + BLOCK_HEAD_BYTES)) return `ends early, after ${at} bytes`;
      const content = this.#block.subarray(0, length);
      checksum = blockChecksum(checksum, lengthWord, content);
      if (checksum !== head.readUInt32LE(4)) return `is damaged, in the ${length} bytes at ${at}`;
      at += BLOCK_HEAD_BYTES + length;
      if (lengthWord === END_LENGTH) {
        if (at !== this.#sizeBytes) return `goes on after its end, at byte ${at}`;
        const isWhole = items === content.readDoubleLE(0) && tombstones === content.readDoubleLE(8);
        return isWhole ? { items, tombstones } : 'does not hold as many items as it says';
      }
      const found = visit(content);
      if (typeof found === 'string') return found;
      items += found.items;
      tombstones += found.tombstones;
    }
  }

  #read(target: Buffer, length: number, position: number): boolean {
    for (let at = 0; at < length; ) {
      const count = readSync(this.#fd, target, at, length - at, position + at);
      if (count === 0) return false;
      at += count;
    }
    return true;
  }
}

/** Counts the records of a block. */
function soundRecords(bytes: Buffer): Totals | string {
  const record = new RecordReader();
  let items = 0;
  let tombstones = 0;
  for (let at = 0; at < bytes.length; ) {
    at = record.read(bytes, at);
    if (at === -1) return 'holds a record that makes no sense';
    if (record.isItem) items += 1;
    else if (!record.isLostKey) tombstones += 1;
  }
  return { items, tombstones };
}

/** Gives records to a store that is empty, after setNow(). */
export class Taker {
  items = 0;
  readonly #store: Store;
  readonly #keepTombstones: boolean;
  readonly #header: MemoryFileHeader;
  readonly #record = new RecordReader();

  constructor({ store, keepTombstones }: LoadOptions, header: MemoryFileHeader) {
    this.#store = store;
    this.#keepTombstones = keepTombstones;
    this.#header = header;
  }

  take(bytes: Buffer): Totals {
    const record = this.#record;
    let items = 0;
    let tombstones = 0;
    this.#store.lock();
    try {
      for (let at = 0; at < bytes.length; ) {
        at = record.read(bytes, at);
        if (record.isItem) items += 1;
        else if (!record.isLostKey) tombstones += 1;
        if (record.isLostKey) this.#takeLostKey();
        else this.#apply(bytes);
      }
    } finally {
      this.#store.unlock();
    }
    return { items, tombstones };
  }

  /** What belongs to the whole and not to an item; last, as a floor keeps out what is not there yet. */
  finish(): void {
    const store = this.#store;
    const { flush, clockHi, clockLo, lost } = this.#header;
    store.lock();
    try {
      store.applyRemoteFlush(flush);
      store.restoreVersions(clockHi, clockLo, lost);
    } finally {
      store.unlock();
    }
  }

  /** These come after all items: a floor keeps out what is not there yet. */
  #takeLostKey(): void {
    const { keyHash, versionHi, versionLo, isDeleted } = this.#record;
    const { lostWrites, hashSeed } = this.#store;
    if (hashSeed === this.#header.hashSeed) lostWrites.restoreKey(keyHash, versionHi, versionLo, isDeleted);
    else if (isDeleted) lostWrites.restoreUnknown(versionHi, versionLo);
  }

  #apply(bytes: Buffer): void {
    const store = this.#store;
    const record = this.#record;
    const isDead = record.exptimeSec !== 0 && record.exptimeSec <= store.nowSec;
    if (!record.isItem || isDead) {
      // Of what has expired meanwhile a tombstone stays: the peer may have something older under the key.
      if (!this.#keepTombstones) return;
      store.applyRemoteTombstone(
        bytes,
        record.keyStart,
        record.keyLength,
        record.versionHi,
        record.versionLo,
        record.touchSeq,
        true,
      );
      return;
    }
    const result = store.restoreItem(
      bytes,
      record.keyStart,
      record.keyLength,
      record.valueStart,
      record.valueLength,
      record.flags,
      record.exptimeSec,
      record.versionHi,
      record.versionLo,
      record.touchSeq,
      record.marks,
    );
    if (result === REMOTE_APPLIED) this.items += 1;
  }
}
