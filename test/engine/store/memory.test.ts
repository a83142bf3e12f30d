// Memory: never more than -m, pages where they are needed, what the clock hand spares, refs that went stale.
import { describe, expect, it } from 'vitest';
import { CHANGE_TOMBSTONE } from '../../../src/engine/store/change-log.js';
import { Segments } from '../../../src/engine/store/segments.js';
import { SharedMemory } from '../../../src/engine/store/shared-memory.js';
import { contents, keyAt, newStore, put, RecordingLog, read, remove, START_MS } from './new-store.js';

const MIB = 1024 * 1024;

describe('memory', () => {
  it('stays within the limit while far more is written, in ever other sizes', () => {
    const store = newStore({ memoryBytes: 4 * MIB });
    for (const size of [200, 1000, 100_000, 1_000_000, 300, 20_000]) {
      for (let number = 0; number * (size + 100) < 6 * MIB; number++) {
        expect(put(store, `k${size}:${number}`, 'v'.repeat(size))).toBe(0);
      }
      expect(store.memoryUsedBytes).toBeLessThanOrEqual(4 * MIB);
      expect(store.memoryLimitBytes).toBeLessThanOrEqual(4 * MIB);
    }
    expect(store.counters.read('evictions')).toBeGreaterThan(0);
    expect(store.counters.read('slabsMoved')).toBeGreaterThan(0);
    const found = contents(store);
    expect(found.size).toBe(store.counters.read('currItems'));
  });

  it.each([1, 1025, 300_000, 1e15])('finds everything where %d entries were expected', (expected) => {
    const store = newStore({ memoryBytes: 64 * MIB });
    store.expect(expected);
    const count = 20_000;
    for (let number = 0; number < count; number++) put(store, `k${number}`, String(number));
    const missing = Array.from({ length: count }, (_, number) => number).filter(
      (number) => read(store, `k${number}`) !== String(number),
    );
    expect(missing).toEqual([]);
    expect(contents(store).size).toBe(count);
  });

  it('expects no more than its memory could hold, and nothing once something is there', () => {
    const store = newStore({ memoryBytes: 64 * MIB });
    const before = store.bucketCount;
    store.expect(1e15);
    const most = store.bucketCount;
    expect(most).toBeGreaterThan(before);
    expect(most * 4).toBeLessThanOrEqual((64 * MIB) / 32);
    put(store, 'k', 'v');
    store.expect(1e15);
    expect(store.bucketCount).toBe(most);
  });

  it('lets others have the store after each page of the index it expects entries for, and what they store', () => {
    const store = newStore({ memoryBytes: 256 * MIB });
    let turns = 0;
    store.yieldLock = () => {
      turns += 1;
      if (turns === 3) put(store, 'k', 'v');
    };
    store.expect(1e15);
    expect(turns).toBe(3);
    expect(store.bucketCount).toBe((3 * MIB) / 4);
    expect(read(store, 'k')).toBe('v');
  });

  it('keeps the accounts: everything deleted leaves zero', () => {
    const store = newStore();
    for (let number = 0; number < 3000; number++) put(store, `k${number}`, 'v'.repeat(number));
    for (const key of contents(store).keys()) remove(store, key);
    expect(store.counters.read('currItems')).toBe(0);
    expect(store.counters.read('bytes')).toBe(0);
  });

  it('refuses instead of evicting with -M, and takes again what expired', () => {
    const store = newStore({ memoryBytes: 4 * MIB, evictions: false });
    let stored = 0;
    while (put(store, `k${stored}`, 'v'.repeat(1000), { exptime: 10 }) === 0) stored++;
    expect(stored).toBeGreaterThan(1000);
    expect(store.counters.read('evictions')).toBe(0);
    expect(contents(store).size).toBe(stored);
    store.setNow(START_MS + 10_000);
    expect(put(store, 'later', 'v'.repeat(1000))).toBe(0);
  });

  it('spares what is read while a scan of new items passes', () => {
    const store = newStore({ memoryBytes: 8 * MIB });
    const hot = Array.from({ length: 200 }, (_, number) => `hot${number}`);
    for (const key of hot) put(store, key, 'v'.repeat(500));
    for (let round = 0; round < 60; round++) {
      for (const key of hot) read(store, key);
      for (let number = 0; number < 1000; number++) put(store, `cold${round}:${number}`, 'v'.repeat(500));
    }
    expect(store.counters.read('evictions')).toBeGreaterThan(10_000);
    expect(hot.filter((key) => read(store, key) !== undefined)).toHaveLength(hot.length);
  });

  it('never takes a slot whose value is still arriving', () => {
    const store = newStore({ memoryBytes: 4 * MIB });
    const key = Buffer.from('slow');
    const ref = store.reserve(key, 0, key.length, 0, 0, 400_000);
    for (let number = 0; number < 100; number++) put(store, `fast${number}`, 'v'.repeat(400_000));
    for (let number = 0; number < 30_000; number++) put(store, `small${number}`, 'v');
    const value = Buffer.alloc(400_000, 's');
    store.writeValue(ref, 0, value, 0, value.length);
    expect(store.commit(ref, 0, 0, 0)).toBe(0);
    expect(read(store, 'slow')).toBe(value.toString());
  });

  it('sweeps what expired or was flushed, a few slots at a time', () => {
    const store = newStore();
    for (let number = 0; number < 1000; number++)
      put(store, `k${number}`, 'v', { exptime: number < 600 ? 5 : 0 });
    store.setNow(START_MS + 5000);
    let freed = 0;
    for (let step = 0; step < 300; step++) freed += store.sweep(10);
    expect(freed).toBe(600);
    expect(store.counters.read('currItems')).toBe(400);
    store.flushAll(0);
    for (let step = 0; step < 300; step++) store.sweep(10);
    expect(store.counters.read('currItems')).toBe(0);
  });

  it('knows by ref whether an entry is still the same, even when its page went to another class', () => {
    const changeLog = new RecordingLog();
    const store = newStore({ memoryBytes: 4 * MIB, changeLog });
    put(store, 'k', 'first');
    const [first] = changeLog.changes;
    expect(store.holds(first.ref, first.versionHi, first.versionLo, 0)).toBe(true);
    expect(keyAt(store, first.ref)).toBe('k');
    put(store, 'k', 'second');
    expect(store.holds(first.ref, first.versionHi, first.versionLo, 0)).toBe(false);
    for (let number = 0; number < 40; number++) put(store, `large${number}`, 'v'.repeat(700_000));
    for (const change of changeLog.changes) {
      if (store.holds(change.ref, change.versionHi, change.versionLo, change.touchSeq)) {
        expect(keyAt(store, change.ref)).toMatch(/^(k|large\d+)$/);
      }
    }
    for (let ref = 0; ref < 4 * MIB; ref += 4099) expect(store.holds(ref, 1, 1, 0)).toBe(false);
    expect(store.holds(0xffff_ffff, 1, 1, 0)).toBe(false);
  });

  it('lets the tombstone of a delete go once it is acknowledged, and only that one', () => {
    const changeLog = new RecordingLog();
    const store = newStore({ changeLog });
    put(store, 'k', 'v'.repeat(5000));
    remove(store, 'k');
    const change = changeLog.changes[1];
    expect(change.kind).toBe(CHANGE_TOMBSTONE);
    expect(store.isTombstone(change.ref)).toBe(true);
    expect(store.holds(change.ref, change.versionHi, change.versionLo, 0)).toBe(true);
    expect(store.tombstoneCount).toBe(1);
    expect(store.releaseTombstone(change.ref, change.versionHi, change.versionLo + 2)).toBe(false);
    expect(store.releaseTombstone(change.ref, change.versionHi, change.versionLo)).toBe(true);
    expect(store.releaseTombstone(change.ref, change.versionHi, change.versionLo)).toBe(false);
    expect(store.tombstoneCount).toBe(0);
  });

  it('turns an expired item that the peer may not know into a tombstone', () => {
    const changeLog = new RecordingLog();
    changeLog.unknownToPeer = true;
    const store = newStore({ changeLog });
    put(store, 'k', 'v', { exptime: 1 });
    store.setNow(START_MS + 1000);
    expect(read(store, 'k')).toBeUndefined();
    expect(store.tombstoneCount).toBe(1);
    expect(put(store, 'k', 'again')).toBe(0);
    expect(store.tombstoneCount).toBe(0);
    expect(read(store, 'k')).toBe('again');
  });

  it('reaches behind the first gigabyte', () => {
    const segments = new Segments(new SharedMemory(), 1024 * MIB + MIB);
    const ref = 0x800_0000 + 1;
    segments.setHeader(ref, 3, 1, 2, 4);
    segments.setVersion(ref, 5, 6, 7);
    expect(segments.word(ref, 2)).toBe(6);
    expect(segments.view(ref)).toBe(segments.bytes[1]);
    expect(segments.valueOffset(ref)).toBe(8 + 32 + 3);
  });
});

describe('the index', () => {
  it('shows a scan every item that stays, however much it grows meanwhile', () => {
    const store = newStore({ memoryBytes: 64 * MIB });
    for (let number = 0; number < 2000; number++) put(store, `old${number}`, 'v');
    const seen = new Set<string>();
    let added = 0;
    for (let bucket = 0; bucket < store.bucketCount; bucket++) {
      for (let ref = store.bucketHead(bucket); ref !== 0; ref = store.nextInBucket(ref))
        seen.add(keyAt(store, ref));
      for (let more = 0; more < 3 && added < 20_000; more++) put(store, `new${added++}`, 'v');
    }
    expect(store.bucketCount).toBeGreaterThan(20_000);
    for (let number = 0; number < 2000; number++) expect(seen.has(`old${number}`), `old${number}`).toBe(true);
  });

  it('takes pages as it grows, and finds every key', () => {
    const store = newStore({ memoryBytes: 64 * MIB, initialBuckets: 0x4_0000 });
    const count = 270_000;
    for (let number = 0; number < count; number++) put(store, `k${number}`, 'v');
    expect(store.bucketCount).toBeGreaterThan(0x4_0000);
    for (let number = 0; number < count; number += 7) expect(read(store, `k${number}`)).toBe('v');
  });
});
