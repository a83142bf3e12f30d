// The auth file and the comparison with it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLogins } from '../../../../src/engine/protocol/auth/credentials.js';
import { acceptsPlain } from '../../../../src/engine/protocol/auth/sasl-plain.js';
import { credentialsOf } from './fixed-credentials.js';

const matches = (file: string, user: string, password: string): boolean =>
  credentialsOf(file).match(Buffer.from(user, 'latin1'), Buffer.from(password, 'latin1'));

describe('the auth file', () => {
  it('has a user and a password a line, and the password may have colons and blanks', () => {
    const file = 'ann:pass\r\nbob:se:c ret\n\n\xfc:\xff';
    expect(matches(file, 'ann', 'pass')).toBe(true);
    expect(matches(file, 'bob', 'se:c ret')).toBe(true);
    expect(matches(file, '\xfc', '\xff')).toBe(true);
    for (const [user, password] of [
      ['ann', 'se:c ret'],
      ['ann', 'pas'],
      ['ann', 'passs'],
      ['ann', 'pass\r'],
      ['ann', ''],
      ['an', 'pass'],
      ['', ''],
      ['bob', 'se'],
      // A comparison that wraps around must not take a repetition for the thing itself.
      ['annann', 'passpass'],
    ]) {
      expect(matches(file, user, password), `${user}:${password}`).toBe(false);
    }
  });

  it('accepts a user who is there twice, with either password', () => {
    expect(matches('a:1\na:2\n', 'a', '1')).toBe(true);
    expect(matches('a:1\na:2\n', 'a', '2')).toBe(true);
  });

  it.each([
    ['', 'holds no user'],
    ['\n\r\n\n', 'holds no user'],
    ['ann:pass\nbob\n', 'line 2 has no colon: it must be user:password'],
    [':pass\n', 'line 1 has no user before the colon'],
    ['ann:\n', 'line 1 has no password after the colon'],
    ['ann:\r\n', 'line 1 has no password after the colon'],
    ['ann:pa\0ss\n', 'line 1 holds a zero byte'],
    [`ann:${'x'.repeat(252)}\n`, 'line 1 is longer than 255 bytes'],
    ['a:b\n'.repeat(20_000), 'holds more than 65536 bytes'],
  ])('is refused when it is corrupt: %j', (file, problem) => {
    expect(parseLogins(Buffer.from(file, 'latin1'))).toEqual({ problem });
  });

  it('is read or refused, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (file) => {
        const parsed = parseLogins(file);
        if ('problem' in parsed) return;
        for (const { user, password } of parsed.logins) {
          expect(user.length).toBeGreaterThan(0);
          expect(password.length).toBeGreaterThan(0);
          expect(user.length + password.length).toBeLessThan(255);
        }
      }),
    );
  });
});

describe('a PLAIN message', () => {
  const credentials = credentialsOf('ann:pass\nbob:word\n');
  it.each([
    ['\0ann\0pass', true],
    ['ann\0ann\0pass', true],
    ['bob\0ann\0pass', false],
    ['an\0ann\0pass', false],
    ['\0ann\0word', false],
    ['\0ann\0pass\0', false],
    ['\0ann\0', false],
    ['\0ann', false],
    ['ann\0pass', false],
    ['annpass', false],
    ['\0\0', false],
    ['\0', false],
    ['', false],
  ])('%j: %s', (message, accepted) => {
    expect(acceptsPlain(Buffer.from(message, 'latin1'), credentials)).toBe(accepted);
  });
});
