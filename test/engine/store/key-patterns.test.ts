// Patterns of keys that stay local: what they match, and which are refused.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KEY_PATTERNS_MAX, KeyPatterns } from '../../../src/engine/store/key-patterns.js';

function matches(patterns: readonly string[], key: string): boolean {
  // In the midst of other bytes, as a key lies in a request.
  const bytes = Buffer.from(`get ${key}\r\n`);
  return new KeyPatterns(patterns).matches(bytes, 4, Buffer.byteLength(key));
}

describe('key patterns', () => {
  it.each([
    ['lock.*', 'lock.abc', true],
    ['lock.*', 'lock.', true],
    ['lock.*', 'unlock.abc', false],
    ['lock.*', 'lock', false],
    ['*.lock', 'abc.lock', true],
    ['*.lock', '.lock', true],
    ['*.lock', 'abc.lock.lock', true],
    ['*.lock', 'abc.locked', false],
    ['*lock*', 'a.lock.b', true],
    ['*lock*', 'lock', true],
    ['a*b*c', 'a.b.b.c', true],
    ['a*b*c', 'a.c.b', false],
    ['exact', 'exact', true],
    ['exact', 'exactly', false],
    ['k?y', 'key', false],
    ['*ä*', 'schlüssel-ä-1', true],
  ])('%s on %s: %s', (pattern, key, expected) => {
    expect(matches([pattern], key)).toBe(expected);
  });

  it('tries every pattern', () => {
    expect(matches(['lock.*', '*.lock'], 'abc.lock')).toBe(true);
    expect(matches(['lock.*', '*.lock'], 'abc')).toBe(false);
    expect(matches([], 'abc')).toBe(false);
  });

  it('agrees with a regular expression', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 12 });
    const key = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(text, key, (pattern, name) => {
        fc.pre(!/^\*+$/.test(pattern));
        expect(matches([pattern], name)).toBe(new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(name));
      }),
    );
  });

  it.each([[['']], [['*']], [['**']], [['a b']], [['a\n']], [['x'.repeat(251)]]])(
    'refuses %j',
    (patterns) => {
      expect(() => new KeyPatterns(patterns)).toThrow(RangeError);
    },
  );

  it('refuses more than a write can afford', () => {
    const many = Array.from({ length: KEY_PATTERNS_MAX + 1 }, (_, number) => `k${number}.*`);
    expect(() => new KeyPatterns(many)).toThrow(/too many/);
    expect(() => new KeyPatterns(many.slice(1))).not.toThrow();
  });
});
