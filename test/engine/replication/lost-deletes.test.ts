// More deletes than are remembered by their keys, lost before the peer heard of them: none comes back, and nothing else
// goes, whichever process of the peer comes next and whatever node bits it brings.

import { describe, expect, it } from 'vitest';
import { keepImage, restoreImage } from '../simulation/image.js';
import { carry, connect, cut, End, type EndOptions } from './wire-pair.js';

/** Far more than a node of this memory remembers. */
const MANY = 20_000;
const FEW = 50;
/** Odd ids begin with node bit 1, even ones with 0; of two that begin alike the lower one takes 0. */
const A = 4;
const PEER = 7;
/** Beside this one, A has the other bit. */
const SWAPPING_PEER = 2;
/** This one begins with the bit of A, and has the other one beside it. */
const SWAPPED_PEER = 8;
const NEXT_A = 6;
/** And this one in the place of A beside the first peer. */
const SWAPPED_A = 9;

function newEnd(nodeId: number, options: EndOptions = {}): End {
  return new End({ nodeId, dials: true, tombstoneShare: 0.0005, ...options });
}

let links = 0;

/** Links the two, until all is said. */
function join(a: End, b: End): number {
  links += 1;
  b.nowMs = Math.max(a.nowMs, b.nowMs);
  a.nowMs = b.nowMs;
  connect(a, b, links);
  carry(a, b);
  // What is to be dropped is known to have arrived once a ping was answered.
  for (let round = 0; round < 2; round++) {
    for (const end of [a, b]) end.tick(600);
    carry(a, b);
  }
  return links;
}

function settle(a: End, b: End): void {
  for (const end of [a, b]) end.step({ kind: 'pump' });
  carry(a, b);
}

/** A later process of the node, which was stopped in good order. */
function restarted(end: End, nodeId: number): End {
  const next = newEnd(nodeId);
  next.nowMs = end.nowMs;
  restoreImage(keepImage(end), next.store, next.nowMs);
  next.replicator.step({ kind: 'tick' }, next.nowMs);
  return next;
}

function setMany(end: End): void {
  for (let i = 0; i < MANY; i++) end.set(`k${i}`, '');
}

function removeMany(end: End): void {
  end.nowMs += 1_000;
  for (let i = 0; i < MANY; i++) end.remove(`k${i}`);
}

function setFew(end: End): void {
  end.nowMs += 100;
  for (let i = 0; i < FEW; i++) end.set(`later${i}`, '');
}

/** Two nodes that both have the many, after their link has broken. */
function partedPair(): [End, End] {
  const a = newEnd(A);
  const b = newEnd(PEER);
  const link = join(a, b);
  setMany(a);
  settle(a, b);
  cut(a, b, link);
  return [a, b];
}

const countOf = (end: End, prefix: string, keys: number): number =>
  Array.from({ length: keys }, (_, i) => end.get(`${prefix}${i}`)).filter((value) => value !== null).length;

function expectSettled(a: End, b: End, few: number): void {
  const found = [a, b].map((end) => ({
    deleted: countOf(end, 'k', MANY),
    later: countOf(end, 'later', FEW),
  }));
  expect(found).toEqual([
    { deleted: 0, later: few },
    { deleted: 0, later: few },
  ]);
  expect([a.store.lostWrites.isPending, b.store.lostWrites.isPending]).toEqual([false, false]);
}

describe('very many lost deletes', () => {
  it.each([PEER, SWAPPING_PEER])(
    'stay deleted when process %s of the peer has the items from a file',
    (nextId) => {
      const [a, b] = partedPair();
      removeMany(a);
      const next = restarted(b, nextId);
      join(a, next);
      expectSettled(a, next, 0);
    },
  );

  it.each([PEER, SWAPPING_PEER])(
    'take nothing that was written on the peer since, before its process %s',
    (nextId) => {
      const [a, b] = partedPair();
      setFew(b);
      removeMany(a);
      const next = restarted(b, nextId);
      join(a, next);
      expectSettled(a, next, FEW);
    },
  );

  it.each([PEER, SWAPPING_PEER, SWAPPED_PEER])(
    'take nothing from process %s of the peer, which began with nothing',
    (nextId) => {
      const [a] = partedPair();
      const next = newEnd(nextId);
      next.nowMs = a.nowMs;
      setFew(next);
      removeMany(a);
      join(a, next);
      expectSettled(a, next, FEW);
    },
  );

  it('stay deleted where the items came from an earlier process by way of the peer', () => {
    const before = newEnd(NEXT_A);
    const b = newEnd(PEER);
    const firstLink = join(before, b);
    setMany(before);
    settle(before, b);
    cut(before, b, firstLink);
    const a = newEnd(A, { clockOffsetMs: 10_000 });
    const link = join(a, b);
    cut(a, b, link);
    removeMany(a);
    join(a, b);
    expectSettled(a, b, 0);
  });

  it('take nothing of a copy that broke off', () => {
    const b = newEnd(PEER);
    for (let i = 0; i < MANY; i++) b.set(`of-b${i}`, '');
    const a = newEnd(A);
    a.nowMs += 1_000;
    setMany(a);
    links += 1;
    connect(a, b, links);
    while (a.stats().repl_received < MANY / 2) {
      for (const [from, to] of [
        [a, b],
        [b, a],
      ]) {
        const sent = from.outbox.shift();
        if (sent === undefined) continue;
        to.step({ kind: 'received', link: links, bytes: sent.bytes });
        from.step({ kind: 'writable', link: links });
      }
      for (const end of [a, b]) end.goOn();
    }
    cut(a, b, links);
    removeMany(a);
    join(a, b);
    expect([countOf(a, 'of-b', MANY), countOf(b, 'of-b', MANY)]).toEqual([MANY, MANY]);
  });

  it.each([NEXT_A, SWAPPED_A])('are all that goes when process %s of their own node comes next', (nextId) => {
    const [a, b] = partedPair();
    setFew(b);
    removeMany(a);
    const next = restarted(a, nextId);
    join(next, b);
    expectSettled(next, b, FEW);
  });
});
