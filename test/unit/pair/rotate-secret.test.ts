// Where a rotation stands, from what the two files hold: every state that a stop can leave leads on to the same end.
import { describe, expect, it } from 'vitest';
import { planRotation } from '../../../src/pair/rotate-secret.js';
import type { Secrets } from '../../../src/pair/secrets.js';

const OLD = 'old-secret-of-16-bytes';
const NEW = 'new-secret-of-16-bytes';
const OTHER = 'another-secret-of-16';
const ONE_EACH = { a: 1, b: 1 };

describe('planRotation', () => {
  it('makes a new secret, another one each time', () => {
    const plan = planRotation({ a: [OLD], b: [OLD] }, ONE_EACH);
    expect(plan).toEqual({ resumed: false, secret: expect.stringMatching(/^[0-9a-f]{64}$/), previous: OLD });
    expect(planRotation({ a: [OLD], b: [OLD] }, ONE_EACH).secret).not.toBe(plan.secret);
  });

  it.each<[Secrets, Secrets]>([
    [[NEW, OLD], [OLD]],
    [[OLD], [NEW, OLD]],
    [
      [NEW, OLD],
      [NEW, OLD],
    ],
  ])('lets the new one in everywhere first: %j and %j', (a, b) => {
    expect(planRotation({ a, b }, ONE_EACH)).toEqual({ resumed: true, secret: NEW, previous: OLD });
  });

  it.each<[Secrets, Secrets]>([
    [[NEW], [NEW, OLD]],
    [[NEW, OLD], [NEW]],
  ])('only leaves the old one where one node has left it: %j and %j', (a, b) => {
    expect(planRotation({ a, b }, { a: 1, b: 2 })).toEqual({ resumed: true, secret: NEW });
  });

  it('has a node read its file that was written last', () => {
    expect(planRotation({ a: [NEW], b: [NEW] }, { a: 1, b: 2 })).toEqual({ resumed: true, secret: NEW });
  });

  it.each<[Secrets, Secrets]>([
    [[NEW], [OLD]],
    [[NEW, OLD], [OTHER]],
    [
      [NEW, OLD],
      [OTHER, OLD],
    ],
    [
      [NEW, OLD],
      [OLD, NEW],
    ],
  ])('refuses what no rotation leaves: %j and %j', (a, b) => {
    expect(() => planRotation({ a, b }, ONE_EACH)).toThrow(/different replication secrets/);
  });

  it('refuses a node without a secret', () => {
    expect(() => planRotation({ a: [OLD], b: undefined }, ONE_EACH)).toThrow('b has no replication secret');
  });
});
