// Writes the file of -e when a node stops: beside its place, then renamed, so that it is there whole or not at all.
import { closeSync, constants, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { Store } from '../../store/store.js';
import {
  BLOCK_BYTES,
  BLOCK_HEAD_BYTES,
  blockChecksum,
  END_BYTES,
  END_LENGTH,
  encodeHeader,
  headerChecksum,
  type MemoryFileHeader,
  RECORD_HEAD_BYTES,
} from './format.js';
import { recordBytes, writeLostKey, writeRecord } from './records.js';

const BUCKETS_AT_A_TIME = 65_536;
const PRIVATE_MODE = 0o600;

export interface SavedMemory {
  readonly items: number;
  readonly tombstones: number;
}

/** Under this name the file is made. One that a node left when it was killed meanwhile is replaced. */
export function unfinishedPath(path: string): string {
  return `${path}.new`;
}

/**
 * Saves all that the store holds. Nothing else may change it meanwhile. Gives way between blocks, so that signals
 * are heard. The file is not forced to the disk: after a loss of power it may be found damaged, and is then refused.
 * @throws the system's error; what was there under the path before is gone or whole
 */
export async function saveMemory(path: string, store: Store, header: MemoryFileHeader): Promise<SavedMemory> {
  const temporaryPath = unfinishedPath(path);
  removeFile(temporaryPath);
  const { O_WRONLY, O_CREAT, O_EXCL } = constants;
  const fd = openSync(temporaryPath, O_WRONLY | O_CREAT | O_EXCL, PRIVATE_MODE);
  try {
    const saved = await new Writer(fd, store).write(header);
    renameSync(temporaryPath, path);
    return saved;
  } catch (error) {
    removeFile(temporaryPath);
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** Removes a file, or the link that stands in its place, if there is one. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

class Writer {
  readonly #fd: number;
  readonly #store: Store;
  #block = Buffer.alloc(BLOCK_HEAD_BYTES + 2 * BLOCK_BYTES);
  #length = BLOCK_HEAD_BYTES;
  #checksum = 0;
  #items = 0;
  #tombstones = 0;

  constructor(fd: number, store: Store) {
    this.#fd = fd;
    this.#store = store;
  }

  async write(header: MemoryFileHeader): Promise<SavedMemory> {
    const headerBytes = encodeHeader(header);
    this.#checksum = headerChecksum(headerBytes);
    this.#writeAll(headerBytes, headerBytes.length);
    let bucket = 0;
    while (bucket < this.#store.bucketCount) {
      bucket = this.#writeBuckets(bucket);
      await setImmediate();
    }
    this.#writeLostKeys();
    if (this.#length > BLOCK_HEAD_BYTES) this.#endBlock(this.#length - BLOCK_HEAD_BYTES);
    this.#block.writeDoubleLE(this.#items, BLOCK_HEAD_BYTES);
    this.#block.writeDoubleLE(this.#tombstones, BLOCK_HEAD_BYTES + 8);
    this.#length = BLOCK_HEAD_BYTES + END_BYTES;
    this.#endBlock(END_LENGTH);
    return { items: this.#items, tombstones: this.#tombstones };
  }

  /** Adds whole buckets until a block is out. @returns the next bucket */
  #writeBuckets(from: number): number {
    const store = this.#store;
    const end = Math.min(store.bucketCount, from + BUCKETS_AT_A_TIME);
    let bucket = from;
    let isOut = false;
    store.lock();
    try {
      while (bucket < end && !isOut) {
        for (let ref = store.bucketHead(bucket); ref !== 0; ref = store.nextInBucket(ref)) {
          this.#add(ref);
          if (this.#length < BLOCK_BYTES) continue;
          this.#endBlock(this.#length - BLOCK_HEAD_BYTES);
          isOut = true;
        }
        bucket += 1;
      }
    } finally {
      store.unlock();
    }
    return bucket;
  }

  #add(ref: number): void {
    const store = this.#store;
    if (store.isForgotten(ref)) return;
    const needed = this.#length + recordBytes(store, ref);
    if (needed > this.#block.length) {
      const larger = Buffer.alloc(Math.max(needed, 2 * this.#block.length));
      this.#block.copy(larger, 0, 0, this.#length);
      this.#block = larger;
    }
    if (store.isLive(ref)) this.#items += 1;
    else this.#tombstones += 1;
    this.#length = writeRecord(store, ref, this.#block, this.#length);
  }

  #writeLostKeys(): void {
    this.#store.lostWrites.forEachKey((keyHash, hi, lo, isDeleted) => {
      if (this.#length + RECORD_HEAD_BYTES > this.#block.length)
        this.#endBlock(this.#length - BLOCK_HEAD_BYTES);
      this.#length = writeLostKey(this.#block, this.#length, keyHash, hi, lo, isDeleted);
    });
  }

  #endBlock(lengthWord: number): void {
    const block = this.#block;
    this.#checksum = blockChecksum(
      this.#checksum,
      lengthWord,
      block.subarray(BLOCK_HEAD_BYTES, this.#length),
    );
    block.writeUInt32LE(lengthWord, 0);
    block.writeUInt32LE(this.#checksum, 4);
    this.#writeAll(block, this.#length);
    this.#length = BLOCK_HEAD_BYTES;
  }

  #writeAll(bytes: Buffer, length: number): void {
    for (let at = 0; at < length; ) at += writeSync(this.#fd, bytes, at, length - at);
  }
}
