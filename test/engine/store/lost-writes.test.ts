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
    expect(lost.covers(7, 1, 0)).toBe(false);
    lost.noteDeleted(7, 5, 10);
    lost.noteEvicted(8, 5, 10);
    expect([lost.covers(7, 5, 10), lost.covers(7, 5, 11)]).toEqual([true, false]);
    // The very version that was evicted may be with the peer by now.
    expect([lost.covers(8, 5, 9), lost.covers(8, 5, 10)]).toEqual([true, false]);
    expect(lost.covers(9, 1, 0)).toBe(false);
    expect([lost.isPending, lost.count, lost.deleteCount]).toEqual([true, 2, 1]);
    lost.clear();
    expect([lost.isPending, lost.covers(7, 5, 10)]).toEqual([false, false]);
  });

  it('keeps the higher version of a key', () => {
    const lost = new LostWrites(new SharedMemory(), MIB);
    lost.noteDeleted(0, 5, 0);
    lost.noteEvicted(0, 9, 0);
    lost.noteDeleted(0, 7, 0);
    expect([lost.covers(0, 8, 0xffff_ffff), lost.covers(0, 9, 0)]).toEqual([true, false]);
  });

  it('forgets what was evicted before it forgets a delete', () => {
    const lost = new LostWrites(new SharedMemory(), MIB);
    for (let key = 0; key < 1_000; key++) lost.noteDeleted(hashOf(key), 5, 0);
    for (let key = 1_000; key < MANY; key++) lost.noteEvicted(hashOf(key), 9, 0);
    for (let key = 0; key < 1_000; key++) expect(lost.covers(hashOf(key), 5, 0)).toBe(true);
    let remembered = 0;
    for (let key = 1_000; key < MANY; key++) if (lost.covers(hashOf(key), 5, 0)) remembered++;
    expect(remembered).toBeGreaterThan(KEYS / 2);
    expect(remembered).toBeLessThan(KEYS);
  });

  it('with too many deletes suspects whatever both nodes had, and nothing else', () => {
    const lost = new LostWrites(new SharedMemory(), MIB);
    lost.begin(2, 0);
    lost.seen.raise(4, 1);
    lost.join(0, 1, 0);
    lost.part(6, 0);
    for (let key = 0; key < MANY; key++) lost.noteDeleted(hashOf(key), 9, 0);
    for (let key = 0; key < MANY; key++) expect(lost.covers(hashOf(key), 3, 0)).toBe(true);
    const other = hashOf(MANY + 1);
    // From before it was started, made here since the link is gone, and written on the peer since it was last heard.
    for (const [hi, lo] of [
      [1, 0],
      [6, 2],
      [4, 3],
      [9, 1],
    ])
      expect(lost.covers(other, hi, lo), `${hi}.${lo}`).toBe(false);
    for (const [hi, lo] of [
      [2, 0],
      [6, 0],
      [4, 1],
    ])
      expect(lost.covers(other, hi, lo), `${hi}.${lo}`).toBe(true);
  });

  it('suspects what is made while the link stands, with the bit that it has then', () => {
    const lost = new LostWrites(new SharedMemory(), MIB);
    lost.begin(2, 0);
    for (let key = 0; key < MANY; key++) lost.noteDeleted(hashOf(key), 9, 0);
    const other = hashOf(MANY + 1);
    expect([lost.covers(other, 8, 0), lost.covers(other, 8, 1)]).toEqual([false, false]);
    lost.join(1, 5, 0);
    // Up to the last version before the link the other bit may have been its own.
    expect([lost.covers(other, 8, 0), lost.covers(other, 8, 1)]).toEqual([false, true]);
    expect([lost.covers(other, 5, 0), lost.covers(other, 5, 2)]).toEqual([true, false]);
    lost.part(7, 0);
    expect([lost.covers(other, 7, 1), lost.covers(other, 7, 3)]).toEqual([true, false]);
  });

  it('is taken over by the next process: the keys, and no more than the keys', () => {
    const before = new LostWrites(new SharedMemory(), MIB);
    before.begin(2, 0);
    before.noteDeleted(0, 5, 0);
    before.noteDeleted(7, 5, 0);
    before.noteEvicted(8, 6, 0);
    const after = new LostWrites(new SharedMemory(), MIB);
    before.forEachKey((hash, hi, lo, isDeleted) => after.restoreKey(hash, hi, lo, isDeleted));
    after.restoreFloor(before.floor);
    after.begin(10, 0);
    for (const hash of [0, 7]) expect(after.covers(hash, 5, 0)).toBe(true);
    expect([after.covers(8, 5, 9), after.covers(8, 6, 0)]).toEqual([true, false]);
    // What the process before had merely evicted is none of it.
    expect(after.covers(9, 4, 0)).toBe(false);
    expect(after.deleteCount).toBe(2);
  });

  it('is taken over with its floor, and with what both nodes had', () => {
    const before = new LostWrites(new SharedMemory(), MIB);
    before.begin(2, 0);
    before.seen.raise(4, 1);
    before.join(0, 1, 0);
    before.part(6, 0);
    for (let key = 0; key < MANY; key++) before.noteDeleted(hashOf(key), 9, 0);
    const after = new LostWrites(new SharedMemory(), MIB);
    after.restoreFloor(before.floor);
    after.begin(10, 0);
    expect([after.covers(1, 1, 0), after.covers(1, 2, 0)]).toEqual([false, true]);
    expect([after.covers(1, 6, 0), after.covers(1, 6, 2)]).toEqual([true, false]);
    expect([after.covers(1, 4, 1), after.covers(1, 4, 3)]).toEqual([true, false]);
  });

  it('has a floor under everything when the next process hashes otherwise', () => {
    const before = new LostWrites(new SharedMemory(), MIB);
    before.begin(2, 0);
    before.join(0, 1, 0);
    before.part(8, 0);
    before.noteDeleted(7, 5, 0);
    const after = new LostWrites(new SharedMemory(), MIB);
    after.restoreFloor(before.floor);
    expect(after.isPending).toBe(false);
    after.restoreUnknown(5, 0);
    expect([after.covers(1, 5, 0), after.covers(1, 6, 0)]).toEqual([true, false]);
    expect([after.covers(1, 1, 0), after.covers(1, 2, 0)]).toEqual([false, true]);
  });

  it('is one for all threads', () => {
    const memory = new SharedMemory();
    const first = new LostWrites(memory, MIB);
    const second = new LostWrites(new SharedMemory(memory.handles), MIB);
    second.noteDeleted(7, 5, 0);
    expect([first.isPending, first.covers(7, 5, 0)]).toEqual([true, true]);
  });
});
