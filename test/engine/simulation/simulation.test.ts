// The pair under everything that can go wrong: many seeds, every kind of fault seen, every known bug caught.

import { describe, expect, it } from 'vitest';
import { END_INVARIANTS } from './invariants.js';
import { MUTATIONS } from './mutations.js';
import { FAULTS, type FaultName } from './tally.js';
import { WATCHED_INVARIANTS } from './watch.js';
import { simulate } from './world.js';

const SEEDS = 300;
const FIRST_SEED = 1_000;
/** How many seeds a bug may need until it shows. */
const SEEDS_PER_MUTATION = 100;

describe('simulation', () => {
  it('holds every invariant through every kind of trouble', { timeout: 240_000 }, () => {
    const seen = new Set<FaultName>();
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      const { problems, faults } = simulate(seed);
      expect(problems.slice(0, 5), `replay with: npm run sim -- --seed ${seed}`).toEqual([]);
      for (const fault of faults.keys()) seen.add(fault);
    }
    const unseen = FAULTS.filter((fault) => !seen.has(fault));
    expect(unseen, 'faults that never happened').toEqual([]);
  });

  it('replays a seed exactly', () => {
    const first = simulate(7);
    expect(simulate(7)).toEqual(first);
    expect(first.operations).toBeGreaterThan(100);
    expect(first.lines.length).toBeGreaterThan(3);
  });

  it('names what it looks at', () => {
    const names = [...END_INVARIANTS, ...WATCHED_INVARIANTS];
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThanOrEqual(10);
    expect(FAULTS.length).toBeGreaterThanOrEqual(16);
    expect(Object.keys(MUTATIONS).length).toBeGreaterThanOrEqual(15);
  });

  it.each(Object.keys(MUTATIONS))('notices when %s', { timeout: 120_000 }, (name) => {
    for (let seed = 1; seed <= SEEDS_PER_MUTATION; seed++) {
      if (simulate(seed, MUTATIONS[name]()).problems.length > 0) return;
    }
    expect.fail(`${SEEDS_PER_MUTATION} seeds did not show it`);
  });
});
