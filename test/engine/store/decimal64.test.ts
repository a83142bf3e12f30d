// 64-bit decimals against BigInt.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Decimal64, writeDecimal, writeDecimal64 } from '../../../src/engine/store/decimal64.js';
import { hashKey } from '../../../src/engine/store/hash.js';
import { parseNumericValue } from '../../../src/engine/store/numeric-value.js';

const MASK = (1n << 64n) - 1n;
const u64 = fc.oneof(
  fc.bigInt({ min: 0n, max: MASK }),
  fc.bigInt({ min: 0n, max: 1n << 34n }),
  fc.integer({ min: 0, max: 64 }).map((bits) => ((1n << BigInt(bits)) - 1n) & MASK),
);
const halves = (value: bigint): [number, number] => [Number(value >> 32n), Number(value & 0xffff_ffffn)];
const bigOf = (number: Decimal64): bigint => (BigInt(number.hi) << 32n) | BigInt(number.lo);

function parse(text: string): bigint | undefined {
  const number = new Decimal64();
  const bytes = Buffer.from(`<${text}>`);
  return number.parse(bytes, 1, bytes.length - 1) ? bigOf(number) : undefined;
}

describe('64-bit decimals', () => {
  it('are written as BigInt writes them, and read back', () => {
    fc.assert(
      fc.property(u64, (value) => {
        const bytes = Buffer.alloc(24);
        const length = writeDecimal64(...halves(value), bytes, 2);
        expect(bytes.toString('latin1', 2, 2 + length)).toBe(String(value));
        expect(parse(String(value))).toBe(value);
        expect(parse(`00${value}`)).toBe(value);
      }),
      { numRuns: 2000 },
    );
  });

  it('wrap when they grow past 2^64, and stop at 0', () => {
    fc.assert(
      fc.property(u64, u64, (a, b) => {
        const number = new Decimal64();
        [number.hi, number.lo] = halves(a);
        number.add(...halves(b));
        expect(bigOf(number)).toBe((a + b) & MASK);
        [number.hi, number.lo] = halves(a);
        number.subtract(...halves(b));
        expect(bigOf(number)).toBe(a > b ? a - b : 0n);
      }),
      { numRuns: 2000 },
    );
  });

  it('refuse whatever is no such number', () => {
    for (const text of [
      '',
      '-1',
      '+1',
      '1.5',
      'x',
      '1x',
      ' 1',
      '18446744073709551616',
      '99999999999999999999',
      '1'.repeat(21),
    ]) {
      expect(parse(text), text).toBeUndefined();
    }
  });

  it('write safe integers too', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        const bytes = Buffer.alloc(20);
        expect(bytes.toString('latin1', 0, writeDecimal(value, bytes, 0))).toBe(String(value));
      }),
    );
  });

  it.each([
    ['5', 5n],
    ['5  ', 5n],
    [' 5', 5n],
    ['+5', 5n],
    ['5 x', 5n],
    ['5\0', 5n],
    ['', undefined],
    [' ', undefined],
    ['-1', undefined],
    ['5x', undefined],
    ['000000000000000000005', undefined],
    ['18446744073709551616', undefined],
  ])('as stored values are %j -> %s', (text, expected) => {
    const number = new Decimal64();
    const bytes = Buffer.from(`9${text}9`);
    const isNumber = parseNumericValue(number, bytes, 1, text.length);
    expect(isNumber ? bigOf(number) : undefined).toBe(expected);
  });
});

describe('the hash', () => {
  it.each([
    // Known values of MurmurHash3_x86_32.
    ['', 0, 0],
    ['', 1, 0x514e28b7],
    ['test', 0, 0xba6bd213],
    ['Hello, world!', 0x9747b28c, 0x24884cba],
    ['aaa', 0x9747b28c, 0x283e0130],
    ['aa', 0x9747b28c, 0x5d211726],
    ['a', 0x9747b28c, 0x7fa09ea6],
  ])('is murmur3: %j with seed %i', (text, seed, expected) => {
    const bytes = Buffer.from(`..${text}..`);
    expect(hashKey(bytes, 2, text.length, seed)).toBe(expected);
  });
});
