// A store for a test: small, at a fixed time, with the real clock of versions and a log that keeps everything.
import { HybridClock } from '../../../src/engine/replication/clock.js';
import type { ChangeKind, ChangeLog } from '../../../src/engine/store/change-log.js';
import { absoluteExptime } from '../../../src/engine/store/exptime.js';
import { Store } from '../../../src/engine/store/store.js';
import {
  MODE_SET,
  type StoreMode,
  type StoreOptions,
  type StoreResult,
} from '../../../src/engine/store/store-types.js';

export const START_MS = 1_700_000_000_000;

export interface Change {
  ref: number;
  versionHi: number;
  versionLo: number;
  touchSeq: number;
  kind: ChangeKind;
}

export class RecordingLog implements ChangeLog {
  readonly changes: Change[] = [];
  unknownToPeer = false;

  append(ref: number, versionHi: number, versionLo: number, touchSeq: number, kind: ChangeKind): void {
    this.changes.push({ ref, versionHi, versionLo, touchSeq, kind });
  }

  appendMove(ref: number, versionHi: number, versionLo: number, touchSeq: number, kind: ChangeKind): void {
    this.append(ref, versionHi, versionLo, touchSeq, kind);
  }

  mayBeUnknownToPeer(): boolean {
    return this.unknownToPeer;
  }

  isUnacknowledged(): boolean {
    return this.unknownToPeer;
  }
}

export function newStore(options: Partial<StoreOptions> & { nodeBit?: 0 | 1 } = {}): Store {
  const { nodeBit = 0, ...rest } = options;
  const store = new Store({
    memoryBytes: 8 * 1024 * 1024,
    hashSeed: 7,
    initialBuckets: 16,
    clock: new HybridClock(nodeBit),
    ...rest,
  });
  store.setNow(START_MS);
  return store;
}

export function put(
  store: Store,
  key: string,
  value: string | Uint8Array,
  { mode = MODE_SET, flags = 0, exptime = 0 }: { mode?: StoreMode; flags?: number; exptime?: number } = {},
): StoreResult | undefined {
  const keyBytes = Buffer.from(key);
  const valueBytes = Buffer.from(value);
  const exptimeSec = absoluteExptime(exptime, store.nowSec);
  const ref = store.reserve(keyBytes, 0, keyBytes.length, flags, exptimeSec, valueBytes.length);
  if (ref === 0) return undefined;
  store.writeValue(ref, 0, valueBytes, 0, valueBytes.length);
  return store.commit(ref, mode, 0, 0);
}

/** `set` over a live item in its place; false when the store wants it done by put(). */
export function overwrite(
  store: Store,
  key: string,
  value: string,
  { flags = 0, exptime = 0 }: { flags?: number; exptime?: number } = {},
): boolean {
  const keyLength = Buffer.byteLength(key);
  const bytes = Buffer.from(key + value);
  const exptimeSec = absoluteExptime(exptime, store.nowSec);
  return store.overwrite(bytes, 0, keyLength, flags, exptimeSec, keyLength, bytes.length - keyLength);
}

/** The value of a key as a client would get it. */
export function read(store: Store, key: string): string | undefined {
  const keyBytes = Buffer.from(key);
  const ref = store.get(keyBytes, 0, keyBytes.length);
  return ref === 0 ? undefined : valueAt(store, ref);
}

export function valueAt(store: Store, ref: number): string {
  const value = Buffer.alloc(store.valueLength(ref));
  store.copyValue(ref, 0, value.length, value, 0);
  return value.toString();
}

export function keyAt(store: Store, ref: number): string {
  const key = Buffer.alloc(store.keyLength(ref));
  store.copyKey(ref, key, 0);
  return key.toString();
}

export function remove(store: Store, key: string): boolean {
  const keyBytes = Buffer.from(key);
  return store.remove(keyBytes, 0, keyBytes.length);
}

export function touch(store: Store, key: string, exptime: number): boolean {
  const keyBytes = Buffer.from(key);
  return store.touch(keyBytes, 0, keyBytes.length, absoluteExptime(exptime, store.nowSec));
}

/** All live items, by a scan of the index as a full copy does it. */
export function contents(store: Store): Map<string, string> {
  const found = new Map<string, string>();
  for (let bucket = 0; bucket < store.bucketCount; bucket++) {
    for (let ref = store.bucketHead(bucket); ref !== 0; ref = store.nextInBucket(ref)) {
      if (store.isLive(ref)) found.set(keyAt(store, ref), valueAt(store, ref));
    }
  }
  return found;
}
