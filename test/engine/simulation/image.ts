// The memory file of a simulated node: what -e writes and reads, without the file.

import { type MemoryFileHeader, RECORD_HEAD_BYTES } from '../../../src/engine/server/memory-file/format.js';
import { Taker } from '../../../src/engine/server/memory-file/load.js';
import { recordBytes, writeLostKey, writeRecord } from '../../../src/engine/server/memory-file/records.js';
import type { Store } from '../../../src/engine/store/store.js';
import type { SimNode } from './node.js';

export interface Image {
  readonly header: MemoryFileHeader;
  readonly records: Buffer;
}

/** What a node that was stopped in good order leaves. */
export function keepImage({ store, clock, nowMs }: Pick<SimNode, 'store' | 'clock' | 'nowMs'>): Image {
  store.setNow(nowMs);
  const header: MemoryFileHeader = {
    savedSec: Math.floor(nowMs / 1_000),
    clockHi: clock.latestHi,
    clockLo: clock.latestLo,
    flush: store.flushState(),
    hashSeed: store.hashSeed,
    lost: store.lostWrites.floor,
    pairId: '',
  };
  const entries: number[] = [];
  let sizeBytes = 0;
  for (let bucket = 0; bucket < store.bucketCount; bucket++) {
    for (let ref = store.bucketHead(bucket); ref !== 0; ref = store.nextInBucket(ref)) {
      if (store.isForgotten(ref)) continue;
      entries.push(ref);
      sizeBytes += recordBytes(store, ref);
    }
  }
  store.lostWrites.forEachKey(() => {
    sizeBytes += RECORD_HEAD_BYTES;
  });
  const records = Buffer.alloc(sizeBytes);
  let at = 0;
  for (const ref of entries) at = writeRecord(store, ref, records, at);
  store.lostWrites.forEachKey((keyHash, hi, lo, isDeleted) => {
    at = writeLostKey(records, at, keyHash, hi, lo, isDeleted);
  });
  return { header, records };
}

/** Before the node starts. */
export function restoreImage({ header, records }: Image, store: Store, nowMs: number): void {
  store.setNow(nowMs);
  const taker = new Taker({ store, pairId: '', keepTombstones: true, nowMs }, header);
  taker.take(records);
  taker.finish();
}
