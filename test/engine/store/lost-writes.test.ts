// What is remembered of writes that were lost before the peer had them, and what goes first when there are too many.
import { describe, expect, it } from 'vitest';
import { LostWrites } from '../../../src/engine/store/lost-writes.js';
import { SharedMemory } from '../../../src/engine/store/shared-memory.js';

const MIB = 1024 * 1024;
const KEYS = 0x4000;
/** Far more than there is room for. */
const MANY = KEYS * 4;

/** Any spread of hashes will do. */
const hashOf = (key: number): number => Math.imul(key + 1, 0x9e3779b1) >>> 0;

describe('LostWrites', () => {
  it('covers what is older of the same key, and nothing else', () => {
    const lost = new LostWrites(new SharedMemory(), MIB);
    expect(lost.covers(7, 1, 0, true)).toBe(false);
    lost.noteDeleted(7, 5, 10);
    lost.noteEvicted(8, 5, 10);
    expect([lost.covers(7, 5, 10, false), lost.covers(7, 5, 11, false)]).toEqual([true, false]);
    // The very version that was evicted may be with the peer by now.
    expect([lost.covers(8, 5, 9, false), lost.covers(8, 5, 10, false)]).toEqual([true, false]);
    expect(lost.covers(9, 1, 0, false)).toBe(false);
    expect([lost.isPending, lost.count, lost.deleteCount]).toEqual([true, 2, 1]);
    lost.clear();
    expect([lost.isPending, lost.covers(7, 5, 10, false)]).toEqual([false, false]);
  });

  it('keeps the higher version of a key', () => {
    const lost = new LostWrites(new SharedMemory(), MIB);
    lost.noteDeleted(0, 5, 0);
    lost.noteEvicted(0, 9, 0);
    lost.noteDeleted(0, 7, 0);
    expect([lost.covers(0, 8, 0xffff_ffff, false), lost.covers(0, 9, 0, false)]).toEqual([true, false]);
  });

  it('forgets what was evicted before it forgets a delete', () => {
    const lost = new LostWrites(new SharedMemory(), MIB);
    for (let key = 0; key < 1_000; key++) lost.noteDeleted(hashOf(key), 5, 0);
    for (let key = 1_000; key < MANY; key++) lost.noteEvicted(hashOf(key), 9, 0);
    for (let key = 0; key < 1_000; key++) expect(lost.covers(hashOf(key), 5, 0, false)).toBe(true);
    let remembered = 0;
    for (let key = 1_000; key < MANY; key++) if (lost.covers(hashOf(key), 5, 0, false)) remembered++;
    expect(remembered).toBeGreaterThan(KEYS / 2);
    expect(remembered).toBeLessThan(KEYS);
  });

  it('with too many deletes suspects whatever it can have deleted, and nothing that it never saw', () => {
    const lost = new LostWrites(new SharedMemory(), MIB);
    lost.begin(2, 0);
    lost.saw(4, 1);
    for (let key = 0; key < MANY; key++) lost.noteDeleted(hashOf(key), 9, 0);
    for (let key = 0; key < MANY; key++) expect(lost.covers(hashOf(key), 3, 0, true)).toBe(true);
    const other = hashOf(MANY + 1);
    // Its own from before it was started, and what the peer wrote since it was last heard.
    expect([lost.covers(other, 1, 0, true), lost.covers(other, 4, 3, false)]).toEqual([false, false]);
    expect([lost.covers(other, 2, 0, true), lost.covers(other, 4, 1, false)]).toEqual([true, true]);
    expect(lost.covers(other, 9, 1, true)).toBe(false);
  });

  it('is taken over by the next process: the keys, and no more than the keys', () => {
    const before = new LostWrites(new SharedMemory(), MIB);
    before.begin(2, 0);
    before.noteDeleted(0, 5, 0);
    before.noteDeleted(7, 5, 0);
    before.noteEvicted(8, 6, 0);
    const after = new LostWrites(new SharedMemory(), MIB);
    before.forEachKey((hash, hi, lo, isDeleted) => after.restoreKey(hash, hi, lo, isDeleted));
    after.restoreFloor(before.floor, 9, 0);
    after.begin(10, 0);
    for (const hash of [0, 7]) expect(after.covers(hash, 5, 0, true)).toBe(true);
    expect([after.covers(8, 5, 9, false), after.covers(8, 6, 0, false)]).toEqual([true, false]);
    // What the process before had merely evicted is none of it.
    expect(after.covers(9, 4, 0, true)).toBe(false);
    expect(after.deleteCount).toBe(2);
  });

  it('is taken over with its floor, under all that the process before had made or seen', () => {
    const before = new LostWrites(new SharedMemory(), MIB);
    before.begin(2, 0);
    for (let key = 0; key < MANY; key++) before.noteDeleted(hashOf(key), 9, 0);
    const after = new LostWrites(new SharedMemory(), MIB);
    after.restoreFloor(before.floor, 8, 1);
    after.begin(10, 0);
    expect([after.covers(1, 1, 0, true), after.covers(1, 2, 0, true)]).toEqual([false, true]);
    expect([after.covers(1, 8, 1, false), after.covers(1, 8, 3, false)]).toEqual([true, false]);
  });

  it('has a floor under everything when the next process hashes otherwise', () => {
    const after = new LostWrites(new SharedMemory(), MIB);
    after.restoreFloor({ floorHi: 0, floorLo: 0, firstHi: 2, firstLo: 0 }, 8, 0);
    expect(after.isPending).toBe(false);
    after.restoreUnknown(5, 0);
    after.restoreFloor({ floorHi: 0, floorLo: 0, firstHi: 2, firstLo: 0 }, 8, 0);
    expect([after.covers(1, 5, 0, false), after.covers(1, 6, 0, false)]).toEqual([true, false]);
    expect([after.covers(1, 1, 0, true), after.covers(1, 2, 0, true)]).toEqual([false, true]);
  });

  it('is one for all threads', () => {
    const memory = new SharedMemory();
    const first = new LostWrites(memory, MIB);
    const second = new LostWrites(new SharedMemory(memory.handles), MIB);
    second.noteDeleted(7, 5, 0);
    expect([first.isPending, first.covers(7, 5, 0, false)]).toEqual([true, true]);
  });
});
