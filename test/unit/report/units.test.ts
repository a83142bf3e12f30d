import { expect, test } from 'vitest';
import { formatBytes, formatMs, formatRatio, formatSec } from '../../../src/report/units.js';

// biome-ignore format: a table
test.each([
  [0, '0.00 ms'], [0.417, '0.42 ms'], [9.996, '10.0 ms'], [12.34, '12.3 ms'], [99.96, '100 ms'], [850.4, '850 ms'],
  [999.7, '1.0 s'], [4215, '4.2 s'], [59_960, '1 min 00 s'], [185_000, '3 min 05 s'],
])('%d ms is %s', (ms, text) => expect(formatMs(ms)).toBe(text));

// biome-ignore format: a table
test.each([
  [0, '0 s'], [59, '59 s'], [60, '1 min 00 s'], [3600, '1 h 00 min'], [25_920, '7 h 12 min'], [93_784, '1 d 02 h'],
])('%d s is %s', (sec, text) => expect(formatSec(sec)).toBe(text));

// biome-ignore format: a table
test.each([
  [0, '0 B'], [1023, '1023 B'], [1024, '1.0 KB'], [1_048_575, '1.0 MB'], [1_572_864, '1.5 MB'], [2 ** 40, '1.0 TB'],
])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

test('a ratio is a percentage', () => expect(formatRatio(0.98712)).toBe('98.7 %'));
