// The core as a whole: two replicators with real stores, joined in memory.

import { describe, expect, it } from 'vitest';
import { FRAME, readU32 } from '../../../src/engine/replication/frames.js';
import { carry, carryFrom, connect, End, type EndOptions, START_MS } from './wire-pair.js';

const LOW = { nodeId: 1, dials: true };
const HIGH = { nodeId: 2, dials: true };

function pair(low: EndOptions = {}, high: EndOptions = {}): [End, End] {
  const a = new End({ ...LOW, ...low });
  const b = new End({ ...HIGH, ...high });
  connect(a, b);
  carry(a, b);
  return [a, b];
}

/** Somebody connects. */
function knock(node: End, link: number, isFromPeer = false): void {
  node.step({ kind: 'accepted', link, address: `x:${link}`, isFromPeer });
}

/** Lets local writes travel. */
function settle(a: End, b: End): void {
  a.step({ kind: 'pump' });
  b.step({ kind: 'pump' });
  carry(a, b);
}

/** What the peer says arrives as soon as it can be said; what the starting node says takes its time. */
function carryUntilReady(starting: End, peer: End): void {
  while (!starting.isReady) {
    expect(starting.isBusy || peer.isBusy).toBe(true);
    carryFrom(starting, peer);
    while (peer.isBusy && !starting.isReady) {
      carryFrom(peer, starting);
      peer.goOn();
    }
    starting.goOn();
  }
}

describe('a pair', () => {
  it.each([Number.POSITIVE_INFINITY, 7, 1])('forms and copies both ways, sends split at %s', (splitBytes) => {
    const a = new End({ ...LOW, secrets: ['swordfish'] });
    const b = new End({ ...HIGH, secrets: ['swordfish'] });
    a.set('from-a', '1');
    b.set('from-b', '2');
    connect(a, b);
    carry(a, b, splitBytes);
    expect([a.get('from-b'), b.get('from-a')]).toEqual(['2', '1']);
    expect(a.stats().repl_state).toBe('synced');
    expect(a.lines.at(-1)).toMatch(
      /^sync done \(\w+: sent 1 keys, \d+ bytes; \w+: received 1 keys, \d+ bytes; 0 ms\)$/,
    );
    expect(b.lines[0]).toBe('link up (peer 127.0.0.1:1, node 0101010101010101)');
  });

  it('counts items, not flushes, when it says how much was copied', () => {
    const [a, b] = pair();
    for (const end of [a, b])
      expect(end.lines.at(-1)).toBe(
        'sync done (full: sent 0 keys, 0 bytes; full: received 0 keys, 0 bytes; 0 ms)',
      );
  });

  it('sends changes as they are made, one key once however often it changed', () => {
    const [a, b] = pair();
    for (let i = 0; i < 100; i++) a.set('k', `${i}`);
    const { repl_received } = b.stats();
    settle(a, b);
    expect(b.get('k')).toBe('99');
    expect(b.stats().repl_received - repl_received).toBe(1);
    expect(a.stats()).toMatchObject({ repl_log_seq: 100, repl_acked_seq: 100, repl_unacked: 0 });
  });

  it('takes a change for acknowledged only once what replaced it was sent', () => {
    const [a, b] = pair();
    a.set('k', 'old');
    settle(a, b);
    a.set('k', 'new');
    const { repl_log_seq } = a.stats();
    // More than one send holds.
    for (let i = 0; i < 400; i++) a.set(`filler-${i}`, 'x'.repeat(1_000));
    a.set('k', 'newest');
    a.step({ kind: 'pump' });
    carryFrom(a, b);
    carryFrom(b, a);
    expect(b.get('k')).toBe('old');
    expect(a.stats().repl_acked_seq).toBeLessThan(repl_log_seq);
    carry(a, b);
    expect(b.get('k')).toBe('newest');
    expect(a.stats().repl_unacked).toBe(0);
  });

  it('carries values up to the largest', () => {
    const [a, b] = pair();
    const value = 'x'.repeat(1_000_000);
    a.set('large', value);
    a.step({ kind: 'pump' });
    carry(a, b, 65_536);
    expect(b.get('large')).toBe(value);
  });

  it('gives the higher version the word on both sides, and a later local write a higher one', () => {
    const [a, b] = pair({ clockOffsetMs: 5_000 });
    a.set('k', 'first, by a clock that is ahead');
    settle(a, b);
    b.set('k', 'second');
    settle(a, b);
    expect([a.get('k'), b.get('k')]).toEqual(['second', 'second']);
    expect(a.stats().repl_conflicts + b.stats().repl_conflicts).toBe(0);
  });

  it('keeps tombstones until they are acknowledged, and no longer', () => {
    const [a, b] = pair();
    a.set('k', '1');
    settle(a, b);
    a.remove('k');
    expect(a.stats().repl_tombstones).toBe(1);
    settle(a, b);
    expect([b.get('k'), a.stats().repl_tombstones, b.stats().repl_tombstones]).toEqual([null, 0, 0]);
  });

  it('does not let a delete made during a cut come back', () => {
    const [a, b] = pair();
    a.set('k', '1');
    settle(a, b);
    a.step({ kind: 'closed', link: 1 });
    b.step({ kind: 'closed', link: 1 });
    a.remove('k');
    connect(b, a, 2);
    carry(a, b);
    expect([a.get('k'), b.get('k')]).toEqual([null, null]);
    a.tick(50);
    expect(a.stats().repl_tombstones).toBe(0);
  });

  it('compares what both have when the change log overflows, on the same link', () => {
    const [a, b] = pair({ logCapacity: 4 });
    for (let i = 0; i < 20; i++) a.set(`k${i}`, `${i}`);
    settle(a, b);
    expect(b.get('k0')).toBe('0');
    expect(a.lines).toContain('more changes than the change log holds: comparing all that both nodes have');
    expect(a.stats().repl_state).toBe('synced');
    expect([...a.closed, ...b.closed]).toEqual([]);
  });

  it('corrects expiry times by the offset of the clocks', () => {
    const [a, b] = pair({ clockOffsetMs: 100_000 });
    const exptimeSec = (START_MS + 100_000) / 1_000 + 60;
    a.set('k', '1', exptimeSec);
    settle(a, b);
    expect(b.exptimeSec('k')).toBe(exptimeSec - 100);
    expect(b.stats().repl_clock_offset_ms).toBe(100_000);
  });

  it('has one send a link outstanding, of bounded size, whatever there is to send', () => {
    const a = new End({ ...LOW });
    const b = new End({ ...HIGH });
    for (let i = 0; i < 3_000; i++) a.set(`k${i}`, 'x'.repeat(1_000));
    connect(a, b);
    let largest = 0;
    while (a.isBusy || b.isBusy) {
      expect(a.outbox.length).toBeLessThanOrEqual(1);
      largest = Math.max(largest, a.outbox[0]?.bytes.length ?? 0);
      carryFrom(a, b);
      carryFrom(b, a);
      a.goOn();
      b.goOn();
    }
    expect(largest).toBeGreaterThan(200_000);
    expect(largest).toBeLessThan(300_000);
    expect(b.stats().repl_applied).toBeGreaterThanOrEqual(3_000);
  });
});

describe('refusals', () => {
  const cases: readonly [string, EndOptions, EndOptions, RegExp][] = [
    ['another secret', { secrets: ['one'] }, { secrets: ['two'] }, /another secret/],
    ['no secret there', { secrets: ['one'] }, {}, /it has no secret and this node has one/],
    ['no secret here', {}, { secrets: ['two'] }, /it has a secret and this node has none/],
    ['another pair', { pairId: 'x' }, { pairId: 'y' }, /another pair/],
    ['oneself', {}, { nodeId: 1 }, /this node itself/],
    ['a clock too far', { clockOffsetMs: 4_000_000 }, {}, /more than an hour apart/],
  ];
  it.each(cases)('%s: said in one line on both sides, and nothing moves', (_, low, high, line) => {
    const a = new End({ ...LOW, ...low });
    const b = new End({ ...HIGH, ...high });
    a.set('k', '1');
    connect(a, b);
    carry(a, b);
    expect(b.get('k')).toBe(null);
    expect([a.stats().repl_state, b.stats().repl_state]).not.toContain('synced');
    expect([...a.lines, ...b.lines].some((said) => line.test(said))).toBe(true);
    expect(a.lines.length).toBe(1);
    // Again and again, and still said once.
    a.tick(2_000);
    connect(a, b, 2);
    carry(a, b);
    expect(a.lines.length).toBe(1);
  });

  it('another protocol version', () => {
    const a = new End(LOW);
    const b = new End(HIGH);
    connect(a, b);
    const hello = a.outbox[0].bytes;
    expect(hello[4]).toBe(FRAME.hello);
    hello[9] = 99;
    carry(a, b);
    expect(b.lines[0]).toMatch(/another version of the replication protocol/);
  });

  it('a stranger who speaks no frames at all, at once and without data', () => {
    const b = new End({ ...HIGH, secrets: ['s'] });
    b.step({ kind: 'accepted', link: 9, address: '127.0.0.1:9', isFromPeer: false });
    b.step({ kind: 'writable', link: 9 });
    b.step({ kind: 'received', link: 9, bytes: new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n') });
    expect(b.closed).toEqual([9]);
    const sentBytes = b.outbox.reduce((sum, { bytes }) => sum + bytes.length, 0);
    expect(sentBytes).toBeLessThan(200);
  });

  it('a stranger who says nothing, after two seconds; and more than eight at once', () => {
    const b = new End(HIGH);
    for (let link = 1; link <= 9; link++) knock(b, link);
    expect(b.closed).toEqual([9]);
    b.tick(2_000);
    expect(b.closed.length).toBe(9);
    expect(b.lines).toEqual(['refused a connection from x:1: it did not say who it is within 2 s']);
  });

  it('not its peer, however many others knock; nor more than eight from where the peer is', () => {
    const a = new End(LOW);
    const b = new End(HIGH);
    for (let link = 1; link <= 20; link++) knock(b, link);
    connect(a, b, 30, { isFromPeer: true });
    carry(a, b);
    expect(b.stats().repl_state).toBe('synced');
    const c = new End({ nodeId: 3 });
    for (let link = 1; link <= 20; link++) knock(c, link, true);
    expect(20 - c.closed.length).toBe(8);
  });

  it('not its peer among many who say nothing and come from the same address', () => {
    const a = new End(LOW);
    const b = new End(HIGH);
    for (let link = 1; link <= 8; link++) knock(b, link, true);
    connect(a, b, 30, { isFromPeer: true });
    expect(b.closed).toEqual([1]);
    carryFrom(a, b);
    for (let link = 9; link <= 20; link++) knock(b, link, true);
    carry(a, b);
    expect(b.stats().repl_state).toBe('synced');
    expect(b.lines.filter((line) => line.startsWith('refused'))).toEqual([]);
  });

  it('nobody of those it dialled that hang: they are tried again without a word', () => {
    const a = new End(LOW);
    a.step({ kind: 'dialed', link: 1, address: 'x' });
    a.tick(2_000);
    expect([a.closed, a.lines]).toEqual([[1], []]);
  });

  it('a third node, while the peer lives', () => {
    const [a, b] = pair();
    const c = new End({ nodeId: 3, dials: true });
    connect(c, a, 5);
    carry(c, a);
    expect(c.lines[0]).toMatch(/refused by .*: this node has a living peer already/);
    expect(a.stats().repl_state).toBe('synced');
    expect(b.closed).toEqual([]);
  });

  it('never accepts a length that the type of link does not allow', () => {
    const [a] = pair();
    const bytes = new Uint8Array([0xff, 0xff, 0xff, 0x7f, FRAME.item]);
    expect(readU32(bytes, 0)).toBe(0x7fffffff);
    a.step({ kind: 'received', link: 1, bytes });
    expect(a.closed).toEqual([1]);
    expect(a.lines.at(-1)).toMatch(/^link down/);
  });
});

describe('a link', () => {
  it('that is silent for three seconds is down, and dialled again', () => {
    const [a] = pair();
    const dials = a.dials;
    for (let i = 0; i < 59; i++) a.tick(50);
    expect(a.closed).toEqual([]);
    a.tick(50);
    expect(a.closed).toEqual([1]);
    expect(a.lines.at(-1)).toBe('link down (nothing heard for 3 s)');
    for (let i = 0; i < 2; i++) a.tick(50);
    expect(a.dials).toBe(dials + 1);
  });

  it('of two that come up at once, the one dialled by the lower id stays on both sides', () => {
    const a = new End(LOW);
    const b = new End(HIGH);
    connect(a, b, 1);
    connect(b, a, 2);
    carry(a, b);
    expect([a.stats().repl_state, b.stats().repl_state]).toEqual(['synced', 'synced']);
    expect(a.closed).toEqual([2]);
    expect(b.closed).toEqual([2]);
    expect(a.lines.filter((line) => line.startsWith('link'))).toHaveLength(1);
  });
});

describe('serving', () => {
  it('starts at once where there is nobody to wait for', () => {
    expect(new End({ dials: false }).isReady).toBe(true);
    const a = new End(LOW);
    expect(a.isReady).toBe(false);
    a.step({ kind: 'dialFailed', failure: 'refused' });
    expect(a.isReady).toBe(true);
  });

  it('starts at once without a peer, whoever else knocks; but waits for one that has connected', () => {
    const a = new End(LOW);
    knock(a, 1);
    a.step({ kind: 'dialFailed', failure: 'refused' });
    expect(a.isReady).toBe(true);
    const b = new End(LOW);
    knock(b, 1, true);
    b.step({ kind: 'dialFailed', failure: 'refused' });
    expect(b.isReady).toBe(false);
    const c = new End(LOW);
    const peer = new End(HIGH);
    connect(peer, c);
    carryFrom(peer, c);
    c.step({ kind: 'dialFailed', failure: 'refused' });
    expect(c.isReady).toBe(false);
  });

  it('waits for the copy, or ten seconds', () => {
    const a = new End(LOW);
    a.step({ kind: 'dialFailed', failure: 'failed' });
    for (let i = 0; i < 199; i++) a.tick(50);
    expect(a.isReady).toBe(false);
    a.tick(50);
    expect(a.isReady).toBe(true);
    const [b, c] = pair();
    expect([b.isReady, c.isReady]).toEqual([true, true]);
  });

  it('waits for what the peer sends back because it lost something newer', () => {
    const a = new End({ nodeId: 1, dials: true });
    const b = new End({ nodeId: 2, dials: true, memoryBytes: 5 * 1024 * 1024 });
    a.set('k', 'kept from before');
    for (let i = 0; i < 4_000; i++) a.set(`other${i}`, 'kept from before');
    b.nowMs += 1_000;
    b.set('k', 'newer');
    for (let i = 0; i < 8_000; i++) b.set(`other${i}`, 'x'.repeat(1_000));
    expect(b.get('k')).toBe(null);
    connect(a, b);
    carryUntilReady(a, b);
    expect([a.get('k'), a.get('other7999')]).toEqual([null, 'x'.repeat(1_000)]);
  });

  it('does not wait until a peer that has nothing has everything', () => {
    const a = new End({ nodeId: 1, dials: true });
    const b = new End({ nodeId: 2, dials: true });
    for (let i = 0; i < 4_000; i++) a.set(`k${i}`, 'x'.repeat(1_000));
    connect(a, b);
    carryUntilReady(a, b);
    expect(b.store.entryCount).toBeLessThan(4_000);
  });
});

describe('stopping', () => {
  it('hands over what the peer lacks, then says goodbye', () => {
    const [a, b] = pair();
    a.set('k', '1');
    a.step({ kind: 'stop' });
    expect(a.isStopped).toBe(false);
    carry(a, b);
    expect([a.isStopped, b.get('k')]).toEqual([true, '1']);
    expect(b.lines.at(-1)).toBe('link down (the peer was stopped)');
  });

  it('takes no longer than two seconds', () => {
    const [a] = pair();
    a.set('k', '1');
    a.step({ kind: 'stop' });
    a.tick(2_000);
    expect(a.isStopped).toBe(true);
    expect(a.lines.at(-1)).toBe('stopped before the peer had everything (1 changes left)');
  });

  it('is at once without a peer', () => {
    const a = new End(LOW);
    a.step({ kind: 'stop' });
    expect(a.isStopped).toBe(true);
  });
});
