// Two nodes that were given different -I: what one of them has no room for stays on the other, and nothing breaks.

import { describe, expect, it } from 'vitest';
import { carry, connect, cut, End, type EndOptions } from './wire-pair.js';

const ROOMY = { nodeId: 1, dials: true, maxItemBytes: 524_288 };
const NARROW = { nodeId: 2, dials: true, maxItemBytes: 4_096 };
/** Too large for the narrow node; and so that it goes out by itself. */
const LARGE = 'L'.repeat(10_000);
const HUGE = 'H'.repeat(400_000);

function settle(a: End, b: End): void {
  for (const end of [a, b]) end.step({ kind: 'pump' });
  carry(a, b);
}

function newPair(roomy: EndOptions = {}, narrow: EndOptions = {}): [End, End] {
  const a = new End({ ...ROOMY, ...roomy });
  const b = new End({ ...NARROW, ...narrow });
  connect(a, b);
  carry(a, b);
  return [a, b];
}

describe('a node beside one that takes smaller items', () => {
  it('says so once for a link, and the other one does as well', () => {
    const [a, b] = newPair();
    for (let i = 0; i < 3; i++) a.set(`large${i}`, LARGE);
    settle(a, b);
    const saysIt = (end: End): string[] => end.lines.filter((line) => line.includes('-I'));
    expect(saysIt(a)).toEqual([
      'the largest item (-I) is 4096 bytes at the peer and 524288 here: what is larger stays on this node alone',
    ]);
    expect(saysIt(b)).toEqual([
      'the largest item (-I) is 524288 bytes at the peer and 4096 here: what is larger stays on the peer alone',
    ]);
  });

  it('keeps its large items to itself, and whatever the other one had of their keys goes', () => {
    const [a, b] = newPair();
    a.set('k', 'small');
    a.set('h', 'small');
    b.set('of b', 'small');
    settle(a, b);
    expect([b.get('k'), b.get('h')]).toEqual(['small', 'small']);
    a.set('k', LARGE);
    a.set('h', HUGE);
    a.set('of b', LARGE);
    a.set('after', 'small');
    settle(a, b);
    expect([b.get('k'), b.get('h'), b.get('of b'), b.get('after')]).toEqual([null, null, null, 'small']);
    expect([a.get('k'), a.get('h'), a.get('of b')]).toEqual([LARGE, HUGE, LARGE]);
    expect([a.stats().repl_unsendable, b.stats().repl_unsendable]).toEqual([3, 0]);
    expect([a.stats().repl_state, a.stats().repl_unacked, a.closed, b.closed]).toEqual(['synced', 0, [], []]);

    b.set('k', 'newer');
    settle(a, b);
    expect(a.get('k')).toBe('newer');
  });

  it.each([
    ['to the byte', 'v'.repeat(4_096 - 59 - 1), true],
    ['by one byte', 'v'.repeat(4_096 - 59), false],
  ])('counts as the other one does: %s', (_, value, fits) => {
    const [a, b] = newPair();
    a.set('k', value);
    settle(a, b);
    expect(b.get('k')).toBe(fits ? value : null);
    expect(a.stats().repl_unsendable).toBe(fits ? 0 : 1);
  });

  it('copies the rest to it when it comes back empty', () => {
    const [a, b] = newPair();
    for (let i = 0; i < 200; i++) a.set(`k${i}`, i % 10 === 0 ? LARGE : 'small');
    a.set('h', HUGE);
    cut(a, b);
    const again = new End({ ...NARROW, nodeId: 4 });
    connect(a, again, 2);
    carry(a, again);
    expect(a.lines.at(-1)).toMatch(/^sync done \(full: sent 201 keys/);
    expect(again.isReady).toBe(true);
    expect([again.get('k1'), again.get('k10'), again.get('h')]).toEqual(['small', null, null]);
    expect(a.stats().repl_unsendable).toBe(21);
  });

  it.each(['it is asked', 'it asks'])('is alike for a digest where both hold the rest, when %s', (who) => {
    const logs = { logCapacity: 64 };
    const [a, b] = newPair(logs, logs);
    for (let i = 0; i < 400; i++) a.set(`k${i}`, i % 4 === 0 ? LARGE : 'small');
    settle(a, b);
    cut(a, b);
    // More than the log holds, and to one key, so that what travels is what differs.
    const writer = who === 'it is asked' ? b : a;
    for (let i = 0; i < 100; i++) writer.set('last', `${i}`);
    const { repl_unsendable: before } = a.stats();
    connect(a, b, 2);
    carry(a, b);
    expect([a.get('last'), b.get('last')]).toEqual(['99', '99']);
    const sentKeys = Number(/digest: (?:sent|received) (\d+) keys/.exec(a.lines.at(-1) ?? '')?.[1]);
    // A range or two.
    expect(sentKeys).toBeLessThan(40);
    expect(a.stats().repl_unsendable - before).toBeLessThan(20);
    expect([a.stats().repl_state, b.stats().repl_state]).toEqual(['synced', 'synced']);
    expect([a.get('k4'), b.get('k4'), b.get('k5')]).toEqual([LARGE, null, 'small']);
  });

  it('has what became too large during a cut dropped there', () => {
    const logs = { logCapacity: 64 };
    const [a, b] = newPair(logs, logs);
    for (let i = 0; i < 400; i++) a.set(`k${i}`, 'small');
    settle(a, b);
    cut(a, b);
    for (let i = 0; i < 100; i++) a.set(`k${i}`, LARGE);
    connect(a, b, 2);
    carry(a, b);
    expect([b.get('k0'), b.get('k99'), b.get('k100')]).toEqual([null, null, 'small']);
    expect(a.get('k0')).toBe(LARGE);
  });
});
