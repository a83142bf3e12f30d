// The core for a legacy peer as a whole: links, copies, who wins, and what is said to whom.

import { describe, expect, it } from 'vitest';
import { carry, LegacyEnd, type LegacyEndOptions, START_MS } from './legacy-end.js';

/** By then what was sent counts as arrived, if the link stands. */
const SETTLED_MS = 200_000;

/** A node with a link to a real one, which holds nothing. */
function linked(role: 'dialer' | 'acceptor', options: LegacyEndOptions = {}): LegacyEnd {
  const end = new LegacyEnd({ dials: role === 'dialer', ...options }).start();
  if (role === 'dialer') {
    end.dialed();
    end.flushOutbox();
    end.hear('marugoto_end\r\n');
  } else {
    end.accepted();
  }
  end.flushOutbox();
  expect(end.stats().repl_state).toBe('synced');
  return end;
}

/** Two of ours that both speak the legacy protocol; the first one dialled. */
function pairOfOurs(): [LegacyEnd, LegacyEnd] {
  const a = new LegacyEnd({ dials: true }).start();
  const b = new LegacyEnd().start();
  return [a, b];
}

function join(a: LegacyEnd, b: LegacyEnd, link = 1): void {
  b.accepted(link);
  a.dialed(link);
  carry(a, b, link);
}

function settle(a: LegacyEnd, b: LegacyEnd, link = 1): void {
  a.step({ kind: 'pump' });
  b.step({ kind: 'pump' });
  carry(a, b, link);
}

describe('in the place of the one who dials', () => {
  it('serves once the copy is in, then sends what only it has', () => {
    const end = new LegacyEnd({ dials: true }).start();
    end.say('set mine 3 0 1\r\nm\r\n');
    expect(end.dials).toBe(1);
    end.dialed();
    expect(end.flushOutbox()).toBe('');
    end.hear('rep theirs 0 0 1 9\r\nt\r\n');
    expect([end.isReady, end.flushOutbox()]).toEqual([false, '']);
    end.hear('marugoto_end\r\n');
    expect(end.isReady).toBe(true);
    expect(end.flushOutbox()).toMatch(/^rep mine 3 0 1 \d+\r\nm\r\nmarugoto_end\r\n$/);
    expect(end.value('theirs')).toBe('t');
    expect(end.lines).toEqual([
      'link up (peer 127.0.0.1:16000, legacy protocol)',
      'sync done (sent 1 items, received 1 items, 0 ms)',
    ]);
    expect(end.stats()).toMatchObject({ repl_protocol: 'legacy', repl_state: 'synced', repl_unacked: 0 });
  });

  it('serves at once when nobody listens there, and dials again for ever, at most 2 s later', () => {
    const end = new LegacyEnd({ dials: true }).start();
    end.step({ kind: 'dialFailed', failure: 'refused' });
    expect(end.isReady).toBe(true);
    for (let i = 0; i < 100; i++) {
      const { dials } = end;
      end.pass(2_000);
      expect(end.dials).toBe(dials + 1);
      end.step({ kind: 'dialFailed', failure: 'failed' });
    }
  });

  it('serves in the end when the peer is reached and says nothing, and tries again', () => {
    const end = new LegacyEnd({ dials: true }).start();
    end.dialed();
    end.pass(12_500);
    expect(end.isReady).toBe(true);
    expect(end.lines).toContain("link down (nothing of the peer's copy for 10 s)");
    expect(end.lines).toContain('serving without the data of the peer: it was not ready in time');
    expect(end.dials).toBe(2);
  });

  it('goes on with what it has when the peer dies in the middle of its copy', () => {
    const end = new LegacyEnd({ dials: true }).start();
    end.dialed();
    end.hear('rep k 0 0 1 1\r\n1\r\nrep half 0 0 9 1\r\nabc');
    end.step({ kind: 'closed', link: 1 });
    end.pass(50);
    expect([end.isReady, end.dials, end.value('k'), end.value('half')]).toEqual([false, 2, '1', null]);
    end.step({ kind: 'dialFailed', failure: 'refused' });
    expect(end.isReady).toBe(true);
  });

  it('keeps what was written here while the link was down, and sends it after the copy', () => {
    const end = linked('dialer');
    end.say('set both 0 0 2\r\nv1\r\nset gone 0 0 1\r\n1\r\n');
    end.flushOutbox();
    end.pass(SETTLED_MS);
    end.step({ kind: 'closed', link: 1 });
    end.say('set both 0 0 2\r\nv2\r\ndelete gone\r\n');
    end.dialed(2);
    end.flushOutbox();
    end.hear(
      'rep both 0 0 2 1\r\nv1\r\nrep gone 0 0 1 2\r\n1\r\nrep other 0 0 1 3\r\no\r\nmarugoto_end\r\n',
      2,
    );
    expect([end.value('both'), end.value('gone'), end.value('other')]).toEqual(['v2', null, 'o']);
    const sent = end.flushOutbox();
    expect(sent).toMatch(/rep both 0 0 2 \d+\r\nv2\r\n/);
    expect(sent).toContain('delete gone\r\n');
    expect(sent).not.toContain('other');
    expect(end.stats().repl_conflicts).toBe(2);
  });

  it("takes the peer's word for what both knew before the link was down", () => {
    const end = linked('dialer');
    end.say('set k 0 0 2\r\nv1\r\n');
    end.flushOutbox();
    end.pass(SETTLED_MS);
    end.step({ kind: 'closed', link: 1 });
    end.dialed(2);
    end.hear('rep k 0 0 2 7\r\nv2\r\nmarugoto_end\r\n', 2);
    expect(end.value('k')).toBe('v2');
    expect(end.flushOutbox()).toBe('marugoto_end\r\n');
  });

  it('takes no proof of arrival from a link that broke: what was sent just before stands against the copy', () => {
    const end = linked('dialer');
    end.pass(SETTLED_MS);
    end.say('set k 0 0 2\r\nv2\r\n');
    end.flushOutbox();
    end.pass(SETTLED_MS / 2);
    end.step({ kind: 'closed', link: 1 });
    end.dialed(2);
    end.hear('rep k 0 0 2 7\r\nv1\r\nmarugoto_end\r\n', 2);
    expect(end.value('k')).toBe('v2');
  });

  it('lets a flush_all that the peer could not hear of stand against its copy', () => {
    const end = linked('dialer');
    end.say('set k 0 0 1\r\n1\r\n');
    end.flushOutbox();
    end.pass(SETTLED_MS);
    end.step({ kind: 'closed', link: 1 });
    end.say('flush_all\r\nset new 0 0 1\r\nn\r\n');
    end.dialed(2);
    end.hear('rep k 0 0 1 7\r\n1\r\nmarugoto_end\r\n', 2);
    expect(end.value('k')).toBeNull();
    expect(end.flushOutbox()).toMatch(/^flush_all \r\nrep new 0 0 1 \d+\r\nn\r\nmarugoto_end\r\n$/);
  });

  it("lets an add that was made for want of the peer's value give way to it", () => {
    const end = new LegacyEnd({ dials: true }).start();
    end.step({ kind: 'dialFailed', failure: 'refused' });
    end.say('add session 0 0 0\r\n\r\n');
    end.dialed();
    end.hear('rep session 0 0 5 7\r\nalive\r\nmarugoto_end\r\n');
    expect(end.value('session')).toBe('alive');
    expect(end.flushOutbox()).toBe('marugoto_end\r\n');
  });
});

describe('in the place of the one who accepts', () => {
  it('serves at once without -x, and copies everything to whoever comes', () => {
    const end = new LegacyEnd().start();
    end.say('set k 7 0 2\r\nv1\r\n');
    expect(end.isReady).toBe(true);
    end.accepted();
    expect(end.flushOutbox()).toMatch(/^rep k 7 0 2 \d+\r\nv1\r\nmarugoto_end\r\n$/);
    expect(end.lines.at(-1)).toBe('sync done (sent 1 items, received 0 items, 0 ms)');
  });

  it('serves as soon as it is clear that who dialled is a real one, which has nothing to copy', () => {
    const end = new LegacyEnd({ dials: true }).start();
    end.accepted();
    end.pass(450);
    expect(end.isReady).toBe(false);
    end.pass(50);
    expect(end.isReady).toBe(true);
    expect(end.dials).toBe(1);
  });

  it('copies on a second link what it got on the first one, to the last item', () => {
    const end = linked('acceptor');
    end.hear('rep a 0 0 1 1\r\n1\r\nrep b 0 0 1 2\r\n2\r\n');
    end.step({ kind: 'closed', link: 1 });
    end.accepted(2);
    const sent = end.flushOutbox();
    expect(sent).toMatch(/rep a 0 0 1 \d+\r\n1\r\n/);
    expect(sent).toMatch(/rep b 0 0 1 \d+\r\n2\r\n/);
  });

  it('copies large values one by one, and what changes meanwhile', () => {
    const end = new LegacyEnd().start();
    const value = 'x'.repeat(300_000);
    for (const key of ['a', 'b', 'c']) end.say(`set ${key} 0 0 ${value.length}\r\n${value}\r\n`);
    end.accepted();
    const first = end.outbox[0].bytes;
    expect(first.length).toBeLessThan(400_000);
    end.say('set live 0 0 1\r\n1\r\n');
    const sent = end.flushOutbox();
    expect(sent.match(/rep [abc] /g)).toHaveLength(3);
    expect(sent).toContain('rep live 0 0 1 ');
  });

  it('refuses who does not come from the address of -x, and says so once', () => {
    const end = new LegacyEnd({ dials: true }).start();
    end.accepted(1, '192.0.2.1:4711');
    end.accepted(2, '192.0.2.1:4712');
    expect(end.closed).toEqual([1, 2]);
    expect(end.outbox).toEqual([]);
    expect(end.lines).toEqual(['refused a connection from 192.0.2.1:4711: it is not the peer of -x']);
  });

  it('lets a second connection wait, and closes it while the first one lives', () => {
    const end = linked('acceptor');
    end.pass(500);
    end.accepted(2);
    expect(end.outbox.map(({ bytes }) => bytes.toString())).toEqual(['version\r\n']);
    end.pass(3_000);
    expect(end.closed).toEqual([2]);
    expect(end.lines.at(-1)).toBe(
      'refused a connection from 127.0.0.1:40000: the link to the peer stands already',
    );
    expect(end.stats().repl_state).toBe('synced');
  });

  it('gives a second connection the place of the first one as soon as that shows to be dead', () => {
    const end = linked('acceptor');
    end.say('set k 0 0 1\r\n1\r\n');
    end.flushOutbox();
    end.accepted(2);
    end.hear('version\r\n', 2);
    end.step({ kind: 'closed', link: 1 });
    expect(end.flushOutbox()).toMatch(/^rep k 0 0 1 \d+\r\n1\r\nmarugoto_end\r\n$/);
    expect(end.stats().repl_state).toBe('syncing');
    end.hear('marugoto_end\r\n', 2);
    expect(end.stats().repl_state).toBe('synced');
  });

  it('takes no writes from a connection that waits', () => {
    const end = linked('acceptor');
    end.accepted(2);
    end.hear('rep k 0 0 1 1\r\n1\r\n', 2);
    expect([end.closed, end.value('k')]).toEqual([[2], null]);
  });
});

describe.each(['dialer', 'acceptor'] as const)('as %s, once linked', (role) => {
  it('tells of changes in their order, one of a key once however often it changed', () => {
    const end = linked(role);
    end.store.setNow(end.nowMs);
    end.client.say(
      Buffer.from(
        'set k 0 0 1\r\n1\r\nset k 0 0 1\r\n2\r\ndelete k\r\nset k 0 0 1\r\n3\r\nset l 0 0 1\r\n4\r\n',
      ),
    );
    end.step({ kind: 'pump' });
    expect(end.flushOutbox()).toMatch(/^rep k 0 0 1 \d+\r\n3\r\nrep l 0 0 1 \d+\r\n4\r\n$/);
  });

  it('does not send back what came in, but a touch of it', () => {
    const end = linked(role);
    end.hear('rep k 0 0 1 1\r\n1\r\ndelete m\r\nflush_all \r\nrep k 0 0 1 2\r\n2\r\n');
    end.step({ kind: 'pump' });
    expect(end.flushOutbox()).toBe('');
    end.say('touch k 100\r\n');
    expect(end.flushOutbox()).toMatch(`rep k 0 ${START_MS / 1_000 + 100} 1 `);
  });

  it('gives what arrives the word over what is here', () => {
    const end = linked(role);
    end.say('set k 0 0 4\r\nours\r\n');
    end.hear('rep k 0 0 6 1\r\ntheirs\r\n');
    expect(end.value('k')).toBe('theirs');
    end.hear('delete k\r\n');
    expect(end.value('k')).toBeNull();
  });

  it('counts what can not be sent, and says so once; of a value that is too large the peer forgets the key', () => {
    const end = linked(role);
    const value = 'x'.repeat(1_048_500);
    end.say(`set k 0 0 ${value.length}\r\n${value}\r\n`);
    expect(end.flushOutbox()).toBe('delete k\r\n');
    end.say(`set k 0 0 ${value.length}\r\n${value}\r\n`);
    end.flushOutbox();
    expect(end.stats().repl_unsendable).toBe(2);
    expect(end.lines.filter((line) => line.includes('can not be sent'))).toHaveLength(1);
  });

  it('never lets a key into a line that would be more than a key there', () => {
    const end = linked(role);
    for (const key of ['a b', 'a\r\nflush_all ', 'a\n', '\0']) {
      const bytes = Buffer.from(key);
      const ref = end.store.reserve(bytes, 0, bytes.length, 0, 0, 0);
      end.store.commit(ref, 0, 0, 0);
    }
    end.step({ kind: 'pump' });
    expect(end.flushOutbox()).toBe('');
    expect(end.stats().repl_unsendable).toBe(4);
  });

  it('passes over values above -I, and forgets what the key had', () => {
    const end = linked(role, { maxValueBytes: 100 });
    end.hear('rep k 0 0 3 1\r\nold\r\n');
    end.hear(`rep k 0 0 200 1\r\n${'x'.repeat(200)}\r\nrep l 0 0 1 1\r\n1\r\n`);
    expect([end.value('k'), end.value('l')]).toEqual([null, '1']);
  });

  it('drops the link at the first byte that is no command, says why, and looks for the peer again', () => {
    const end = linked(role);
    end.hear('rep k 0 0 1 1\r\n1\r\nGET / HTTP/1.1\r\nrep l 0 0 1 1\r\n1\r\n');
    expect([end.value('k'), end.value('l'), end.closed]).toEqual(['1', null, [1]]);
    expect(end.lines.at(-1)).toBe(
      'link down (the peer sent a line that is no command of the legacy protocol)',
    );
    expect(end.stats().repl_state).toBe('alone');
  });

  it('says something every second, so that the kernel notices when nobody is there', () => {
    const end = linked(role);
    end.pass(1_100);
    end.outbox.length = 0;
    for (let ms = 0; ms < 5_000; ms += 50) {
      end.nowMs += 50;
      end.step({ kind: 'tick' });
      for (const { link } of end.outbox.slice(-1)) end.step({ kind: 'writable', link });
    }
    expect(end.outbox.length).toBeGreaterThanOrEqual(4);
    for (const { bytes } of end.outbox) expect(bytes.toString()).toBe('version\r\n');
  });

  it('copies everything again when the change log overflows, on the same link', () => {
    const end = linked(role, { logCapacity: 4 });
    for (let i = 0; i < 20; i++) end.client.say(Buffer.from(`set k${i} 0 0 1\r\n1\r\n`));
    end.step({ kind: 'pump' });
    expect(end.flushOutbox().match(/^rep k/gm)).toHaveLength(20);
    expect(end.lines).toContain('more changes than the change log holds: copying everything again');
    expect([end.closed, end.stats().repl_state]).toEqual([[], 'synced']);
  });

  it('keeps tombstones until their deletes have settled, and no longer', () => {
    const end = linked(role);
    end.say('set k 0 0 1\r\n1\r\ndelete k\r\n');
    end.flushOutbox();
    expect(end.stats().repl_tombstones).toBe(1);
    end.pass(SETTLED_MS);
    expect(end.stats().repl_tombstones).toBe(0);
  });

  it('tells of an expiry only where the peer may hold something older', () => {
    const end = linked(role);
    end.say('set k 0 0 1\r\n1\r\n');
    end.flushOutbox();
    end.store.setNow(end.nowMs);
    end.client.say(Buffer.from('set k 0 1 1\r\n2\r\n'));
    end.nowMs += 2_000;
    end.step({ kind: 'pump' });
    expect(end.flushOutbox()).toBe('delete k\r\n');
  });

  it('sends a delayed flush_all once, and lets it happen on both sides', () => {
    const end = linked(role);
    end.say('set k 0 0 1\r\n1\r\n');
    end.flushOutbox();
    end.say('flush_all 3\r\n');
    expect(end.flushOutbox()).toBe(`flush_all ${START_MS / 1_000 + 3}\r\n`);
    end.pass(4_000);
    expect([end.value('k'), end.flushOutbox()]).toEqual([null, '']);
  });

  it('hands over what it has before it stops', () => {
    const end = linked(role);
    end.client.say(Buffer.from('set k 0 0 1\r\n1\r\n'));
    end.step({ kind: 'stop' });
    expect(end.isStopped).toBe(false);
    expect(end.flushOutbox()).toContain('rep k ');
    expect([end.isStopped, end.closed]).toEqual([true, [1]]);
  });

  it('stops in the end though the peer takes nothing', () => {
    const end = linked(role);
    end.client.say(Buffer.from('set k 0 0 1\r\n1\r\n'));
    end.step({ kind: 'stop' });
    end.nowMs += 2_000;
    end.step({ kind: 'tick' });
    expect(end.isStopped).toBe(true);
    expect(end.lines.at(-1)).toBe('stopped before the peer had everything (1 changes left)');
  });
});

describe('two of ours', () => {
  it('copy both ways, tell each other of changes, and notice when the other is silent', () => {
    const [a, b] = pairOfOurs();
    a.say('set from-a 0 0 1\r\n1\r\n');
    b.say('set from-b 0 0 1\r\n2\r\n');
    join(a, b);
    expect([a.value('from-b'), b.value('from-a')]).toEqual(['2', '1']);
    expect([a.stats().repl_state, b.stats().repl_state]).toEqual(['synced', 'synced']);
    a.say('incr from-b 5\r\n');
    b.say('delete from-a\r\n');
    settle(a, b);
    expect([b.value('from-b'), a.value('from-a')]).toEqual(['7', null]);
    a.pass(5_100);
    expect(a.lines.at(-1)).toBe('link down (nothing heard for 5 s)');
  });

  it('keep the link while they nudge each other', () => {
    const [a, b] = pairOfOurs();
    join(a, b);
    for (let ms = 0; ms < 20_000; ms += 50) {
      for (const end of [a, b]) {
        end.nowMs += 50;
        end.step({ kind: 'tick' });
      }
      carry(a, b);
    }
    expect([...a.closed, ...b.closed]).toEqual([]);
  });

  it('do not serve before the data of a dialler of ours is in', () => {
    const a = new LegacyEnd({ dials: true }).start();
    a.say('set k 0 0 1\r\n1\r\n');
    const b = new LegacyEnd({ dials: true }).start();
    b.accepted();
    a.dialed();
    b.hear(a.outbox[0].bytes.toString('latin1'));
    b.pass(1_000);
    expect(b.isReady).toBe(false);
    b.hear('rep k 0 0 1 1\r\n1\r\nmarugoto_end\r\n');
    expect([b.isReady, b.value('k')]).toEqual([true, '1']);
  });

  it.each([
    [0.1, [2]],
    [0.9, [1]],
  ])('that dial each other at once keep one of the links or none (%s)', (luck, closed) => {
    const end = new LegacyEnd({ dials: true, random: () => luck }).start();
    end.dialed(1);
    end.flushOutbox();
    end.accepted(2);
    expect(end.closed).toEqual(closed);
  });
});
