// What travels when a link comes back: the changes missed, the ranges that differ, or everything.

import { describe, expect, it } from 'vitest';
import {
  FRAME,
  FRAME_HEADER_BYTES,
  ITEM_HEADER_BYTES,
  readU32,
} from '../../../src/engine/replication/frames.js';
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
});
