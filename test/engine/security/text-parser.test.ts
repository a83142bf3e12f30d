// CVE-2023-46853, CVE-2023-46852, CVE-2020-22570, CVE-2019-11596: lines that once ended memcached, or made it read past them.
import { describe, expect, it } from 'vitest';
import { converse } from '../fuzz/conversation.js';
import { expectSound, GHOST_TAG, hauntedStore } from '../fuzz/haunted-store.js';

const OVER_A_LINE = 2048;

/** What is heard, whole and byte by byte, which must be the same. */
function hear(said: string): string {
  const bytes = Buffer.from(said, 'latin1');
  const store = hauntedStore();
  const whole = converse(store, [bytes]);
  expectSound(store);
  const other = hauntedStore();
  const pieces = converse(
    other,
    Array.from(bytes, (byte) => Uint8Array.of(byte)),
  );
  expectSound(other);
  expect(pieces).toEqual(whole);
  expect(whole.bytes.includes(GHOST_TAG)).toBe(false);
  return whole.bytes.toString('latin1');
}

describe('CVE-2023-46853: lines that end in a bare LF', () => {
  it.each([
    'version',
    'get a',
    'get a b',
    'gets a',
    'gat 100 a',
    'delete a',
    'incr a 1',
    'touch a 1',
    'mg a v k',
    'md a q',
    'ma a',
    'me a',
    'nonsense',
    'verbosity 1',
  ])('%j is answered as with CR LF', (line) => {
    const stored = 'set a 0 0 1\r\n5\r\n';
    expect(hear(`${stored}${line}\n${line}\nget a\n`)).toBe(hear(`${stored}${line}\r\n${line}\r\nget a\r\n`));
  });

  it('of a storage command counts as one byte, and the value still needs both', () => {
    expect(hear('set a 0 0 1\n5\r\nget a\n')).toBe('STORED\r\nVALUE a 0 1\r\n5\r\nEND\r\n');
    expect(hear('ms a 1\n5\r\nmg a v\n')).toBe('HD\r\nVA 1\r\n5\r\n');
    expect(hear('set a 0 0 1\n5\nmn\r\n')).toMatch(/^CLIENT_ERROR bad data chunk\r\n/);
  });

  it('alone is no command, and takes nothing of what stands before or behind it', () => {
    expect(hear('\n\r\n\nmn\r\n')).toBe(`${'CLIENT_ERROR bad command line format\r\n'.repeat(3)}MN\r\n`);
  });
});

describe('CVE-2023-46852: a multiget with blanks for keys', () => {
  it.each(['get', 'gets', 'gat 0', 'gats 0'])('%s and many blanks', (word) => {
    const blanks = ' '.repeat(OVER_A_LINE - 100);
    expect(hear(`${word}${blanks}\r\nmn\r\n`)).toBe('CLIENT_ERROR bad command line format\r\nMN\r\n');
    expect(hear(`${word}${blanks}a b\r\nmn\r\n`)).toBe('END\r\nMN\r\n');
  });

  it('a get may be of any length, of which only its keys count', () => {
    expect(hear(`get${' '.repeat(5 * OVER_A_LINE)}a\r\nmn\r\n`)).toBe('END\r\nMN\r\n');
  });
});

describe('CVE-2020-22570: crafted meta commands', () => {
  const WORDS = ['mg', 'ms', 'md', 'ma', 'me', 'mn'];
  const RESTS = [
    '',
    ' ',
    ' a',
    ' a ',
    `${' a'.repeat(30)}`,
    ` ${'k'.repeat(251)}`,
    ` ${'k'.repeat(251)} v`,
    ' a b',
    ' = b',
    ' ==== b k',
    ` ${'A'.repeat(248)} b k`,
    ' a v v',
    ' a \0',
    ' a \xff',
    ' a M',
    ' a MZ',
    ` a O${'o'.repeat(1000)}`,
    ' a T',
    ' a T- N- R-',
    ' a C E F D J',
    ` a ${'bcfhkqstuvxIOTNRMCEFDJLP'.split('').join(' ')}`,
  ];

  it.each(WORDS)('%s with too much, too little and nonsense', (word) => {
    for (const rest of RESTS) {
      const heard = hear(`${word}${rest}\r\nmg sentinel O7\r\n`);
      // A length that one of them happens to give would swallow what follows; none does.
      expect(heard, rest).toMatch(/^([^\r\n]*\r\n)?EN O7\r\n$/);
    }
  });

  it('ms with a good length and bad flags swallows its value', () => {
    for (const flags of ['v v', 'MZ', 'T', 'Cx', `O${'o'.repeat(40)}`]) {
      expect(hear(`ms a 4 ${flags}\r\nmn\r\n\r\nmn\r\n`)).toMatch(/^(CLIENT_ERROR [^\r\n]*|HD)\r\nMN\r\n$/);
    }
  });
});

describe('CVE-2019-11596: administrative commands without their arguments', () => {
  const LINES = [
    ...['lru', 'lru mode', 'lru mode flat', 'lru tune', 'lru tune 1', 'lru tune 1 2 3', 'lru tune x y z w'],
    ...['lru temp_ttl', 'lru temp_ttl x', 'lru temp_ttl -1', 'lru nonsense', 'lru mode mode mode'],
    ...[
      'lru_crawler',
      'lru_crawler enable x',
      'lru_crawler sleep',
      'lru_crawler tocrawl',
      'lru_crawler crawl',
    ],
    ...[
      'lru_crawler crawl 999999',
      'lru_crawler crawl -1',
      'lru_crawler metadump',
      'lru_crawler metadump 999999',
    ],
    ...['lru_crawler mgdump', 'lru_crawler nonsense', 'slabs', 'slabs reassign', 'slabs reassign 1'],
    ...['slabs reassign x y', 'slabs reassign -5 999999', 'slabs reassign 999999 1', 'slabs automove'],
    ...[
      'slabs automove 99',
      'cache_memlimit',
      'cache_memlimit x',
      'cache_memlimit -1',
      'extstore',
      'watch nonsense',
    ],
    ...['verbosity', 'verbosity x', 'flush_all x', 'shutdown', 'shutdown nonsense', 'debugtime', 'misbehave'],
  ];

  it.each(LINES)('%j is answered with one line', (line) => {
    expect(hear(`${line}\r\nmg sentinel O7\r\n`)).toMatch(/^[^\r\n]+\r\nEN O7\r\n$/);
  });
});
