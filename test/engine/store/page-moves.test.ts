// Pages follow the mix of sizes: from class to class, within -m, without losing what is used or what is arriving.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Store } from '../../../src/engine/store/store.js';
import { STORED } from '../../../src/engine/store/store-types.js';
import { contents, newStore, put, RecordingLog, read, remove, valueAt } from './new-store.js';

const MIB = 1024 * 1024;

/** Writes new keys with values of one size until so much has been written. Returns the keys. */
function pour(store: Store, prefix: string, valueBytes: number, totalBytes: number): string[] {
  const keys: string[] = [];
  for (let written = 0; written < totalBytes; written += valueBytes + 50) {
    const key = `${prefix}:${keys.length}`;
    if (put(store, key, key.padEnd(valueBytes, 'v')) !== STORED) throw new Error(`${key} was not stored`);
    keys.push(key);
  }
  return keys;
}

/** Bytes of live values that come from these keys. */
function keptBytes(store: Store, keys: readonly string[]): number {
  let kept = 0;
  for (const key of keys) kept += read(store, key)?.length ?? 0;
  return kept;
}

describe('pages', () => {
  it.each([
    [400, 10_000],
    [10_000, 400],
    [400, 700_000],
    [700_000, 400],
    [1000, 3000],
  ])('go from values of %i bytes to values of %i once those are what is written', (before, after) => {
    const store = newStore({ memoryBytes: 8 * MIB });
    pour(store, 'before', before, 10 * MIB);
    const keys = pour(store, 'after', after, 30 * MIB);
    // What a store has that never held anything else, less a few pages on the way.
    const fresh = newStore({ memoryBytes: 8 * MIB });
    const freshKeys = pour(fresh, 'after', after, 10 * MIB);
    expect(keptBytes(store, keys)).toBeGreaterThan(0.7 * keptBytes(fresh, freshKeys));
    expect(store.memoryUsedBytes).toBeLessThanOrEqual(8 * MIB);
  });

  it('stay with small items that are read, whatever streams through beside them', () => {
    const store = newStore({ memoryBytes: 8 * MIB });
    const hot = Array.from({ length: 5000 }, (_, number) => `hot${number}`);
    for (const key of hot) put(store, key, 'h'.repeat(400));
    for (let round = 0; round < 30; round++) {
      for (const key of hot) read(store, key);
      pour(store, `stream${round}`, 10_000, 2 * MIB);
    }
    expect(hot.filter((key) => read(store, key) !== undefined).length).toBe(hot.length);
    expect(store.counters.read('evictions')).toBeGreaterThan(1500);
  });

  it('give up the slots that are free before any item goes', () => {
    const store = newStore({ memoryBytes: 8 * MIB });
    const keys = pour(store, 'small', 400, 5 * MIB);
    for (const key of keys) if (Number(key.slice(6)) % 4 !== 0) remove(store, key);
    const kept = [...contents(store).keys()];
    const evictedBefore = store.counters.read('evictions');
    pour(store, 'large', 10_000, 2.5 * MIB);
    const lost = kept.filter((key) => read(store, key) === undefined).length;
    expect(lost).toBeLessThan(kept.length / 20);
    expect(store.counters.read('evictions') - evictedBefore).toBeLessThan(350);
    expect(store.counters.read('slabsMoved')).toBeGreaterThan(0);
  });

  it('are asked for little by little: no write evicts much more than the room it takes', () => {
    const store = newStore({ memoryBytes: 12 * MIB });
    pour(store, 'small', 100, 16 * MIB);
    // The first one has no page to take turns on, and takes a whole one at once.
    put(store, 'first', 'v'.repeat(10_000));
    let evicted = store.counters.read('evictions');
    let most = 0;
    for (let number = 0; number < 1500; number++) {
      put(store, `large${number}`, 'v'.repeat(10_000));
      const now = store.counters.read('evictions');
      most = Math.max(most, now - evicted);
      evicted = now;
    }
    expect(most).toBeLessThan(200);
  });

  it('with a value still arriving on them stay, and the value comes in whole', () => {
    const store = newStore({ memoryBytes: 12 * MIB, itemSizeMaxBytes: 4 * MIB });
    const arriving = [100, 100, 5000, 600_000, 2_000_000].map((length, number) => {
      const key = Buffer.from(`slow${number}`);
      return { key, length, ref: store.reserve(key, 0, key.length, 0, 0, length) };
    });
    pour(store, 'a', 100, 12 * MIB);
    pour(store, 'b', 10_000, 12 * MIB);
    pour(store, 'c', 700_000, 12 * MIB);
    pour(store, 'd', 100, 12 * MIB);
    for (const { key, length, ref } of arriving) {
      const value = Buffer.alloc(length, key);
      for (let at = 0; at < length; at += 65_536) {
        store.writeValue(ref, at, value, at, Math.min(length, at + 65_536));
      }
      expect(store.commit(ref, 0, 0, 0)).toBe(0);
      expect(read(store, key.toString()) === value.toString()).toBe(true);
    }
  });

  it('that move tell the sender where each change is now', () => {
    const changeLog = new RecordingLog();
    changeLog.unknownToPeer = true;
    const store = newStore({ memoryBytes: 8 * MIB, changeLog });
    const keys = pour(store, 'small', 400, 5 * MIB);
    for (const key of keys) if (Number(key.slice(6)) % 4 !== 0) remove(store, key);
    pour(store, 'large', 10_000, 3.5 * MIB);
    const announced = new Set<number>();
    for (const { ref, versionHi, versionLo, touchSeq } of changeLog.changes) {
      if (store.holds(ref, versionHi, versionLo, touchSeq)) announced.add(ref);
    }
    for (let bucket = 0; bucket < store.bucketCount; bucket++) {
      for (let ref = store.bucketHead(bucket); ref !== 0; ref = store.nextInBucket(ref)) {
        expect(announced.has(ref)).toBe(true);
      }
    }
    expect(store.counters.read('slabsMoved')).toBeGreaterThan(1);
  });
});

const phases = fc.array(
  fc.record({
    valueBytes: fc.oneof(
      fc.integer({ min: 0, max: 400 }),
      fc.integer({ min: 400, max: 30_000 }),
      fc.integer({ min: 30_000, max: 1_500_000 }),
    ),
    totalBytes: fc.integer({ min: 100_000, max: 6 * MIB }),
    removeEvery: fc.integer({ min: 0, max: 4 }),
    readEvery: fc.integer({ min: 0, max: 4 }),
  }),
  { minLength: 3, maxLength: 8 },
);

describe('random mixes of sizes', () => {
  it('stay within the memory, keep the accounts, and never show a byte of another item', () => {
    fc.assert(
      fc.property(phases, fc.boolean(), (list, replicates) => {
        const store = newStore({
          memoryBytes: 8 * MIB,
          itemSizeMaxBytes: 2 * MIB,
          ...(replicates && { changeLog: new RecordingLog() }),
        });
        for (const [number, phase] of list.entries()) {
          const keys = pour(
            store,
            `p${number}`,
            phase.valueBytes,
            Math.min(phase.totalBytes, phase.valueBytes * 4000 + 50_000),
          );
          for (const [at, key] of keys.entries()) {
            if (phase.removeEvery > 0 && at % phase.removeEvery === 0) remove(store, key);
            else if (phase.readEvery > 0 && at % phase.readEvery === 0) read(store, key);
          }
          expect(store.memoryUsedBytes).toBeLessThanOrEqual(store.memoryLimitBytes);
        }
        let bytes = 0;
        const found = contents(store);
        for (const [key, value] of found) {
          const { valueBytes } = list[Number(key.slice(1, key.indexOf(':')))];
          expect(value === key.padEnd(valueBytes, 'v')).toBe(true);
          bytes += 32 + key.length + value.length;
        }
        expect(store.counters.read('currItems')).toBe(found.size);
        expect(store.counters.read('bytes')).toBe(bytes);
        expectSlotsToAgree(store);
        store.flushAll(0);
        store.setNow(store.nowMs + 1);
        for (let step = 0; step < 100; step++) store.sweep(10_000);
        expect(store.counters.read('currItems')).toBe(0);
        expect(store.slabs.sparePages).toBe(store.slabs.pageLimit - 1);
      }),
      { numRuns: 20 },
    );
  });
});

/** Every used slot is one of an entry of the index. */
function expectSlotsToAgree(store: Store): void {
  const { slabs } = store;
  let slots = 0;
  for (let bucket = 0; bucket < store.bucketCount; bucket++) {
    for (let ref = store.bucketHead(bucket); ref !== 0; ref = store.nextInBucket(ref)) {
      const size = 32 + store.keyLength(ref) + (store.isTombstone(ref) ? 0 : valueAt(store, ref).length);
      // The last word of a chained item's head refers to its pieces; each of those has a header.
      const chained = Math.max(0, size - slabs.slotBytesMax);
      slots += 1 + (chained === 0 ? 0 : Math.ceil((chained + 4) / (slabs.slotBytesMax - 32)));
    }
  }
  let used = 0;
  for (let slabClass = 0; slabClass < slabs.sizes.length; slabClass++)
    used += slabs.usedSlotsOfClass(slabClass);
  expect(used).toBe(slots);
}
