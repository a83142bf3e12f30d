// The decoder of the legacy protocol: every command, however it is split, and everything that is none.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode, type Heard } from './heard.js';

const LINES: readonly (readonly [string, Heard])[] = [
  ['rep k 5 0 3 7\r\nabc\r\n', { kind: 'item', key: 'k', flags: 5, exptimeSec: 0, value: 'abc' }],
  ['rep k -1 1800000100 0 4294967295\r\n\r\n', item('k', '', 4_294_967_295, 1_800_000_100)],
  ['rep k -2147483648 -5 1 1\r\nx\r\n', item('k', 'x', 2_147_483_648, 1)],
  [
    'rep a\x01b\x7f\xff 0 0 14 18446744073709551615\r\n\r\ndelete k\r\n\r\n\r\n',
    item('a\x01b\x7f\xff', '\r\ndelete k\r\n\r\n'),
  ],
  ['delete k\r\n', { kind: 'delete', key: 'k' }],
  ['delete k 1800000005\r\n', { kind: 'delete', key: 'k' }],
  ['flush_all \r\n', { kind: 'flush', atSec: 0 }],
  ['flush_all 1800000003\r\n', { kind: 'flush', atSec: 1_800_000_003 }],
  ['marugoto_end\r\n', { kind: 'copyEnd' }],
  ['version\r\n', { kind: 'nudge' }],
  ['delete bare\n', { kind: 'delete', key: 'bare' }],
  ['rep large 0 0 40 1\r\n0123456789012345678901234567890123456789\r\n', { kind: 'largeItem', key: 'large' }],
  ['delete after\r\n', { kind: 'delete', key: 'after' }],
];
const MAX_VALUE_BYTES = 32;

const BROKEN: readonly string[] = [
  '\r\n',
  'get k\r\n',
  'END\r\n',
  'marugoto_end \r\n',
  'rep\r\n',
  'rep k\r\n',
  'rep k 0 0 1\r\n',
  'rep k 0 0 1 1 noreply\r\nx\r\n',
  'rep k  0 0 1 1\r\nx\r\n',
  'rep  0 0 1 1\r\nx\r\n',
  'rep k 4294967296 0 1 1\r\nx\r\n',
  'rep k -2147483649 0 1 1\r\nx\r\n',
  'rep k 0 4294967296 1 1\r\nx\r\n',
  'rep k 0 0 -1 1\r\nx\r\n',
  'rep k 0 0 134217729 1\r\n',
  'rep k 0 0 1 -1\r\nx\r\n',
  'rep k 0 0 1x 1\r\nx\r\n',
  'rep k 0 0 1 123456789012345678901\r\nx\r\n',
  'rep k 0 0 1 1\r\nxy\r\n',
  'rep k 0 0 1 1\r\nx\n\n',
  `rep k 0 0 40 1\r\n${'x'.repeat(41)}\r\n`,
  `rep k 0 0 40 1\r\n${'x'.repeat(40)}\rx`,
  `rep ${'k'.repeat(251)} 0 0 1 1\r\nx\r\n`,
  'delete\r\n',
  'delete \r\n',
  'delete k x\r\n',
  'delete k 1 2\r\n',
  `delete ${'k'.repeat(251)}\r\n`,
  'flush_all\r\n',
  'flush_all x\r\n',
  'flush_all -1\r\n',
  'flush_all 1 \r\n',
  'x'.repeat(330),
];

function item(key: string, value: string, flags = 0, exptimeSec = 0): Heard {
  return { kind: 'item', key, flags, exptimeSec, value };
}

function decoded(...pieces: string[]): ReturnType<typeof decode> {
  return decode(
    pieces.map((piece) => Buffer.from(piece, 'latin1')),
    MAX_VALUE_BYTES,
  );
}

describe('the legacy decoder', () => {
  const stream = LINES.map(([line]) => line).join('');
  const meaning = LINES.map(([, heard]) => heard);

  it('takes every command whole', () => {
    for (const [line, heard] of LINES) expect(decoded(line)).toEqual([[heard], null]);
    expect(decoded(stream)).toEqual([meaning, null]);
  });

  it('takes them byte by byte, and split in two or three at every boundary', () => {
    expect(decoded(...stream)).toEqual([meaning, null]);
    for (let first = 1; first < stream.length; first++) {
      expect(decoded(stream.slice(0, first), stream.slice(first))).toEqual([meaning, null]);
      const second = first + 3;
      expect(decoded(stream.slice(0, first), stream.slice(first, second), stream.slice(second))).toEqual([
        meaning,
        null,
      ]);
    }
  });

  it.each(BROKEN)('finds fault with %j, whole and byte by byte', (line) => {
    for (const pieces of [[line], [...line]]) {
      const [heard, fault] = decoded('delete before\r\n', ...pieces);
      expect(heard.filter(({ kind }) => kind !== 'largeItem')).toEqual([{ kind: 'delete', key: 'before' }]);
      expect(fault).toMatch(/^the peer sent /);
    }
  });

  it('hands on no value that is longer or shorter than it says, wherever its link lost its place', () => {
    const broken = 'rep k 0 0 8 1\r\n1234END\r\n5678\r\n';
    for (let at = 1; at < broken.length; at++)
      expect(decoded(broken.slice(0, at), broken.slice(at))[0]).toEqual([]);
  });

  it('gives what was encoded, split anywhere', () => {
    const keyByte = fc.integer({ min: 1, max: 255 }).filter((byte) => ![0x0a, 0x0d, 0x20].includes(byte));
    const key = fc
      .array(keyByte, { minLength: 1, maxLength: 250 })
      .map((bytes) => Buffer.from(bytes).toString('latin1'));
    const value = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
    const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
    const command = fc.record({ key, value, flags: u32, exptimeSec: u32 });
    fc.assert(
      fc.property(
        fc.array(command, { maxLength: 8 }),
        fc.array(fc.nat(), { maxLength: 8 }),
        (commands, cuts) => {
          const bytes = Buffer.from(
            commands
              .map((c) => `rep ${c.key} ${c.flags} ${c.exptimeSec} ${c.value.length} 9\r\n${c.value}\r\n`)
              .join(''),
            'latin1',
          );
          const ends = cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b);
          const pieces = [...ends, bytes.length].map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
          expect(decode(pieces)).toEqual([commands.map((c) => ({ kind: 'item', ...c })), null]);
        },
      ),
    );
  });

  it('says the same of any bytes, however they are split', () => {
    const word = fc.constantFrom(
      'rep ',
      'k',
      ' ',
      '0',
      '3',
      '\r\n',
      'abc',
      'delete ',
      'flush_all ',
      '-',
      'version',
    );
    const noise = fc.array(
      fc.oneof({ weight: 4, arbitrary: word }, fc.string({ unit: 'binary', maxLength: 4 })),
    );
    fc.assert(
      fc.property(noise, (words) => {
        const bytes = Buffer.from(words.join(''), 'latin1');
        const whole = decode([bytes]);
        expect(decode([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(whole);
      }),
    );
  });
});
