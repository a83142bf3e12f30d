// What a migration does next, from how far each node is; and how the hosts' settings are read.
import { describe, expect, it } from 'vitest';
import { OperatorError } from '../../../src/errors.js';
import { parseLegacySizes } from '../../../src/pair/migrate/legacy-sizes.js';
import { type Move, planMigration, planReturn } from '../../../src/pair/migrate/plan.js';
import type { Stage } from '../../../src/pair/migrate/stage.js';

const words = (moves: readonly Move[]): string[] =>
  moves.map(({ node, from, to }) => `${node} ${from}>${to}`);

describe('the way to our engine', () => {
  it.each<[Stage, Stage, string[]]>([
    ['legacy', 'legacy', ['b legacy>bridge', 'a legacy>own', 'b bridge>own']],
    ['legacy', 'down', ['b down>bridge', 'a legacy>own', 'b bridge>own']],
    ['down', 'legacy', ['a down>bridge', 'b legacy>own', 'a bridge>own']],
    ['legacy', 'bridge', ['a legacy>own', 'b bridge>own']],
    ['bridge', 'legacy', ['b legacy>own', 'a bridge>own']],
    ['down', 'bridge', ['a down>own', 'b bridge>own']],
    ['bridge', 'bridge', ['a bridge>own', 'b bridge>own']],
    ['own', 'bridge', ['b bridge>own']],
    ['own', 'own', []],
  ])('from a %s, b %s', (a, b, moves) => {
    expect(words(planMigration({ a, b }))).toEqual(moves);
  });

  it.each<[Stage, Stage, { a: boolean; b: boolean }, string[]]>([
    ['own', 'own', { a: true, b: false }, ['b own>own']],
    ['own', 'own', { a: false, b: false }, ['a own>own', 'b own>own']],
    // What is down takes everything before the other one restarts.
    ['down', 'own', { a: false, b: false }, ['a down>own', 'b own>own']],
    ['own', 'down', { a: true, b: false }, ['b down>own']],
  ])('restarts what changed over while it ran: a %s, b %s', (a, b, settled, moves) => {
    expect(words(planMigration({ a, b }, settled))).toEqual(moves);
  });

  it('refuses what would lose data', () => {
    expect(codeOf(() => planMigration({ a: 'down', b: 'down' }))).toBe('BOTH_DOWN');
    expect(codeOf(() => planMigration({ a: 'own', b: 'legacy' }))).toBe('NOT_LINKED_BY_ANY_PROTOCOL');
  });

  it('never stops a node while the other one has not everything', () => {
    const stages: Stage[] = ['legacy', 'bridge', 'own', 'down'];
    for (const a of stages) {
      for (const b of stages) {
        const moves = movesOrNone(() => planMigration({ a, b }));
        const isDown = { a: a === 'down', b: b === 'down' };
        for (const { node } of moves) {
          expect(isDown[node === 'a' ? 'b' : 'a'], `from a ${a}, b ${b}: ${words(moves)}`).toBe(false);
          isDown[node] = false;
        }
      }
    }
  });
});

describe('the way back', () => {
  it.each<[Stage, Stage, string[]]>([
    ['legacy', 'legacy', []],
    ['legacy', 'bridge', ['b bridge>legacy']],
    ['legacy', 'down', ['b down>legacy']],
    ['down', 'bridge', ['a down>legacy', 'b bridge>legacy']],
    ['bridge', 'down', ['b down>legacy', 'a bridge>legacy']],
    ['bridge', 'bridge', ['a bridge>legacy', 'b bridge>legacy']],
  ])('from a %s, b %s', (a, b, moves) => {
    expect(words(planReturn({ a, b }))).toEqual(moves);
  });

  it.each<[Stage, Stage, string]>([
    ['own', 'own', 'NO_WAY_BACK'],
    ['own', 'bridge', 'NO_WAY_BACK'],
    ['down', 'down', 'BOTH_DOWN'],
  ])('is refused from a %s, b %s', (a, b, code) => {
    expect(codeOf(() => planReturn({ a, b }))).toBe(code);
  });
});

describe('the sizes of a legacy node', () => {
  it('come from its settings, as far as there are any', () => {
    expect(parseLegacySizes('# by\nMEMORY_MB=2048\nCONNECTIONS=512\nPEER=x\n')).toEqual({
      memoryMb: 2048,
      connections: 512,
    });
    expect(parseLegacySizes('MEMORY_MB=lots\n')).toEqual({});
    expect(parseLegacySizes(undefined)).toEqual({});
  });
});

function movesOrNone(plan: () => Move[]): Move[] {
  try {
    return plan();
  } catch (error) {
    if (error instanceof OperatorError) return [];
    throw error;
  }
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof OperatorError) return error.code;
    throw error;
  }
  return 'nothing thrown';
}
