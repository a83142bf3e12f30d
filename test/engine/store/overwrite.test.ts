// `set` over a live item in its place: when that is done, and that nobody can tell it from the long way.
import { describe, expect, it } from 'vitest';
import { HybridClock } from '../../../src/engine/replication/clock.js';
import { CHANGE_ITEM } from '../../../src/engine/store/change-log.js';
import { Store } from '../../../src/engine/store/store.js';
import { WATCH_MUTATIONS } from '../../../src/engine/store/watch-log.js';
import { newStore, overwrite, put, RecordingLog, read, remove, START_MS } from './new-store.js';

function find(store: Store, key: string): number {
  return store.find(Buffer.from(key), 0, key.length);
}

describe('overwrite', () => {
  it('replaces value, flags, expiry and version, and stays where it was', () => {
    const store = newStore();
    put(store, 'k', 'first', { flags: 1 });
    const ref = find(store, 'k');
    const before = [store.versionHi(ref), store.versionLo(ref)];
    store.setNow(START_MS + 2000);
    expect(overwrite(store, 'k', 'second!', { flags: 9, exptime: 60 })).toBe(true);
    expect(find(store, 'k')).toBe(ref);
    expect(read(store, 'k')).toBe('second!');
    expect(store.flags(ref)).toBe(9);
    expect(store.exptimeSec(ref)).toBe(START_MS / 1000 + 62);
    expect([store.versionHi(ref), store.versionLo(ref)]).not.toEqual(before);
    expect(store.lastAccessSec(ref)).toBe(START_MS / 1000 + 2);
  });

  it('counts as the long way does', () => {
    const counts = (store: Store) =>
      (['cmdSet', 'totalItems', 'currItems', 'bytes'] as const).map((name) => store.counters.read(name));
    const [short, long] = [newStore(), newStore()];
    for (const store of [short, long]) put(store, 'k', 'v'.repeat(10));
    expect(overwrite(short, 'k', 'v'.repeat(40))).toBe(true);
    put(long, 'k', 'v'.repeat(40));
    expect(counts(short)).toEqual(counts(long));
    const slabClass = long.slabs.classOfRef(find(long, 'k'));
    for (const name of ['cmdSet', 'items', 'bytes'] as const) {
      expect(short.classCounters.read(slabClass, name)).toBe(long.classCounters.read(slabClass, name));
    }
    for (const store of [short, long]) remove(store, 'k');
    expect(short.counters.read('bytes')).toBe(0);
  });

  it('tells the peer of the new version', () => {
    const changeLog = new RecordingLog();
    const store = newStore({ changeLog });
    put(store, 'k', 'first');
    overwrite(store, 'k', 'second');
    const [first, second] = changeLog.changes;
    expect(second).toMatchObject({ ref: first.ref, kind: CHANGE_ITEM });
    expect(store.holds(first.ref, first.versionHi, first.versionLo, 0)).toBe(false);
    expect(store.holds(second.ref, second.versionHi, second.versionLo, 0)).toBe(true);
  });

  it('gives what is written again and again another turn before it has to go', () => {
    const store = newStore({ memoryBytes: 4 * 2 ** 20 });
    put(store, 'session', 'v'.repeat(500));
    for (let number = 0; number < 40_000; number++) {
      if (number % 1000 === 0)
        expect(overwrite(store, 'session', 'w'.repeat(500)), `at ${number}`).toBe(true);
      put(store, `k${number}`, 'v'.repeat(500));
    }
    expect(store.counters.read('evictions')).toBeGreaterThan(20_000);
  });

  it.each<{ what: string; prepare?: (store: Store) => void; value?: string; exptime?: number }>([
    { what: 'there is no item', prepare: (store) => remove(store, 'k') },
    { what: 'the item has expired', prepare: (store) => store.setNow(START_MS + 101_000) },
    { what: 'the item was flushed', prepare: (store) => store.flushAll(0) },
    { what: 'the new value needs a larger slot', value: 'v'.repeat(5000) },
    { what: 'the new value would do with a smaller slot', value: '' },
    { what: 'the new value is too large for any', value: 'v'.repeat(2_000_000) },
    { what: 'the new value has expired', exptime: -1 },
    { what: 'the item is stale', prepare: (store) => store.markStale(find(store, 'k')) },
    {
      what: 'the item has a unique of its own',
      prepare: (store) => store.overrideUnique(Buffer.from('k'), 0, 1, 1, 2),
    },
    { what: 'somebody watches', prepare: (store) => store.watchLog.addWatcher(WATCH_MUTATIONS, 1) },
    {
      what: 'prefixes are counted',
      prepare: (store) => Object.assign(store.prefixStats, { isEnabled: true }),
    },
  ])('leaves everything alone when $what', ({ prepare, value = 'w'.repeat(200), exptime = 0 }) => {
    const store = newStore();
    put(store, 'k', 'v'.repeat(200), { exptime: 100 });
    prepare?.(store);
    const before = read(store, 'k');
    expect(overwrite(store, 'k', value, { exptime })).toBe(false);
    expect(read(store, 'k')).toBe(before);
  });

  it('does not write over one that is a chain of slots', () => {
    const store = new Store({
      memoryBytes: 16 * 2 ** 20,
      itemSizeMaxBytes: 8 * 2 ** 20,
      hashSeed: 1,
      clock: new HybridClock(0),
    });
    store.setNow(START_MS);
    put(store, 'k', 'v'.repeat(700_000));
    expect(overwrite(store, 'k', 'w'.repeat(500_000))).toBe(false);
    expect(overwrite(store, 'k', 'w'.repeat(700_001))).toBe(false);
    expect(read(store, 'k')).toBe('v'.repeat(700_000));
  });
});
