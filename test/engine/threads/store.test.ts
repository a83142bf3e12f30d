// One store in several threads: the memory they share, the lock, and what holds when all hammer the same keys.
import { randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { HybridClock } from '../../../src/engine/replication/clock.js';
import { SharedMemory } from '../../../src/engine/store/shared-memory.js';
import type { Store } from '../../../src/engine/store/store.js';
import { StoreLock } from '../../../src/engine/store/store-lock.js';
import { runWithBun } from '../../helpers/bun.js';
import { newStore, put, read, remove } from '../store/new-store.js';
import type { HammerReport } from './store-hammer.js';

const HAMMER = fileURLToPath(new URL('store-hammer.ts', import.meta.url));
const SECONDS = 3;

function storeOver(memory: SharedMemory): Store {
  return newStore({ memory, clock: new HybridClock(0, memory) });
}

describe('shared memory', () => {
  it('shows each view of a store what the other has written', () => {
    const memory = new SharedMemory();
    const first = storeOver(memory);
    put(first, 'early', 'one');
    const second = storeOver(new SharedMemory(structuredClone(memory.handles)));
    put(second, 'late', 'two');
    expect(read(second, 'early')).toBe('one');
    expect(read(first, 'late')).toBe('two');
    expect(remove(first, 'late')).toBe(true);
    expect(read(second, 'late')).toBeUndefined();
    expect(second.counters.read('currItems')).toBe(1);
  });

  it('refuses a view with other options, rather than to misread what is there', () => {
    const memory = new SharedMemory();
    storeOver(memory);
    const shared = new SharedMemory(memory.handles);
    expect(() => newStore({ memory: shared, memoryBytes: 16 * 1024 * 1024 })).toThrow(/shared block/);
  });
});

describe('the lock', () => {
  it('is free again after unlock, and says while it is held', () => {
    const lock = new StoreLock(new SharedMemory());
    for (let round = 0; round < 2; round++) {
      lock.lock();
      expect(lock.isHeld).toBe(true);
      lock.unlock();
      expect(lock.isHeld).toBe(false);
    }
  });

  it('fails at once when the thread that holds it asks for it', () => {
    const lock = new StoreLock(new SharedMemory());
    lock.lock();
    expect(() => lock.lock()).toThrow('this thread holds the store lock already');
  });

  it('is still held after giving way to nobody', () => {
    const lock = new StoreLock(new SharedMemory());
    lock.lock();
    lock.yield();
    expect(lock.isHeld).toBe(true);
    lock.unlock();
  });
});

describe('threads on the same keys', () => {
  it.each([
    { situation: 'with room for all', memoryMb: 64, keys: 64 },
    { situation: 'while items are evicted', memoryMb: 4, keys: 3000 },
  ])('tear no value and lose no count $situation', async ({ memoryMb, keys }) => {
    const seed = randomInt(2 ** 31);
    const args = [4, SECONDS, memoryMb, keys, seed].map(String);
    const report: HammerReport = JSON.parse(await runWithBun(HAMMER, args, 25_000));
    expect(report.faults, `seed ${seed}`).toEqual([]);
    expect(report.stored).toBeGreaterThan(1000);
    if (memoryMb === 64) expect(report.casStored).toBeGreaterThan(100);
    else expect(report.evictions).toBeGreaterThan(1000);
  });
});
