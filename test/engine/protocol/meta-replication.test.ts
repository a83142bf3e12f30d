// Two joined nodes, each with a client that speaks meta commands: what of their marks reaches the other node.
import { describe, expect, it } from 'vitest';
import { carry, connect, End } from '../replication/wire-pair.js';
import { Talk } from './talk.js';

function pair(): { a: End; b: End; onA: Talk; onB: Talk; settle: () => void } {
  const a = new End({ nodeId: 1, dials: true });
  const b = new End({ nodeId: 2, dials: true });
  connect(a, b);
  carry(a, b);
  const settle = (): void => {
    a.step({ kind: 'pump' });
    b.step({ kind: 'pump' });
    carry(a, b);
  };
  return { a, b, onA: new Talk(a.store), onB: new Talk(b.store), settle };
}

const say = (talk: Talk, text: string): string => talk.say(Buffer.from(text, 'latin1'));

describe('meta commands on a pair', () => {
  it('carry that an item is stale, but not who recaches it', () => {
    const { onA, onB, settle } = pair();
    say(onA, 'ms k 1 T100\r\nx\r\n');
    expect(say(onA, 'md k I T30\r\nmg k v t\r\n')).toBe('HD\r\nVA 1 t30 X W\r\nx\r\n');
    settle();
    // A second reader may be told to recache on the second node: once too often rather than never.
    expect(say(onB, 'mg k v t\r\nmg k v\r\n')).toBe('VA 1 t30 X W\r\nx\r\nVA 1 Z X\r\nx\r\n');
    say(onB, 'ms k 1\r\ny\r\n');
    settle();
    expect(say(onA, 'mg k v\r\n')).toBe('VA 1\r\ny\r\n');
  });

  it('carry the unique that a client gave, and compare with it on both nodes', () => {
    const { onA, onB, settle } = pair();
    expect(say(onA, 'ms k 1 E7 c\r\nx\r\n')).toBe('HD c7\r\n');
    settle();
    expect(say(onB, 'gets k\r\n')).toBe('VALUE k 0 1 7\r\nx\r\nEND\r\n');
    expect(say(onB, 'ms k 1 C6\r\ny\r\nms k 1 C7 E8 c\r\ny\r\n')).toBe('EX\r\nHD c8\r\n');
    settle();
    expect(say(onA, 'mg k c v\r\n')).toBe('VA 1 c8\r\ny\r\n');
  });

  it('agree on the later write, however small the unique that came with it', () => {
    const { a, b, onA, onB, settle } = pair();
    say(onA, 'set k 0 0 1\r\n1\r\n');
    settle();
    b.nowMs += 5;
    b.store.setNow(b.nowMs);
    say(onB, 'ms k 1 E1\r\n2\r\n');
    say(onA, 'ms k 1 E18446744073709551615\r\n3\r\n');
    settle();
    expect(a.get('k')).toBe(b.get('k'));
    expect(say(onA, 'mg k c v\r\n')).toBe('VA 1 c1\r\n2\r\n');
  });

  it('carry marks with a full copy', () => {
    const a = new End({ nodeId: 1, dials: true });
    const b = new End({ nodeId: 2, dials: true });
    say(new Talk(a.store), 'ms k 3 E5\r\nabc\r\nmd k I E6\r\n');
    connect(a, b);
    carry(a, b, 3);
    expect(say(new Talk(b.store), 'mg k c v\r\n')).toBe('VA 3 c6 X W\r\nabc\r\n');
  });
});
