// The pair under everything that can go wrong: many seeds, every kind of fault seen, every known bug caught.

import { describe, expect, it } from 'vitest';
import { MUTATIONS } from './mutations.js';
import { type FaultName, simulate } from './world.js';

const SEEDS = 60;
const FIRST_SEED = 1_000;
/** How many seeds a bug may need until it shows. */
const SEEDS_PER_MUTATION = 80;

const ALL_FAULTS: readonly FaultName[] = [
  'cut',
  'longCut',
  'oneWayCut',
  'crash',
  'powerLoss',
  'stop',
  'pause',
  'clockStep',
  'flush',
  'delayedFlush',
  'strayAdd',
  'eviction',
  'logOverflow',
  'halfOpen',
  'split',
  'conflict',
  'expiry',
  'loss',
  'partialSync',
  'digestSync',
  'fullSync',
];

describe('simulation', () => {
  it('leaves both nodes alike after every kind of trouble', { timeout: 120_000 }, () => {
    const seen = new Set<FaultName>();
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      const { problems, faults } = simulate(seed);
      expect(problems.slice(0, 5), `replay with: npm run sim -- --seed ${seed}`).toEqual([]);
      for (const fault of faults.keys()) seen.add(fault);
    }
    expect(
      ALL_FAULTS.filter((fault) => !seen.has(fault)),
      'faults that never happened',
    ).toEqual([]);
  });

  it('replays a seed exactly', () => {
    const first = simulate(7);
    expect(simulate(7)).toEqual(first);
    expect(first.operations).toBeGreaterThan(100);
    expect(first.lines.length).toBeGreaterThan(3);
  });

  it.each(Object.keys(MUTATIONS))('notices when %s', { timeout: 120_000 }, (name) => {
    for (let seed = 1; seed <= SEEDS_PER_MUTATION; seed++) {
      if (simulate(seed, MUTATIONS[name]()).problems.length > 0) return;
    }
    expect.fail(`${SEEDS_PER_MUTATION} seeds did not show it`);
  });
});
