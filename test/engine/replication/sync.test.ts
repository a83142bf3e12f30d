// What travels when a link comes back: the changes missed, the ranges that differ, or everything.

import { describe, expect, it } from 'vitest';
import {
  FRAME,
  FRAME_HEADER_BYTES,
  ITEM_HEADER_BYTES,
  readU32,
} from '../../../src/engine/replication/frames.js';
import { CHANGE_ITEM } from '../../../src/engine/store/change-log.js';
import { carry, carryFrom, connect, cut, End, type EndOptions, type Tap } from './wire-pair.js';

const LOW = { nodeId: 1, dials: true };
const HIGH = { nodeId: 2, dials: true };

function newPair(low: EndOptions = {}, high: EndOptions = {}): [End, End] {
  const a = new End({ ...LOW, ...low });
  const b = new End({ ...HIGH, ...high });
  connect(a, b);
  carry(a, b);
  return [a, b];
}

function settle(a: End, b: End): void {
  a.step({ kind: 'pump' });
  b.step({ kind: 'pump' });
  carry(a, b);
}

function reconnect(a: End, b: End, link = 2): void {
  connect(a, b, link);
  carry(a, b);
}

function fill(end: End, from: number, to: number, value = 'v'): void {
  for (let i = from; i < to; i++) end.set(`k${i}`, `${value}${i}`);
}

function refOf(end: End, key: string): number {
  return end.store.find(new TextEncoder().encode(key), 0, key.length);
}

function versionOf({ store }: End, ref: number): [hi: number, lo: number] {
  return [store.versionHi(ref), store.versionLo(ref)];
}

/** Fills a log of 8 entries with items that are gone, of versions long ago. */
function fillLog(end: End): void {
  for (let i = 0; i < 20; i++) end.log.append(0, 0, 0, 0, CHANGE_ITEM);
}

/** The keys of the items that an end sends from now on, in order. */
function tapItems(end: End): string[] {
  const keys: string[] = [];
  const tap: Tap = (bytes) => {
    for (let at = 0; at < bytes.length; at += 4 + readU32(bytes, at)) {
      if (bytes[at + 4] !== FRAME.item) continue;
      const start = at + FRAME_HEADER_BYTES;
      const keyStart = start + ITEM_HEADER_BYTES;
      keys.push(new TextDecoder().decode(bytes.subarray(keyStart, keyStart + bytes[start + 17])));
    }
  };
  end.onSend = tap;
  return keys;
}

function hasFrame(bytes: Uint8Array, type: number): boolean {
  for (let at = 0; at < bytes.length; at += 4 + readU32(bytes, at)) if (bytes[at + 4] === type) return true;
  return false;
}

function lastLine(end: End): string {
  return end.lines.at(-1) ?? '';
}

describe('a link that comes back', () => {
  it('brings the changes since it broke, each key once', () => {
    const [a, b] = newPair();
    fill(a, 0, 1_000);
    fill(b, 1_000, 1_100);
    settle(a, b);
    cut(a, b);
    fill(a, 0, 50, 'w');
    fill(a, 0, 50, 'x');
    b.remove('k1000');
    const keys = tapItems(a);
    reconnect(a, b);
    expect(keys).toEqual(Array.from({ length: 50 }, (_, i) => `k${i}`));
    expect([b.get('k0'), b.get('k49'), a.get('k1000')]).toEqual(['x0', 'x49', null]);
    expect(lastLine(a)).toMatch(/^sync done \(partial: sent 50 keys, \d+ bytes; partial: received 1 keys, /);
    expect([a.stats().repl_tombstones, b.stats().repl_tombstones]).toEqual([0, 0]);
  });

  it('brings nothing when nothing was missed', () => {
    const [a, b] = newPair();
    fill(a, 0, 1_000);
    settle(a, b);
    cut(a, b);
    reconnect(b, a);
    expect(lastLine(a)).toBe(
      'sync done (partial: sent 0 keys, 0 bytes; partial: received 0 keys, 0 bytes; 0 ms)',
    );
  });

  it('does not bring again what was applied before it broke, acknowledged or not', () => {
    const [a, b] = newPair();
    fill(a, 0, 3_000, 'x'.repeat(100));
    a.step({ kind: 'pump' });
    // A send comes in; that it did is not heard of any more.
    carryFrom(a, b);
    const applied = Array.from({ length: 3_000 }, (_, i) => b.get(`k${i}`)).filter((value) => value !== null);
    expect(applied.length).toBeGreaterThan(500);
    expect(a.stats().repl_acked_seq).toBe(0);
    cut(a, b);
    const keys = tapItems(a);
    reconnect(a, b);
    expect(keys.length).toBe(3_000 - applied.length);
    expect(new Set(keys).size).toBe(keys.length);
    expect(b.get('k2999')).not.toBe(null);
  });

  it('that broke within a send goes on from the last position told in it', () => {
    const [a, b] = newPair();
    fill(a, 0, 3_000, 'x'.repeat(100));
    a.step({ kind: 'pump' });
    const { link, bytes } = a.outbox[0];
    b.step({ kind: 'received', link, bytes: bytes.slice(0, bytes.length / 2) });
    cut(a, b);
    const keys = tapItems(a);
    reconnect(a, b);
    expect(keys.length).toBeLessThan(2_300);
    for (let i = 0; i < 3_000; i += 100) expect(b.get(`k${i}`)).toBe(a.get(`k${i}`));
  });

  it('does without the changes that the log has forgotten: ranges are compared', () => {
    const [a, b] = newPair({ logCapacity: 64 }, { logCapacity: 64 });
    fill(a, 0, 2_000);
    settle(a, b);
    cut(a, b);
    fill(a, 0, 100, 'w');
    a.remove('k1999');
    b.set('k1000', 'of b');
    const keys = tapItems(a);
    reconnect(a, b);
    expect(keys).toEqual(expect.arrayContaining(['k0', 'k99']));
    // About eight keys in a range: of what did not change, a part.
    expect(keys.length).toBeLessThan(1_200);
    expect([b.get('k0'), b.get('k1999'), a.get('k1000')]).toEqual(['w0', null, 'of b']);
    expect(lastLine(a)).toMatch(/^sync done \(digest: sent \d+ keys, \d+ bytes; partial: received 1 keys, /);
  });

  it('to a peer that came back empty brings everything', () => {
    const [a] = newPair();
    fill(a, 0, 1_000);
    const b = new End({ ...HIGH, nodeId: 4 });
    a.step({ kind: 'closed', link: 1 });
    reconnect(a, b);
    expect(b.get('k999')).toBe('v999');
    expect(lastLine(a)).toMatch(
      /^sync done \(full: sent 1000 keys, \d+ bytes; full: received 0 keys, 0 bytes; /,
    );
  });

  it.each([0, 1])('with nothing sends back nothing of a large copy but its own %i writes', (writes) => {
    const a = new End({ ...LOW, memoryBytes: 64 * 1024 * 1024 });
    const b = new End({ ...HIGH, memoryBytes: 64 * 1024 * 1024 });
    fill(a, 0, 150_000);
    const sentBack = tapItems(b);
    connect(a, b);
    while (a.isBusy || b.isBusy) {
      // Several sends arrive in one piece: what b is asked for, and the first items.
      const pieces: Uint8Array[] = [];
      for (let sends = 0; sends < 4 && a.outbox.length > 0; sends++) {
        const { link, bytes } = a.outbox.shift()!;
        pieces.push(bytes.slice());
        a.step({ kind: 'writable', link });
        a.goOn();
      }
      const bytes = Buffer.concat(pieces);
      if (writes > 0 && hasFrame(bytes, FRAME.pong)) b.set('own', 'x');
      if (bytes.length > 0) b.step({ kind: 'received', link: 1, bytes });
      carryFrom(b, a);
      a.goOn();
      b.goOn();
    }
    expect(sentBack).toEqual(writes > 0 ? ['own'] : []);
    expect([b.get('k149999'), a.get('own')]).toEqual(['v149999', writes > 0 ? 'x' : null]);
  });
});

describe('a sync', () => {
  it('keeps to its rate, and holds no change back', () => {
    const a = new End({ ...LOW, syncBytesPerSec: 100_000 });
    const b = new End(HIGH);
    for (let i = 0; i < 1_000; i++) a.set(`k${i}`, 'x'.repeat(1_000));
    connect(a, b);
    carry(a, b);
    a.set('live', '1');
    let ticks = 0;
    for (; a.stats().repl_state !== 'synced'; ticks++) {
      for (const end of [a, b]) end.tick(50);
      settle(a, b);
      if (ticks !== 20) continue;
      expect(b.get('live')).toBe('1');
      expect(b.store.entryCount).toBeLessThan(200);
    }
    // Of a megabyte, a quarter of a second's worth went out at once.
    expect(ticks * 50).toBeGreaterThan(9_500);
    expect(ticks * 50).toBeLessThan(10_500);
  });

  it.each([1, 2])(
    'once acknowledged leaves nothing of node %i unacknowledged, its last write least of all',
    (id) => {
      const nodes = [1, 2].map((nodeId) => new End({ nodeId, dials: true, logCapacity: 8 }));
      const [writer, peer] = id === 1 ? nodes : nodes.toReversed();
      connect(writer, peer);
      carry(writer, peer);
      writer.set('last', 'v');
      // The next sync brings what the log has forgotten.
      fillLog(writer);
      writer.step({ kind: 'pump' });
      carry(writer, peer);
      expect(peer.get('last')).toBe('v');
      expect(writer.log.isUnacknowledged(...versionOf(writer, refOf(writer, 'last')))).toBe(false);
    },
  );

  it('is told of in the statistics of both nodes', () => {
    const [a, b] = newPair();
    fill(a, 0, 1_000);
    settle(a, b);
    cut(a, b);
    fill(a, 0, 10, 'w');
    b.set('k5', 'of b');
    reconnect(a, b);
    const [onA, onB] = [a.stats(), b.stats()];
    expect(onA).toMatchObject({
      repl_link_role: 'dialer',
      repl_reconnects: 1,
      repl_last_sync_kind: 'partial',
      repl_last_sync_items: 11,
      repl_full_copies_sent: 1,
      repl_partial_syncs_sent: 1,
      repl_partial_syncs_received: 1,
      repl_log_unsent: 0,
      repl_losses_pending: 0,
    });
    expect(onA.repl_last_sync_bytes).toBeGreaterThan(200);
    expect(onB.repl_link_role).toBe('acceptor');
    expect([onA.repl_bytes_sent, onA.repl_bytes_received]).toEqual([
      onB.repl_bytes_received,
      onB.repl_bytes_sent,
    ]);
    expect(onA.repl_conflicts_won + onB.repl_conflicts_won).toBe(1);
  });

  it('counts a conflict as won where the newer value is, or as lost where the older one was', () => {
    const [a, b] = newPair();
    a.set('k', '1');
    settle(a, b);
    cut(a, b);
    // One that is removed, one that is replaced, and one that was changed on one node only.
    for (const key of ['removed', 'replaced', 'of-a']) a.set(key, '2');
    b.nowMs = a.nowMs + 1_000;
    b.set('removed', '3');
    b.remove('removed');
    b.set('replaced', '3');
    reconnect(a, b);
    expect([a.get('removed'), a.get('replaced'), b.get('of-a')]).toEqual([null, '3', '2']);
    const [onA, onB] = [a.stats(), b.stats()];
    expect([onA.repl_conflicts_won, onB.repl_conflicts_lost]).toEqual([0, 0]);
    for (const count of [onB.repl_conflicts_won, onA.repl_conflicts_lost])
      expect(count).toBeLessThanOrEqual(2);
    expect(onB.repl_conflicts_won + onA.repl_conflicts_lost).toBeGreaterThanOrEqual(2);
  });
});

describe('what went before the peer had heard of it', () => {
  /** All of one size, so that they take each other's place. */
  const PADDING = 'x'.repeat(1_000);
  const SMALL = { memoryBytes: 5 * 1024 * 1024 };

  function waitAndSettle(a: End, b: End, ms: number): void {
    for (let waited = 0; waited < ms; waited += 100) {
      for (const end of [a, b]) end.tick(100);
      settle(a, b);
    }
  }

  it('stays deleted on both nodes when there was no room for its tombstone', () => {
    const [a, b] = newPair({ tombstoneShare: 0.0015 });
    fill(a, 0, 500);
    settle(a, b);
    cut(a, b);
    for (let i = 0; i < 400; i++) a.remove(`k${i}`);
    expect(a.stats().repl_tombstones).toBeLessThan(350);
    b.nowMs += 10;
    b.set('k7', 'written later');
    reconnect(a, b);
    for (let i = 0; i < 400; i++) {
      const expected = i === 7 ? 'written later' : null;
      expect([a.get(`k${i}`), b.get(`k${i}`)]).toEqual([expected, expected]);
    }
    expect([a.get('k400'), b.get('k499')]).toEqual(['v400', 'v499']);
    // It is known that the peer has heard of it once it has answered the next ping.
    waitAndSettle(a, b, 1_000);
    expect(a.store.lostWrites.isPending).toBe(false);
  });

  it('does not come back with an older value when it was evicted', () => {
    const [a, b] = newPair(SMALL);
    fill(a, 0, 20, `old${PADDING}`);
    settle(a, b);
    cut(a, b);
    fill(a, 0, 20, `new${PADDING}`);
    for (let i = 0; i < 8_000; i++) a.set(`other${i}`, PADDING);
    const evicted = Array.from({ length: 20 }, (_, i) => `k${i}`).filter((key) => a.get(key) === null);
    expect(evicted).not.toEqual([]);
    reconnect(a, b);
    for (const key of evicted) expect([key, a.get(key), b.get(key)]).toEqual([key, null, null]);
  });

  it('is looked for once, however much of it there is and however little room for tombstones', () => {
    const [a, b] = newPair({ tombstoneShare: 0.0003 });
    fill(a, 0, 500);
    settle(a, b);
    cut(a, b);
    for (let i = 0; i < 400; i++) a.remove(`k${i}`);
    const { deleteCount } = a.store.lostWrites;
    expect(deleteCount).toBeGreaterThan(200);
    reconnect(a, b);
    waitAndSettle(a, b, 1_000);
    expect([a.store.lostWrites.deleteCount, a.store.lostWrites.isPending]).toEqual([deleteCount, false]);
    for (let i = 0; i < 400; i++) expect([`k${i}`, b.get(`k${i}`)]).toEqual([`k${i}`, null]);
  });

  it('is looked for again if the link breaks before the peer has heard what to drop', () => {
    const [a, b] = newPair(SMALL);
    fill(a, 0, 20, `old${PADDING}`);
    settle(a, b);
    cut(a, b);
    fill(a, 0, 20, `new${PADDING}`);
    for (let i = 0; i < 8_000; i++) a.set(`other${i}`, PADDING);
    const evicted = Array.from({ length: 20 }, (_, i) => `k${i}`).filter((key) => a.get(key) === null);
    connect(a, b, 2);
    while (!a.outbox.some(({ bytes }) => hasFrame(bytes, FRAME.tombstone))) {
      expect(a.isBusy || b.isBusy).toBe(true);
      carryFrom(a, b);
      carryFrom(b, a);
      a.goOn();
      b.goOn();
    }
    // The rest of what b has still comes in.
    while (b.isBusy) {
      carryFrom(b, a);
      b.goOn();
    }
    for (const key of evicted) expect(b.get(key)).toMatch(/^old/);
    cut(a, b, 2);
    reconnect(a, b, 3);
    waitAndSettle(a, b, 1_000);
    for (const key of evicted) expect([key, a.get(key), b.get(key)]).toEqual([key, null, null]);
    expect(a.store.lostWrites.isPending).toBe(false);
  });

  it('is still looked for when the peer showed what it has before the older value had come to it', () => {
    const [a, b] = newPair({ logCapacity: 8 }, SMALL);
    // A sync that nobody asked for is on its way, whole.
    fillLog(a);
    a.step({ kind: 'pump' });
    const onItsWay: Uint8Array[] = [];
    while (a.isBusy) {
      for (const { bytes } of a.outbox.splice(0)) {
        onItsWay.push(bytes.slice());
        a.step({ kind: 'writable', link: 1 });
      }
      a.goOn();
    }
    fill(b, 0, 20, `old${PADDING}`);
    b.step({ kind: 'pump' });
    carryFrom(b, a);
    expect(a.get('k0')).toMatch(/^old/);
    fill(b, 0, 20, `new${PADDING}`);
    for (let i = 0; i < 8_000; i++) b.set(`other${i}`, PADDING);
    const evicted = Array.from({ length: 20 }, (_, i) => `k${i}`).filter((key) => b.get(key) === null);
    expect(evicted).not.toEqual([]);
    for (const bytes of onItsWay) b.step({ kind: 'received', link: 1, bytes });
    carry(a, b);
    waitAndSettle(a, b, 11_000);
    for (const key of evicted) expect([key, a.get(key), b.get(key)]).toEqual([key, null, null]);
    waitAndSettle(a, b, 1_000);
    expect(b.store.lostWrites.isPending).toBe(false);
  });

  it('is looked for on a link that stands, at most every ten seconds', () => {
    const [a, b] = newPair(SMALL);
    const evictUnsent = (round: number) => {
      fill(a, 0, 20, `old${PADDING}`);
      settle(a, b);
      fill(a, 0, 20, `new${PADDING}`);
      for (let i = 0; i < 8_000; i++) a.set(`${round}-${i}`, PADDING);
      const key = Array.from({ length: 20 }, (_, i) => `k${i}`).find((name) => a.get(name) === null);
      expect(key).toBeDefined();
      settle(a, b);
      return key!;
    };
    const first = evictUnsent(1);
    expect(b.get(first)).toMatch(/^old/);
    waitAndSettle(a, b, 10_000);
    expect([a.get(first), b.get(first)]).toEqual([null, null]);
    const second = evictUnsent(2);
    waitAndSettle(a, b, 9_000);
    expect(b.get(second)).toMatch(/^old/);
    waitAndSettle(a, b, 1_500);
    expect([a.get(second), b.get(second)]).toEqual([null, null]);
    expect([...a.closed, ...b.closed]).toEqual([]);
  });

  it('takes nothing from a peer that merely has more room', () => {
    const [a, b] = newPair(SMALL);
    for (let i = 0; i < 9_000; i++) b.set(`k${i}`, 'x'.repeat(1_000));
    settle(a, b);
    cut(a, b);
    a.set('of-a', '1');
    b.set('of-b', '1');
    reconnect(a, b);
    waitAndSettle(a, b, 11_000);
    for (let i = 0; i < 9_000; i++) expect(b.get(`k${i}`)).not.toBe(null);
    expect([a.get('of-b'), b.get('of-a')]).toEqual(['1', '1']);
  });
});
