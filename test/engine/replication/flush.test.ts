// flush_all on a pair whose clocks are apart: it takes effect on both nodes at the moment that its client meant.

import { describe, expect, it } from 'vitest';
import { carry, connect, End, type EndOptions } from './wire-pair.js';

const DELAY_SEC = 10;
const OFFSETS_MS = [0, 90_000, -90_000];

class FlushedPair {
  readonly a: End;
  readonly b: End;

  /** @param offsetMs the clock of b minus the one of a */
  constructor(offsetMs: number, options: EndOptions = {}) {
    this.a = new End({ nodeId: 1, dials: true, ...options });
    this.b = new End({ nodeId: 2, dials: true, clockOffsetMs: offsetMs, ...options });
    connect(this.a, this.b);
    carry(this.a, this.b);
  }

  /** Lets time pass on both, and what there is to say be said. */
  wait(ms: number, isLinked = true): void {
    for (let left = ms; left > 0; left -= 100) {
      for (const end of [this.a, this.b]) end.tick(Math.min(left, 100));
      if (isLinked) this.settle();
    }
  }

  settle(): void {
    for (const end of [this.a, this.b]) end.step({ kind: 'pump' });
    carry(this.a, this.b);
  }

  flushAll(on: End, delaySec: number): void {
    on.store.setNow(on.nowMs);
    on.store.flushAll(delaySec);
    this.settle();
  }

  read(key: string): (string | null)[] {
    return [this.a.get(key), this.b.get(key)];
  }
}

describe.each(OFFSETS_MS)('flush_all with the clock of the peer %s ms ahead', (offsetMs) => {
  it.each(['a', 'b'] as const)(
    'sent to %s for later takes effect on both, neither early nor late',
    (side) => {
      const pair = new FlushedPair(offsetMs);
      pair.a.set('of-a', '1');
      pair.b.set('of-b', '1');
      pair.settle();
      pair.flushAll(pair[side], DELAY_SEC);
      pair.wait(DELAY_SEC * 1_000 - 200);
      expect(pair.read('of-a')).toEqual(['1', '1']);
      expect(pair.read('of-b')).toEqual(['1', '1']);
      // Set after the command and before its time: they go as well.
      pair.a.set('late-a', '1');
      pair.b.set('late-b', '1');
      pair.settle();
      pair.wait(200);
      for (const key of ['of-a', 'of-b', 'late-a', 'late-b'])
        expect(pair.read(key), key).toEqual([null, null]);
      pair.a.set('new-a', '2');
      pair.b.set('new-b', '2');
      pair.wait(200_000);
      expect(pair.read('new-a')).toEqual(['2', '2']);
      expect(pair.read('new-b')).toEqual(['2', '2']);
    },
  );

  it.each(['a', 'b'] as const)('sent to %s spares what either node is given from then on', (side) => {
    const pair = new FlushedPair(offsetMs);
    pair.a.set('old', '1');
    pair.settle();
    pair.flushAll(pair[side], 0);
    expect(pair.read('old')).toEqual([null, null]);
    pair.a.set('new-a', '2');
    pair.b.set('new-b', '2');
    pair.settle();
    expect(pair.read('new-a')).toEqual(['2', '2']);
    expect(pair.read('new-b')).toEqual(['2', '2']);
  });

  it('takes effect on each node by itself when they cannot speak to each other', () => {
    const pair = new FlushedPair(offsetMs);
    pair.a.set('of-a', '1');
    pair.settle();
    pair.flushAll(pair.a, DELAY_SEC);
    pair.wait(DELAY_SEC * 1_000 - 200, false);
    expect(pair.read('of-a')).toEqual(['1', '1']);
    pair.wait(300, false);
    expect(pair.read('of-a')).toEqual([null, null]);
  });
});

describe('flush_all for later', () => {
  it('does not take what was written elsewhere while its node slept through the time', () => {
    const pair = new FlushedPair(0);
    pair.flushAll(pair.a, DELAY_SEC);
    pair.wait(DELAY_SEC * 1_000 - 1_000);
    // b is stopped, for less than it takes to be missed; what a sends piles up before it.
    pair.a.tick(1_000);
    pair.a.set('meanwhile', '1');
    pair.a.tick(1_000);
    pair.b.tick(2_000);
    pair.settle();
    expect(pair.read('meanwhile')).toEqual(['1', '1']);
  });
});

describe.each(OFFSETS_MS)(
  'flush_all of one node alone, with the clock of the peer %s ms ahead',
  (offsetMs) => {
    it.each(['a', 'b'] as const)(
      'sent to %s: the other keeps all it has, and what it writes arrives',
      (side) => {
        const pair = new FlushedPair(offsetMs, { flushesLocally: true });
        const [here, there] = side === 'a' ? [pair.a, pair.b] : [pair.b, pair.a];
        here.set('of-here', '1');
        there.set('of-there', '1');
        pair.settle();
        here.set('unsent', '1');
        pair.flushAll(here, 0);
        expect([here.get('of-here'), here.get('of-there'), here.get('unsent')]).toEqual([null, null, null]);
        expect([there.get('of-here'), there.get('of-there'), there.get('unsent')]).toEqual(['1', '1', '1']);
        there.set('of-there', '2');
        here.set('of-here', '2');
        pair.settle();
        expect(pair.read('of-there')).toEqual(['2', '2']);
        expect(pair.read('of-here')).toEqual(['2', '2']);
      },
    );

    it('still sends the peer what it had not heard of yet, and lets nothing older come back', () => {
      const pair = new FlushedPair(offsetMs, { flushesLocally: true, logCapacity: 8 });
      pair.a.set('changed', 'old');
      pair.settle();
      for (const end of [pair.a, pair.b]) end.step({ kind: 'closed', link: 1 });
      pair.a.set('changed', 'new');
      // More than the log holds: everything is compared.
      for (let i = 0; i < 20; i++) pair.a.set(`k${i}`, 'new');
      pair.flushAll(pair.a, 0);
      connect(pair.a, pair.b, 2);
      pair.settle();
      expect([pair.a.get('k0'), pair.b.get('k0')]).toEqual([null, 'new']);
      expect(pair.read('changed')).not.toContain('old');
    });

    it('of each of the two leaves nothing to come back', () => {
      const pair = new FlushedPair(offsetMs, { flushesLocally: true, logCapacity: 8 });
      for (let i = 0; i < 20; i++) pair.a.set(`k${i}`, '1');
      pair.settle();
      for (const end of [pair.a, pair.b]) end.step({ kind: 'closed', link: 1 });
      for (const end of [pair.a, pair.b]) pair.flushAll(end, 0);
      connect(pair.a, pair.b, 2);
      pair.settle();
      for (let i = 0; i < 20; i++) expect(pair.read(`k${i}`)).toEqual([null, null]);
    });

    it('kills nothing when the nodes meet again: what the peer kept comes back', () => {
      const pair = new FlushedPair(offsetMs, { flushesLocally: true });
      pair.a.set('kept', '1');
      pair.settle();
      for (const end of [pair.a, pair.b]) end.step({ kind: 'closed', link: 1 });
      pair.flushAll(pair.a, 0);
      connect(pair.a, pair.b, 2);
      pair.settle();
      expect(pair.b.get('kept')).toBe('1');
    });
  },
);
