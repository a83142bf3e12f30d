// The built engine under mutated traffic, for a moment: `npm run fuzz -- --seconds N` looks longer.
import { expect, it } from 'vitest';
import { fuzzProcess } from './fuzz-process.js';

const SECONDS = 8;

it('outlives mutated traffic, and serves a good client all the while', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const { rounds, heardBytes } = await fuzzProcess(SECONDS, seed);
  expect(rounds).toBeGreaterThan(0);
  expect(heardBytes).toBeGreaterThan(0);
}, 120_000);
