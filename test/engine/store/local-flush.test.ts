// flush_all of one node alone: exact to the write, and no word of it to the peer.
import { describe, expect, it } from 'vitest';
import { HybridClock } from '../../../src/engine/replication/clock.js';
import { SharedMemory } from '../../../src/engine/store/shared-memory.js';
import { Store } from '../../../src/engine/store/store.js';
import {
  MODE_ADD,
  NOT_STORED,
  REMOTE_APPLIED,
  REMOTE_LOST_HERE,
  STORED,
} from '../../../src/engine/store/store-types.js';
import { versionHiOfMs, versionLoOfMs } from '../../../src/engine/store/version.js';
import { newStore, overwrite, put, RecordingLog, read, remove, START_MS } from './new-store.js';

function flushingStore(): { store: Store; log: RecordingLog } {
  const log = new RecordingLog();
  log.unknownToPeer = true;
  return { log, store: newStore({ changeLog: log, flushesLocally: true }) };
}

/** Of the peer, with a version from before the test. */
function applyOld(store: Store, key: string, value: string): number {
  const bytes = Buffer.from(key + value);
  const at = START_MS - 60_000;
  const hi = versionHiOfMs(at);
  return store.applyRemoteItem(
    bytes,
    0,
    key.length,
    key.length,
    value.length,
    0,
    0,
    hi,
    versionLoOfMs(at),
    0,
  );
}

describe('flush_all of this node alone', () => {
  it('takes what was written before it, and spares what is written after it in the same millisecond', () => {
    const { store, log } = flushingStore();
    for (let round = 0; round < 5; round++) {
      put(store, 'before', 'x');
      const logged = log.changes.length;
      store.flushAll(0);
      expect(log.changes).toHaveLength(logged);
      expect(read(store, 'before')).toBeUndefined();
      expect(put(store, 'after', `${round}`)).toBe(STORED);
      expect(read(store, 'after')).toBe(`${round}`);
      expect(put(store, 'after', 'y', { mode: MODE_ADD })).toBe(NOT_STORED);
    }
    expect(store.flushState()).toMatchObject({ floorHi: 0, floorLo: 0, stampHi: 0, stampLo: 0 });
  });

  it('spares what is read or overwritten after it, however often and late', () => {
    const { store } = flushingStore();
    store.flushAll(0);
    store.flushAll(0);
    put(store, 'after', '0');
    expect(overwrite(store, 'after', '1')).toBe(true);
    for (let second = 0; second < 5; second++) {
      store.setNow(START_MS + second * 1_000);
      expect(read(store, 'after')).toBe('1');
    }
    store.flushAll(0);
    expect(read(store, 'after')).toBeUndefined();
  });

  it('leaves no tombstones, and is freed by the sweep', () => {
    const { store } = flushingStore();
    for (let number = 0; number < 100; number++) put(store, `k${number}`, 'x');
    remove(store, 'k0');
    expect(store.tombstoneCount).toBe(1);
    store.flushAll(0);
    let freed = 0;
    for (let round = 0; round < 100; round++) {
      store.setNow(START_MS + round * 1_000);
      freed += store.sweep(10_000);
    }
    expect(freed).toBe(99);
    // A delete that the peer has not heard of is still to be told.
    expect(store.tombstoneCount).toBe(1);
    expect(store.counters.read('currItems')).toBe(0);
  });

  it('lets the items of the peer come back, over what is still in its place as well', () => {
    const { store, log } = flushingStore();
    log.unknownToPeer = false;
    expect(applyOld(store, 'a', 'theirs')).toBe(REMOTE_APPLIED);
    put(store, 'b', 'ours');
    store.flushAll(0);
    expect(read(store, 'a')).toBeUndefined();
    for (const key of ['a', 'b', 'c']) {
      expect(applyOld(store, key, 'theirs')).toBe(REMOTE_APPLIED);
      expect(read(store, key)).toBe('theirs');
    }
    store.setNow(START_MS + 1);
    expect(read(store, 'a')).toBe('theirs');
    store.flushAll(0);
    expect(read(store, 'a')).toBeUndefined();
  });

  it.each([false, true])(
    'lets nothing back that is older than what the peer was not told (swept: %s)',
    (isSwept) => {
      const { store } = flushingStore();
      put(store, 'k', 'unsent');
      store.flushAll(0);
      store.setNow(START_MS + 1_000);
      if (isSwept) store.sweep(10_000);
      expect(applyOld(store, 'k', 'older')).toBe(REMOTE_LOST_HERE);
      expect(read(store, 'k')).toBeUndefined();
    },
  );

  it('for later takes effect then, unless another takes its place', () => {
    const { store } = flushingStore();
    put(store, 'k', '1');
    store.flushAll(2);
    store.setNow(START_MS + 1_999);
    put(store, 'late', '1');
    expect(read(store, 'k')).toBe('1');
    store.setNow(START_MS + 2_000);
    expect([read(store, 'k'), read(store, 'late')]).toEqual([undefined, undefined]);
    put(store, 'k', '2');
    store.flushAll(5);
    store.flushAll(0);
    put(store, 'k', '3');
    store.setNow(START_MS + 60_000);
    expect(read(store, 'k')).toBe('3');
  });

  it('is of all threads, also of one whose clock is ahead by a second', () => {
    const memory = new SharedMemory();
    const options = {
      memoryBytes: 8 * 1024 * 1024,
      hashSeed: 7,
      initialBuckets: 16,
      flushesLocally: true,
    };
    const one = new Store({ ...options, memory, clock: new HybridClock(0, memory) });
    const handles = new SharedMemory(memory.handles);
    const other = new Store({ ...options, memory: handles, clock: new HybridClock(0, handles) });
    one.setNow(START_MS);
    other.setNow(START_MS + 1_000);
    put(other, 'k', '1');
    one.flushAll(0);
    expect([read(one, 'k'), read(other, 'k')]).toEqual([undefined, undefined]);
    put(one, 'k', '2');
    expect([read(one, 'k'), read(other, 'k')]).toEqual(['2', '2']);
  });

  it('makes adds provisional: what this node has forgotten, the peer may have', () => {
    const { store, log } = flushingStore();
    log.unknownToPeer = false;
    put(store, 'k', '1', { mode: MODE_ADD });
    expect(store.isProvisional(store.find(Buffer.from('k'), 0, 1))).toBe(false);
    store.flushAll(0);
    put(store, 'k', '2', { mode: MODE_ADD });
    expect(store.isProvisional(store.find(Buffer.from('k'), 0, 1))).toBe(true);
  });
});
