// One id and one secret for both nodes, whoever has them already; never two pairs under one.
import { describe, expect, it } from 'vitest';
import { agreeOnIdentity } from '../../../src/pair/deploy/identity.js';
import { parseSecrets, renderSecrets } from '../../../src/pair/secrets.js';
import { scrub } from '../../../src/scrub.js';

const ONE = '1'.repeat(64);
const TWO = '2'.repeat(64);
const THREE = '3'.repeat(64);
const X = 'aaaaaaaaaaaaaaaa';
const Y = 'bbbbbbbbbbbbbbbb';
const NOTHING = { pairId: undefined, secretText: undefined };

describe('agreeOnIdentity', () => {
  it('makes both for new hosts, each time others', () => {
    const first = agreeOnIdentity({ a: NOTHING, b: NOTHING }, undefined);
    expect(first.pairId).toMatch(/^[0-9a-f]{16}$/);
    expect(first.secrets.a).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
    expect(first.secrets.b).toEqual(first.secrets.a);
    const second = agreeOnIdentity({ a: NOTHING, b: NOTHING }, undefined);
    expect(second.pairId).not.toBe(first.pairId);
    expect(second.secrets.a).not.toEqual(first.secrets.a);
    expect(first.pairId).not.toContain(first.secrets.a[0].slice(0, 8));
  });

  it('takes what either host has, and the id of the file where no host has one', () => {
    const a = { pairId: X, secretText: `${ONE}\n` };
    for (const found of [
      { a, b: NOTHING },
      { a: NOTHING, b: a },
      { a, b: a },
    ]) {
      expect(agreeOnIdentity(found, undefined)).toEqual({ pairId: X, secrets: { a: [ONE], b: [ONE] } });
    }
    expect(agreeOnIdentity({ a: NOTHING, b: NOTHING }, Y).pairId).toBe(Y);
    expect(agreeOnIdentity({ a: { pairId: undefined, secretText: ONE }, b: NOTHING }, X)).toMatchObject({
      pairId: X,
      secrets: { b: [ONE] },
    });
  });

  it('refuses hosts of two pairs, and hosts of another pair than the file names', () => {
    const a = { pairId: X, secretText: ONE };
    expect(() => agreeOnIdentity({ a, b: { pairId: Y, secretText: ONE } }, undefined)).toThrow(
      /two different pairs: a to a+, b to b+/,
    );
    expect(() => agreeOnIdentity({ a, b: a }, Y)).toThrow(/carry pair a+, but repcache.yaml names pair b+/);
  });

  it('leaves a secret that is half changed as it is on either host, and gives a host without one all of it', () => {
    const half = { pairId: X, secretText: `${TWO}\n${ONE}\n` };
    const before = { pairId: X, secretText: ONE };
    const after = { pairId: X, secretText: TWO };
    expect(agreeOnIdentity({ a: half, b: before }, X).secrets).toEqual({ a: [TWO, ONE], b: [ONE] });
    expect(agreeOnIdentity({ a: after, b: half }, X).secrets).toEqual({ a: [TWO], b: [TWO, ONE] });
    expect(agreeOnIdentity({ a: NOTHING, b: half }, X).secrets.a).toEqual([TWO, ONE]);
  });

  it('refuses secrets that have nothing in common', () => {
    const withSecret = (secretText: string) => ({ pairId: X, secretText });
    expect(() => agreeOnIdentity({ a: withSecret(ONE), b: withSecret(TWO) }, X)).toThrow(
      /different replication secrets/,
    );
    expect(() => agreeOnIdentity({ a: withSecret(ONE), b: withSecret(`${TWO}\n${THREE}`) }, X)).toThrow(
      /different replication secrets/,
    );
  });
});

describe('parseSecrets', () => {
  it('reads back what was written', () => {
    for (const secrets of [[ONE], [TWO, ONE]] as const) {
      expect(parseSecrets(renderSecrets(secrets), 'a')).toEqual(secrets);
    }
    expect(parseSecrets(' \n', 'a')).toBeUndefined();
    expect(parseSecrets(`${ONE}\n${ONE}\n`, 'a')).toEqual([ONE]);
  });

  it.each(['short', `${ONE}\nshort`, `${ONE}\n${TWO}\n${THREE}`])('refuses %j', (text) => {
    expect(() => parseSecrets(text, 'b')).toThrow(
      'b: the file of the replication secret holds no usable secret',
    );
  });

  it('keeps them out of everything that is printed', () => {
    const [current, previous] = ['current-secret-1234', 'previous-secret-1234'];
    parseSecrets(`${current}\n${previous}`, 'a');
    expect(scrub(`${current} and ${previous}.`)).toBe('[hidden] and [hidden].');
  });
});
