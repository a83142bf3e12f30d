// One secret for both nodes, whoever has it already; never two pairs under one.
import { describe, expect, it } from 'vitest';
import { agreeOnSecret, pairIdOf } from '../../../src/pair/deploy/secret.js';
import { scrub } from '../../../src/scrub.js';

const ONE = '1'.repeat(64);
const TWO = '2'.repeat(64);
const none = { a: undefined, b: undefined };

describe('agreeOnSecret', () => {
  it('makes a new one for new hosts, each time another', () => {
    const secret = agreeOnSecret(none, undefined);
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    expect(agreeOnSecret(none, undefined)).not.toBe(secret);
    expect(agreeOnSecret(none, 'ffffffffffffffff')).toMatch(/^[0-9a-f]{64}$/);
  });

  it('takes the one that either host has, without its line end', () => {
    expect(agreeOnSecret({ a: `${ONE}\n`, b: undefined }, undefined)).toBe(ONE);
    expect(agreeOnSecret({ a: '', b: ONE }, pairIdOf(ONE))).toBe(ONE);
    expect(agreeOnSecret({ a: ONE, b: `${ONE}\n` }, undefined)).toBe(ONE);
  });

  it('refuses hosts of two pairs, and hosts of another pair than the file names', () => {
    expect(() => agreeOnSecret({ a: ONE, b: TWO }, undefined)).toThrow(/two different pairs/);
    expect(() => agreeOnSecret({ a: ONE, b: ONE }, pairIdOf(TWO))).toThrow(pairIdOf(ONE));
  });

  it('refuses a file that holds something else', () => {
    expect(() => agreeOnSecret({ a: 'short', b: undefined }, undefined)).toThrow(/no usable secret/);
  });

  it('keeps it out of everything that is printed', () => {
    const secret = agreeOnSecret(none, undefined);
    expect(scrub(`the value is ${secret}.`)).toBe('the value is [hidden].');
  });
});
