// Adds of a node that could not know what its peer has: a value that exists is not destroyed by them.

import { describe, expect, it } from 'vitest';
import { MODE_ADD, MODE_SET, STORED, type StoreMode } from '../../../src/engine/store/store-types.js';
import { carry, connect, End } from './wire-pair.js';

const SESSION = 'session';

function nodes(): [End, End] {
  const ends: [End, End] = [new End({ nodeId: 1, dials: true }), new End({ nodeId: 2, dials: true })];
  // Nobody there, as far as each can tell: both serve.
  for (const end of ends) end.step({ kind: 'dialFailed', failure: 'refused' });
  return ends;
}

function put(end: End, key: string, value: string, mode: StoreMode): boolean {
  const bytes = Buffer.from(key + value);
  end.store.setNow(end.nowMs);
  const ref = end.store.reserve(bytes, 0, key.length, 0, 0, value.length);
  end.store.writeValue(ref, 0, bytes, key.length, bytes.length);
  return end.store.commit(ref, mode, 0, 0) === STORED;
}

const set = (end: End, value: string): boolean => put(end, SESSION, value, MODE_SET);
const add = (end: End, value: string): boolean => put(end, SESSION, value, MODE_ADD);

function join(a: End, b: End): void {
  connect(a, b);
  settle(a, b);
}

function settle(a: End, b: End): void {
  for (const end of [a, b]) end.step({ kind: 'pump' });
  carry(a, b);
  for (const end of [a, b]) end.step({ kind: 'pump' });
  carry(a, b);
}

/** What both hold; fails if they differ. */
function both(a: End, b: End): string | null {
  const [onA, onB] = [a, b].map((end) => ({ value: end.get(SESSION), version: version(end) }));
  expect(onA).toEqual(onB);
  return onA.value;
}

function version(end: End): string {
  const key = Buffer.from(SESSION);
  const ref = end.store.find(key, 0, key.length);
  return ref === 0 ? '' : `${end.store.versionHi(ref)}.${end.store.versionLo(ref)}`;
}

function isProvisional(end: End): boolean {
  const key = Buffer.from(SESSION);
  return end.store.isProvisional(end.store.find(key, 0, key.length));
}

describe('an add of a node that is not in sync', () => {
  it.each(['first', 'second'] as const)(
    'gives way to the value of the %s node, however new it is',
    (side) => {
      const [first, second] = nodes();
      const [keeper, stranger] = side === 'first' ? [first, second] : [second, first];
      set(keeper, 'logged in');
      stranger.tick(60_000);
      expect(add(stranger, '')).toBe(true);
      expect(isProvisional(stranger)).toBe(true);
      join(first, second);
      expect(both(first, second)).toBe('logged in');
      expect(isProvisional(keeper)).toBe(false);
      expect(isProvisional(stranger)).toBe(false);
      expect(keeper.stats()).toMatchObject({ repl_conflicts_won: 1, repl_conflicts_lost: 0 });
      expect(keeper.stats().repl_conflicts).toBeGreaterThan(0);
    },
  );

  it('stays where there is no value, and is an item like any other from the next write on', () => {
    const [a, b] = nodes();
    add(a, 'new');
    join(a, b);
    expect(both(a, b)).toBe('new');
    expect(isProvisional(b)).toBe(true);
    set(b, 'newer');
    settle(a, b);
    expect(both(a, b)).toBe('newer');
    expect(isProvisional(a)).toBe(false);
  });

  it.each([
    ['set', (end: End) => set(end, '7')],
    ['append', (end: End) => put(end, SESSION, '7', 4)],
    ['incr', (end: End) => end.store.arithmetic(Buffer.from(SESSION), 0, SESSION.length, 0, 6, true) === 0],
  ])('wins by its age once a client has written it by %s', (_, write) => {
    const [a, b] = nodes();
    set(a, 'old');
    b.tick(1_000);
    add(b, '1');
    expect(write(b)).toBe(true);
    const written = b.get(SESSION);
    expect(isProvisional(b)).toBe(false);
    join(a, b);
    expect(both(a, b)).toBe(written);
  });

  it('is no less provisional for a touch', () => {
    const [a, b] = nodes();
    set(a, 'old');
    b.tick(1_000);
    add(b, '');
    const key = Buffer.from(SESSION);
    b.store.touch(key, 0, key.length, b.store.nowSec + 1_000);
    join(a, b);
    expect(both(a, b)).toBe('old');
  });

  it('after a delete on the same node is no guess: the value of the peer is older than the delete', () => {
    const [a, b] = nodes();
    set(a, 'old');
    set(b, 'copy');
    b.remove(SESSION);
    b.tick(1_000);
    add(b, 'after');
    expect(isProvisional(b)).toBe(false);
    join(a, b);
    expect(both(a, b)).toBe('after');
  });

  it('after a delete whose tombstone had to go is no guess either', () => {
    const [a, b] = nodes();
    set(a, 'old');
    set(b, 'copy');
    b.remove(SESSION);
    // As memory that is full of tombstones does to the oldest.
    const key = Buffer.from(SESSION);
    for (let number = 0; b.store.entry(key, 0, key.length) !== 0; number++) {
      put(b, `k${number}`, 'x', MODE_SET);
      b.remove(`k${number}`);
    }
    b.tick(1_000);
    add(b, 'after');
    expect(isProvisional(b)).toBe(false);
    join(a, b);
    expect(both(a, b)).toBe('after');
  });

  it('is gone if the key was deleted later on the other node, and stays if it was deleted before', () => {
    for (const [deleteMs, expected] of [
      [5_000, null],
      [0, 'new'],
    ] as const) {
      const [a, b] = nodes();
      set(a, 'old');
      a.tick(deleteMs);
      a.remove(SESSION);
      b.tick(1_000);
      add(b, 'new');
      join(a, b);
      expect(both(a, b)).toBe(expected);
    }
  });

  it('of both nodes: the newer one stays', () => {
    const [a, b] = nodes();
    add(a, 'one');
    b.tick(1_000);
    add(b, 'two');
    join(a, b);
    expect(both(a, b)).toBe('two');
  });

  it('is not overruled by what a restarted node has from its file', () => {
    const a = new End({ nodeId: 1, dials: true });
    const b = new End({ nodeId: 2, dials: false });
    // From the file: a serves nobody yet, b has served all the time.
    set(a, 'before the restart');
    expect(a.isReady).toBe(false);
    b.tick(60_000);
    add(b, 'new');
    join(a, b);
    expect(both(a, b)).toBe('new');
  });
});

describe('an add of a node that is in sync', () => {
  it('is an item like any other', () => {
    const [a, b] = nodes();
    join(a, b);
    add(a, 'new');
    expect(isProvisional(a)).toBe(false);
    settle(a, b);
    expect(both(a, b)).toBe('new');
  });

  it('is provisional again while the link is down', () => {
    const [a, b] = nodes();
    join(a, b);
    a.step({ kind: 'closed', link: 1 });
    add(a, 'new');
    expect(isProvisional(a)).toBe(true);
  });
});
