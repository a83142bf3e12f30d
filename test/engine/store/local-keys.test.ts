// Keys that stay on their node: nothing is said of them, and nothing is taken of them.
import { describe, expect, it } from 'vitest';
import { KeyPatterns } from '../../../src/engine/store/key-patterns.js';
import type { Store } from '../../../src/engine/store/store.js';
import {
  ARITH_OK,
  MODE_APPEND,
  REMOTE_APPLIED,
  REMOTE_LOCAL_KEY,
  STORED,
} from '../../../src/engine/store/store-types.js';
import { versionHiOfMs, versionLoOfMs } from '../../../src/engine/store/version.js';
import { newStore, put, RecordingLog, read, remove, START_MS, touch } from './new-store.js';

const LOCK = 'lock.abc';

function localStore(): { store: Store; log: RecordingLog } {
  const log = new RecordingLog();
  return { log, store: newStore({ changeLog: log, localKeys: new KeyPatterns(['lock.*', '*.lock']) }) };
}

function applyItem(store: Store, key: string, value: string): number {
  const bytes = Buffer.from(key + value);
  const at = START_MS + 5;
  return store.applyRemoteItem(
    bytes,
    0,
    key.length,
    key.length,
    value.length,
    0,
    0,
    versionHiOfMs(at),
    versionLoOfMs(at),
    0,
  );
}

describe('a key that stays local', () => {
  it('is served, and not logged, whatever is done to it', () => {
    const { store, log } = localStore();
    expect(put(store, LOCK, '1')).toBe(STORED);
    expect(put(store, LOCK, '2', { mode: MODE_APPEND })).toBe(STORED);
    expect(touch(store, LOCK, 100)).toBe(true);
    const key = Buffer.from(LOCK);
    // Each in its place, and once in a larger slot.
    for (const delta of [1, 0xffff_ffff, 0xffff_ffff]) {
      expect(store.arithmetic(key, 0, key.length, 0xffff_fff, delta, true)).toBe(ARITH_OK);
    }
    expect(store.overrideUnique(key, 0, key.length, 0, 77)).toBe(true);
    store.markStale(store.find(key, 0, key.length));
    expect(store.isLocal(store.find(key, 0, key.length))).toBe(true);
    expect(log.changes).toEqual([]);
    expect(put(store, 'session', 'x')).toBe(STORED);
    expect(log.changes).toHaveLength(1);
  });

  it('leaves no tombstone when it is deleted or expires', () => {
    const { store, log } = localStore();
    log.unknownToPeer = true;
    put(store, LOCK, '1');
    expect(remove(store, LOCK)).toBe(true);
    put(store, 'abc.lock', '1', { exptime: 10 });
    store.setNow(START_MS + 11_000);
    expect(read(store, 'abc.lock')).toBeUndefined();
    expect(store.tombstoneCount).toBe(0);
    expect(log.changes).toEqual([]);
    expect(store.counters.read('currItems')).toBe(0);
  });

  it('is not logged when its page is emptied', () => {
    const { store, log } = localStore();
    const keys = Array.from({ length: 20_000 }, (_, number) => `lock.${number}`);
    for (const key of keys) put(store, key, 'x'.repeat(50));
    // Room on the other pages for what lies on the first one.
    for (const [number, key] of keys.entries()) if (number % 2 === 1) remove(store, key);
    const refOf = (key: string) => store.find(Buffer.from(key), 0, key.length);
    const before = refOf(keys[0]);
    const slabClass = store.slabs.classOfRef(before);
    for (let pages = 3; pages > 0 && refOf(keys[0]) === before; pages--) store.reassignPage(slabClass);
    expect(refOf(keys[0])).not.toBe(before);
    expect(store.isLocal(refOf(keys[0]))).toBe(true);
    expect(log.changes).toEqual([]);
  });

  it('takes nothing from the peer', () => {
    const { store } = localStore();
    put(store, LOCK, 'ours');
    expect(applyItem(store, LOCK, 'theirs')).toBe(REMOTE_LOCAL_KEY);
    expect(read(store, LOCK)).toBe('ours');
    expect(applyItem(store, 'other.lock', 'theirs')).toBe(REMOTE_LOCAL_KEY);
    expect(read(store, 'other.lock')).toBeUndefined();
    const key = Buffer.from(LOCK);
    const at = START_MS + 60_000;
    expect(
      store.applyRemoteTombstone(key, 0, key.length, versionHiOfMs(at), versionLoOfMs(at), 0, true),
    ).toBe(REMOTE_LOCAL_KEY);
    expect(read(store, LOCK)).toBe('ours');
    expect(applyItem(store, 'session', 'theirs')).toBe(REMOTE_APPLIED);
  });

  it('is taken back after a restart, and still stays local', () => {
    const { store, log } = localStore();
    const bytes = Buffer.from(`${LOCK}1`);
    const hi = versionHiOfMs(START_MS);
    expect(store.restoreItem(bytes, 0, LOCK.length, LOCK.length, 1, 0, 0, hi, 2, 0)).toBe(REMOTE_APPLIED);
    expect(read(store, LOCK)).toBe('1');
    expect(remove(store, LOCK)).toBe(true);
    expect(log.changes).toEqual([]);
    expect(store.tombstoneCount).toBe(0);
  });

  it('dies with flush_all as all others do', () => {
    const { store } = localStore();
    put(store, LOCK, '1');
    store.flushAll(0);
    expect(read(store, LOCK)).toBeUndefined();
  });
});
