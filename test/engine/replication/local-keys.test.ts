// Keys that stay local, on a pair: nothing of them travels, whichever way the nodes come to be alike.

import { describe, expect, it } from 'vitest';
import { carry, connect, End, type EndOptions } from './wire-pair.js';

const EXCLUDES: EndOptions = { localKeys: ['lock.*', '*.lock'] };

function settle(a: End, b: End): void {
  for (const end of [a, b]) end.step({ kind: 'pump' });
  carry(a, b);
}

describe('keys that stay local', () => {
  it('are not part of a copy', () => {
    const a = new End({ nodeId: 1, dials: true, ...EXCLUDES });
    const b = new End({ nodeId: 2, dials: true, ...EXCLUDES });
    a.set('lock.1', 'a');
    b.set('lock.1', 'b');
    a.set('2.lock', 'a');
    a.set('session', 'a');
    connect(a, b);
    settle(a, b);
    expect([a.get('lock.1'), b.get('lock.1')]).toEqual(['a', 'b']);
    expect([a.get('2.lock'), b.get('2.lock')]).toEqual(['a', null]);
    expect(b.get('session')).toBe('a');
    expect(b.stats().repl_received).toBe(b.stats().repl_applied + b.stats().repl_ignored);
  });

  it('do not travel as they change, and count for no change', () => {
    const a = new End({ nodeId: 1, dials: true, ...EXCLUDES });
    const b = new End({ nodeId: 2, dials: true, ...EXCLUDES });
    connect(a, b);
    settle(a, b);
    const { repl_log_seq } = a.stats();
    a.set('lock.1', 'a');
    b.set('lock.1', 'b');
    settle(a, b);
    a.remove('lock.1');
    settle(a, b);
    expect([a.get('lock.1'), b.get('lock.1')]).toEqual([null, 'b']);
    expect(a.stats()).toMatchObject({ repl_log_seq, repl_tombstones: 0, repl_unacked: 0 });
  });

  it('are ignored where only one of the two nodes knows of the pattern', () => {
    const a = new End({ nodeId: 1, dials: true, ...EXCLUDES });
    const b = new End({ nodeId: 2, dials: true });
    a.set('lock.1', 'a');
    connect(a, b);
    settle(a, b);
    b.set('lock.1', 'b');
    b.set('lock.2', 'b');
    settle(a, b);
    b.remove('lock.1');
    settle(a, b);
    expect([a.get('lock.1'), a.get('lock.2'), b.get('lock.2')]).toEqual(['a', null, 'b']);
    expect(b.stats().repl_tombstones).toBe(0);
    expect([a.stats().repl_state, b.stats().repl_state]).toEqual(['synced', 'synced']);
  });
});
