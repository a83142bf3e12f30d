// The peer's writes: whatever their order and however often they come, the result is the same.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Store } from '../../../src/engine/store/store.js';
import {
  REMOTE_APPLIED,
  REMOTE_DEAD,
  REMOTE_INVALID,
  REMOTE_LOST_HERE,
  REMOTE_NO_MEMORY,
  REMOTE_OLDER,
  REMOTE_SAME,
  type RemoteResult,
} from '../../../src/engine/store/store-types.js';
import { versionHiOfMs, versionLoOfMs } from '../../../src/engine/store/version.js';
import { contents, newStore, put, RecordingLog, read, remove, START_MS } from './new-store.js';

interface RemoteWrite {
  key: string;
  /** undefined = a delete. */
  value: string | undefined;
  ms: number;
  touchSeq: number;
  exptimeSec: number;
}

function apply(store: Store, write: RemoteWrite, keep = true): RemoteResult {
  const key = Buffer.from(write.key);
  const bytes = Buffer.concat([key, Buffer.from(write.value ?? '')]);
  const hi = versionHiOfMs(write.ms);
  const lo = versionLoOfMs(write.ms);
  if (write.value === undefined) {
    return store.applyRemoteTombstone(bytes, 0, key.length, hi, lo, write.touchSeq, keep);
  }
  return store.applyRemoteItem(
    bytes,
    0,
    key.length,
    key.length,
    bytes.length - key.length,
    0,
    write.exptimeSec,
    hi,
    lo,
    write.touchSeq,
  );
}

const item = (key: string, value: string, ms: number, more: Partial<RemoteWrite> = {}): RemoteWrite => ({
  key,
  value,
  ms,
  touchSeq: 0,
  exptimeSec: 0,
  ...more,
});

const writes = fc.record({
  key: fc.constantFrom('a', 'b', 'c'),
  value: fc.option(fc.constantFrom('', 'x', 'yy', 'z'.repeat(500)), { nil: undefined }),
  ms: fc.integer({ min: START_MS - 20, max: START_MS }),
  touchSeq: fc.integer({ min: 0, max: 2 }),
  exptimeSec: fc.constantFrom(0, START_MS / 1000 + 100, START_MS / 1000 + 200),
});

describe('remote writes', () => {
  it('converge whatever the order, and however often each comes', () => {
    fc.assert(
      fc.property(
        // Two writes with one (version, touchSeq) but other content cannot come from one node: see the tie test.
        fc.uniqueArray(writes, {
          selector: (write) => `${write.key} ${write.ms} ${write.touchSeq}`,
          maxLength: 25,
        }),
        fc.infiniteStream(fc.nat()),
        (list, random) => {
          const order = [...list, ...list];
          for (let at = order.length - 1; at > 0; at--) {
            const other = (random.next().value as number) % (at + 1);
            [order[at], order[other]] = [order[other], order[at]];
          }
          const one = newStore({ changeLog: new RecordingLog() });
          const two = newStore({ changeLog: new RecordingLog() });
          for (const write of list) apply(one, write);
          for (const write of order) apply(two, write);
          expect(contents(two)).toEqual(contents(one));
          expect(two.tombstoneCount).toBe(one.tombstoneCount);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('agree on a full tie: the node with bit 0 stays', () => {
    const zero = newStore();
    const one = newStore({ nodeBit: 1 });
    one.remoteWinsTies = true;
    const ofZero = item('k', 'zero', START_MS);
    const ofOne = item('k', 'one', START_MS);
    apply(zero, ofZero);
    apply(one, ofOne);
    expect(apply(zero, ofOne)).toBe(REMOTE_OLDER);
    expect(apply(one, ofZero)).toBe(REMOTE_APPLIED);
    expect(read(zero, 'k')).toBe('zero');
    expect(read(one, 'k')).toBe('zero');
    expect(apply(one, ofZero)).toBe(REMOTE_SAME);
  });

  it('are older than a later local write, and give way to it', () => {
    const store = newStore();
    apply(store, item('k', 'theirs', START_MS));
    put(store, 'k', 'ours');
    expect(apply(store, item('k', 'theirs', START_MS))).toBe(REMOTE_OLDER);
    expect(read(store, 'k')).toBe('ours');
  });

  it('do not bring back what was deleted here', () => {
    const store = newStore({ changeLog: new RecordingLog() });
    apply(store, item('k', 'v', START_MS - 5));
    remove(store, 'k');
    expect(apply(store, item('k', 'v', START_MS - 5))).toBe(REMOTE_OLDER);
    expect(read(store, 'k')).toBeUndefined();
  });

  it('do not bring back what was deleted here and forgotten, once tombstones had to go', () => {
    const store = newStore({ changeLog: new RecordingLog(), tombstoneShare: 0.0001 });
    for (let number = 0; number < 100; number++) {
      apply(store, item(`k${number}`, 'v', START_MS - 1000));
      remove(store, `k${number}`);
    }
    expect(store.tombstoneCount).toBeLessThan(20);
    for (let number = 0; number < 100; number++) {
      expect([REMOTE_OLDER, REMOTE_LOST_HERE]).toContain(
        apply(store, item(`k${number}`, 'v', START_MS - 1000)),
      );
    }
    expect(contents(store).size).toBe(0);
    expect(apply(store, item('new', 'v', START_MS + 1000))).toBe(REMOTE_APPLIED);
  });

  it('respect flush_all, now and later', () => {
    const store = newStore();
    store.flushAll(0);
    expect(apply(store, item('k', 'v', START_MS - 1))).toBe(REMOTE_DEAD);
    const other = newStore();
    apply(other, item('old', 'v', START_MS - 1));
    expect(other.applyRemoteFlush(store.flushState())).toBe(REMOTE_APPLIED);
    expect(other.applyRemoteFlush(store.flushState())).toBe(REMOTE_SAME);
    expect(read(other, 'old')).toBeUndefined();
    store.setNow(START_MS + 1);
    store.flushAll(2);
    other.applyRemoteFlush(store.flushState());
    put(other, 'k', 'v');
    other.setNow(START_MS + 2000);
    expect(read(other, 'k')).toBe('v');
    other.setNow(START_MS + 2001);
    expect(read(other, 'k')).toBeUndefined();
  });

  it('remove the older value when they are dead or too large on arrival', () => {
    const store = newStore({ itemSizeMaxBytes: 1024 });
    put(store, 'a', 'old');
    put(store, 'b', 'old');
    expect(apply(store, item('a', 'new', START_MS + 9, { exptimeSec: 5 }))).toBe(REMOTE_DEAD);
    expect(apply(store, item('b', 'n'.repeat(2000), START_MS + 9))).toBe(REMOTE_NO_MEMORY);
    expect(contents(store).size).toBe(0);
  });

  it('are refused when their lengths lie outside the bytes', () => {
    const store = newStore();
    const bytes = Buffer.from('keyvalue');
    for (const [keyStart, keyLength, valueStart, valueLength] of [
      [0, 0, 0, 1],
      [0, 251, 0, 1],
      [0, 9, 0, 1],
      [0, 3, 3, 6],
      [0, 3, 3, -1],
      [-1, 3, 3, 1],
    ]) {
      expect(
        store.applyRemoteItem(
          bytes,
          keyStart,
          keyLength,
          valueStart,
          valueLength,
          0,
          0,
          versionHiOfMs(START_MS),
          0,
          0,
        ),
      ).toBe(REMOTE_INVALID);
    }
    expect(contents(store).size).toBe(0);
  });
});
