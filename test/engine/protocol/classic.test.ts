// The classic text protocol: each case whole, byte by byte, and split at every boundary.
import { describe, expect, it } from 'vitest';
import { newStore } from '../store/new-store.js';
import { Talk } from './talk.js';

const BAD = 'CLIENT_ERROR bad command line format\r\n';
const LONG = 'k'.repeat(251);

/** [what is said, what is heard]; uniques are replaced by U. */
const CASES: readonly (readonly [said: string, heard: string])[] = [
  ['set a 5 0 3\r\nabc\r\nget a\r\n', 'STORED\r\nVALUE a 5 3\r\nabc\r\nEND\r\n'],
  ['set a 4294967295 0 0\r\n\r\nget a b\r\n', 'STORED\r\nVALUE a 4294967295 0\r\n\r\nEND\r\n'],
  ['set a 0 0 4\r\n\r\n\r\n\r\ngets a\r\n', 'STORED\r\nVALUE a 0 4 U\r\n\r\n\r\n\r\nEND\r\n'],
  ['set a 0 0 1\nx\r\nget a\n', 'STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n'],
  ['set  a  0  0  1  \r\nx\r\nget   a  \r\n', 'STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n'],
  [`set ${'k'.repeat(250)} 0 0 1\r\nx\r\n`, 'STORED\r\n'],
  [
    'add a 0 0 1\r\nx\r\nadd a 0 0 1\r\ny\r\nget a\r\n',
    'STORED\r\nNOT_STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n',
  ],
  [
    'replace a 0 0 1\r\nx\r\nset a 0 0 1\r\nx\r\nreplace a 1 0 1\r\ny\r\nget a\r\n',
    'NOT_STORED\r\nSTORED\r\nSTORED\r\nVALUE a 1 1\r\ny\r\nEND\r\n',
  ],
  ['append a 0 0 1\r\nx\r\nprepend a 0 0 1\r\nx\r\n', 'NOT_STORED\r\nNOT_STORED\r\n'],
  [
    'set a 5 0 1\r\nb\r\nappend a 9 9 1\r\nc\r\nprepend a 9 9 1\r\na\r\nget a\r\n',
    'STORED\r\nSTORED\r\nSTORED\r\nVALUE a 5 3\r\nabc\r\nEND\r\n',
  ],
  [
    'cas a 0 0 1 1\r\nx\r\nset a 0 0 1\r\nx\r\ncas a 0 0 1 0\r\ny\r\ncas a 0 0 1 18446744073709551615\r\ny\r\n',
    'NOT_FOUND\r\nSTORED\r\nEXISTS\r\nEXISTS\r\n',
  ],
  ['cas a 0 0 1 x\r\nx\r\ncas a 0 0 1 -1\r\nx\r\ncas a 0 0 1 18446744073709551616\r\nx\r\n', BAD.repeat(3)],
  // Where the length is good, the value is never taken for commands.
  ['cas a 0 0 9\r\nflush_all\r\ncas a 0 0 9 noreply\r\nflush_all\r\nget a\r\n', `${BAD}END\r\n`],
  [
    'set a 0 0 9 2 3\r\nflush_all\r\nadd b 0 0 9 2 3 noreply\r\nflush_all\r\nget a b\r\n',
    'STORED\r\nVALUE a 0 9\r\nflush_all\r\nVALUE b 0 9\r\nflush_all\r\nEND\r\n',
  ],
  [
    'set a 0 0 1\r\nx\r\ncas a 0 0 9 18446744073709551615 7 8\r\nflush_all\r\nget a\r\n',
    'STORED\r\nEXISTS\r\nVALUE a 0 1\r\nx\r\nEND\r\n',
  ],
  [
    'set a 0 0 1 noreply\r\nx\r\nget a\r\nappend a 0 0 1 noreply\r\ny\r\nget a noreply\r\n',
    'VALUE a 0 1\r\nx\r\nEND\r\nVALUE a 0 2\r\nxy\r\nEND\r\n',
  ],
  // What is no command.
  [
    'foo\r\n\r\na\r\nab\r\n\nabc\n get a\r\nGET a\r\n',
    `ERROR\r\n${BAD}${BAD}ERROR\r\n${BAD}ERROR\r\nERROR\r\nERROR\r\n`,
  ],
  [
    'foo noreply\r\nset a b 0 1 noreply\r\nx\r\nset a 0 0 noreply\r\nincr a x noreply\r\nversion\r\n',
    'VERSION 1.6.0-test\r\n',
  ],
  [
    'get\r\nget \r\nset a\r\nincr a\r\ntouch a\r\ngat 0\r\nset a 0 0\r\ndelete\r\nverbosity\r\n',
    BAD.repeat(9),
  ],
  ['set\ta 0 0 1\r\nget a\tb\r\n', 'ERROR\r\nEND\r\n'],
  // Lengths.
  [
    'set a 0 0 -1\r\nset a 0 0 x\r\nset a 0 0 2147483646\r\nset a 0 0 99999999999999999999\r\nset a 0 0 1x\r\n',
    BAD.repeat(5),
  ],
  [
    `set a b 0 1\r\nx\r\nset a -1 0 1\r\nx\r\nset a 4294967296 0 1\r\nx\r\nset a 0 b 1\r\nx\r\nset ${LONG} 0 0 1\r\nx\r\nversion\r\n`,
    `${BAD.repeat(5)}VERSION 1.6.0-test\r\n`,
  ],
  [
    'set q 0 0 1\r\nx\r\nset q 0 0 1\r\nabcdefgh\r\nget q\r\n',
    'STORED\r\nCLIENT_ERROR bad data chunk\r\nERROR\r\nVALUE q 0 1\r\nx\r\nEND\r\n',
  ],
  [
    'set q 0 0 3\r\nabc\n\nversion\r\nset q 0 0 3 noreply\r\nabcversion\r\nversion\r\n',
    'CLIENT_ERROR bad data chunk\r\nVERSION 1.6.0-test\r\nERROR\r\nVERSION 1.6.0-test\r\n',
  ],
  // Keys.
  [
    `get ${LONG}\r\nset a 0 0 1\r\nx\r\nget a ${LONG} a\r\ngat 0 a ${LONG}\r\n`,
    `${BAD}STORED\r\n${BAD}${BAD}`,
  ],
  [`delete ${LONG}\r\ntouch ${LONG} 0\r\nincr ${LONG} 1\r\n`, BAD.repeat(3)],
  // delete.
  [
    'delete a\r\nset a 0 0 1\r\nx\r\ndelete a\r\nget a\r\ndelete a 0\r\ndelete a noreply\r\ndelete a 0 noreply\r\n',
    'NOT_FOUND\r\nSTORED\r\nDELETED\r\nEND\r\nNOT_FOUND\r\n',
  ],
  [
    'delete a 5\r\ndelete a b\r\n',
    'CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n'.repeat(2),
  ],
  ['delete a 0 b c\r\ndelete a b noreply\r\n', 'ERROR\r\n'],
  // incr, decr.
  [
    'set n 3 0 3\r\n100\r\ndecr n 1\r\nget n\r\nincr n 1\r\nget n\r\n',
    'STORED\r\n99\r\nVALUE n 3 3\r\n99 \r\nEND\r\n100\r\nVALUE n 3 3\r\n100\r\nEND\r\n',
  ],
  [
    'set n 0 0 1\r\n9\r\nincr n 1\r\nget n\r\nincr n 18446744073709551615\r\nget n\r\ndecr n 99\r\n',
    'STORED\r\n10\r\nVALUE n 0 2\r\n10\r\nEND\r\n9\r\nVALUE n 0 2\r\n9 \r\nEND\r\n0\r\n',
  ],
  ['set n 0 0 20\r\n18446744073709551615\r\nincr n 2\r\n', 'STORED\r\n1\r\n'],
  [
    'incr n 1\r\nset n 0 0 1\r\n1\r\nincr n -1\r\nincr n +1\r\nincr n 1.5\r\nincr n 18446744073709551616\r\nincr n 1 noreply\r\nincr n 1\r\n',
    `NOT_FOUND\r\nSTORED\r\n${'CLIENT_ERROR invalid numeric delta argument\r\n'.repeat(4)}3\r\n`,
  ],
  [
    'set n 0 0 2\r\n-1\r\nincr n 1\r\nset n 0 0 0\r\n\r\nincr n 1\r\nset n 0 0 1\r\nx\r\ndecr n 1\r\n',
    'STORED\r\nCLIENT_ERROR cannot increment or decrement non-numeric value\r\n'.repeat(3),
  ],
  // Expiry.
  [
    'set a 0 -1 1\r\nx\r\nget a\r\nset a 0 2592001 1\r\nx\r\nget a\r\nset a 0 0 1\r\nx\r\ngat -1 a\r\nget a\r\n',
    'STORED\r\nEND\r\nSTORED\r\nEND\r\nSTORED\r\nVALUE a 0 1\r\nx\r\nEND\r\nEND\r\n',
  ],
  [
    'touch a 0\r\nset a 0 0 1\r\nx\r\ntouch a 10\r\ntouch a 10 noreply\r\ntouch a x\r\ntouch a -1\r\nget a\r\n',
    'NOT_FOUND\r\nSTORED\r\nTOUCHED\r\nCLIENT_ERROR invalid exptime argument\r\nTOUCHED\r\nEND\r\n',
  ],
  [
    'set a 1 0 1\r\nx\r\ngat 10 a b\r\ngats 0 a\r\ngat x a\r\ngats\r\n',
    `STORED\r\nVALUE a 1 1\r\nx\r\nEND\r\nVALUE a 1 1 U\r\nx\r\nEND\r\nCLIENT_ERROR invalid exptime argument\r\n${BAD}`,
  ],
  [
    'set a 0 0 1\r\nx\r\nflush_all\r\nget a\r\nset a 0 0 1\r\ny\r\nget a\r\nflush_all 10\r\nget a\r\n',
    'STORED\r\nOK\r\nEND\r\nSTORED\r\nVALUE a 0 1\r\ny\r\nEND\r\nOK\r\nVALUE a 0 1\r\ny\r\nEND\r\n',
  ],
  [
    'flush_all x\r\nflush_all -1\r\nflush_all 0 noreply\r\nflush_all noreply\r\nflush_all 1 2 3\r\n',
    'CLIENT_ERROR invalid exptime argument\r\nOK\r\nERROR\r\n',
  ],
  // The rest.
  ['version\r\nverbosity 1\r\nverbosity x\r\nverbosity 1 noreply\r\n', `VERSION 1.6.0-test\r\nOK\r\n${BAD}`],
  [
    'stats foo\r\nstats noreply\r\nstats detail\r\nstats sizes\r\nstats replication\r\nstats reset\r\n',
    'ERROR\r\nERROR\r\nCLIENT_ERROR usage: stats detail on|off|dump\r\nSTAT sizes_status disabled\r\nEND\r\nSTAT repl_state off\r\nEND\r\nRESET\r\n',
  ],
  ['version\r\nquit\r\nversion\r\n', 'VERSION 1.6.0-test\r\n'],
  ['GET / HTTP/1.1\r\nversion\r\n', ''],
];

const withoutUniques = (text: string): string => text.replace(/^(VALUE \S+ \d+ \d+) \d+\r$/gm, '$1 U\r');

function hear(...pieces: Uint8Array[]): string {
  return withoutUniques(new Talk(newStore({ memoryBytes: 4 * 1024 * 1024 })).say(...pieces));
}

describe('the classic protocol', () => {
  it.each(CASES)('%j', (said, heard) => {
    const bytes = Buffer.from(said, 'latin1');
    expect(hear(bytes)).toBe(heard);
    expect(hear(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toBe(heard);
    for (let split = 1; split < bytes.length; split++) {
      expect(hear(bytes.subarray(0, split), bytes.subarray(split)), `split at ${split}`).toBe(heard);
    }
  });

  it('reads from the middle of a larger chunk', () => {
    const talk = new Talk(newStore());
    const bytes = Buffer.from('garbageset a 0 0 1\r\nx\r\nget a\r\ngarbage');
    expect(talk.session.consume(bytes, 7, bytes.length - 7, talk.reply)).toBe(bytes.length - 14);
    expect(talk.reply.bytes.toString('latin1', 0, talk.reply.length)).toBe(
      'STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n',
    );
  });

  it('gives a unique that cas takes once', () => {
    const talk = new Talk(newStore());
    const heard = talk.say(Buffer.from('set a 0 0 1\r\nx\r\ngets a\r\n'));
    const unique = /VALUE a 0 1 (\d+)/.exec(heard)?.[1];
    const cas = Buffer.from(`cas a 0 0 1 ${unique}\r\ny\r\n`);
    expect(talk.say(Buffer.from('touch a 100\r\n'))).toBe('TOUCHED\r\n');
    expect(talk.say(cas)).toBe('STORED\r\n');
    expect(talk.say(cas)).toBe('EXISTS\r\n');
  });

  it('accepts values as large as memcached does, and swallows larger ones', () => {
    const talk = new Talk(newStore());
    const set = (command: string, length: number): string =>
      talk.say(Buffer.from(`${command} a 0 0 ${length}\r\n${'x'.repeat(length)}\r\n`));
    expect(set('set', 1_048_516)).toBe('STORED\r\n');
    expect(talk.say(Buffer.from('get a\r\n'))).toHaveLength(
      'VALUE a 0 1048516\r\n\r\nEND\r\n'.length + 1_048_516,
    );
    expect(set('add', 1_048_517)).toBe('SERVER_ERROR object too large for cache\r\n');
    expect(talk.say(Buffer.from('append a 0 0 1\r\nx\r\n'))).toBe('NOT_STORED\r\n');
    expect(talk.say(Buffer.from('touch a 0\r\n'))).toBe('TOUCHED\r\n');
    expect(set('set', 1_048_517)).toBe('SERVER_ERROR object too large for cache\r\n');
    expect(talk.say(Buffer.from('get a\r\n'))).toBe('END\r\n');
  });

  it('closes on a line without an end, but waits for a multiget', () => {
    const closes = (said: string): boolean => {
      const talk = new Talk(newStore());
      expect(talk.say(Buffer.from(said))).toBe('');
      return talk.session.closing;
    };
    expect(closes('x'.repeat(2048))).toBe(false);
    expect(closes('x'.repeat(2049))).toBe(true);
    expect(closes(`gat 0 ${'a '.repeat(2000)}`)).toBe(true);
    expect(closes(`get ${'a '.repeat(2000)}`)).toBe(false);
    expect(closes(`gets${' '.repeat(3000)}`)).toBe(false);
    expect(closes(`get ${'a '.repeat(4_200_000)}`)).toBe(true);
    expect(hear(Buffer.from(`${'x'.repeat(3000)}\r\n`))).toBe('ERROR\r\n');
  });

  it.each([
    ['in one chunk', (bytes: Buffer) => [bytes]],
    [
      'in many',
      (bytes: Buffer) => Array.from({ length: 50 }, (_, at) => bytes.subarray(at * 1000, (at + 1) * 1000)),
    ],
  ])('pauses between the keys of a multiget larger than any buffer, sent %s', (_how, cut) => {
    const talk = new Talk(newStore());
    const value = 'v'.repeat(100_000);
    talk.say(Buffer.from(`set k 0 0 ${value.length}\r\n${value}\r\n`));
    const count = 100;
    const bytes = Buffer.from(`get${' '.repeat(40_000)}${'k miss '.repeat(count)}\r\nversion\r\n`);
    const heard = talk.say(...cut(bytes));
    expect(heard === `${`VALUE k 0 100000\r\n${value}\r\n`.repeat(count)}END\r\nVERSION 1.6.0-test\r\n`).toBe(
      true,
    );
    expect(talk.pauses).toBeGreaterThan(20);
    expect(talk.reply.bytes.length).toBeLessThan(2 * 1024 * 1024);
  });

  it('gives back a half-received item when the connection ends', () => {
    const store = newStore({ memoryBytes: 4 * 1024 * 1024, evictions: false });
    for (let number = 0; number < 20; number++) {
      const talk = new Talk(store);
      talk.say(Buffer.from(`set k${number} 0 0 900000\r\nhalf`));
      talk.session.close();
    }
    expect(new Talk(store).say(Buffer.from(`set k 0 0 900000\r\n${'x'.repeat(900_000)}\r\n`))).toBe(
      'STORED\r\n',
    );
  });

  it('says so when memory is full and nothing may be evicted', () => {
    const talk = new Talk(newStore({ memoryBytes: 4 * 1024 * 1024, evictions: false }));
    const heard = Array.from({ length: 5 }, (_, number) =>
      talk.say(Buffer.from(`set k${number} 0 0 900000\r\n${'x'.repeat(900_000)}\r\n`)),
    );
    expect(heard.at(-1)).toBe('SERVER_ERROR out of memory storing object\r\n');
    expect(talk.say(Buffer.from('stats\r\n'))).toContain('STAT store_no_memory');
  });

  it.each([
    [
      'gat 0 a\r\ngats 0 b\r\n',
      ['cmd_get 0', 'cmd_touch 2', 'touch_hits 1', 'touch_misses 1', 'get_misses 0'],
    ],
    [
      'mg a T0\r\nmg b T0\r\n',
      ['cmd_get 1', 'cmd_touch 1', 'touch_hits 1', 'touch_misses 0', 'get_misses 1'],
    ],
    ['mg a v\r\nmg b v\r\n', ['cmd_get 2', 'cmd_touch 0', 'get_hits 1', 'get_misses 1']],
    ['flush_all x\r\nflush_all 9999\r\n', ['cmd_flush 2']],
  ])('counts %j as memcached does', (said, stats) => {
    const talk = new Talk(newStore());
    talk.say(Buffer.from(`set a 0 0 1\r\nx\r\n${said}`));
    const heard = talk.say(Buffer.from('stats\r\n'));
    for (const stat of stats) expect(heard).toContain(`STAT ${stat}\r\n`);
  });

  it('shows the keys that tools read', () => {
    const talk = new Talk(newStore());
    talk.say(Buffer.from('set a 0 0 1\r\nx\r\nget a\r\nget b\r\n'));
    const heard = talk.say(Buffer.from('stats\r\n'));
    for (const stat of [
      'pid 42',
      'pointer_size 64',
      'curr_items 1',
      'total_items 1',
      'cmd_get 2',
      'get_hits 1',
      'get_misses 1',
      'cmd_set 1',
      'bytes 34',
      'limit_maxbytes 8388608',
      'accepting_conns 1',
      'threads 1',
      'evictions 0',
    ]) {
      expect(heard).toContain(`STAT ${stat}\r\n`);
    }
    expect(talk.say(Buffer.from('stats items\r\n'))).toContain('STAT items:1:number 1\r\n');
    expect(talk.say(Buffer.from('stats slabs\r\n'))).toContain('STAT 1:used_chunks 1\r\n');
    expect(talk.say(Buffer.from('stats settings\r\n'))).toContain('STAT item_size_max 1048576\r\n');
  });
});
