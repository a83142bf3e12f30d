// Two real processes that are killed, stopped, frozen and cut off while clients write to both, checked key by key.
// For longer, by hand: CHAOS_SECONDS=300 [CHAOS_SEED=1] npx vitest run test/engine/chaos
import { describe, expect, it } from 'vitest';
import { type ChaosSettings, runChaos } from './chaos-run.js';

const FIRST_SEED = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 1e9));
const SECONDS = Number(process.env.CHAOS_SECONDS ?? 0);
/** Of one run, on a busy machine. */
const RUN_MAX_MS = 150_000;
/** A link is given up after 3 s of silence: who answers sooner did not wait for that. */
const STALL_MS = 2_500;

const PAIRS: readonly Omit<ChaosSettings, 'seed'>[] = [
  { threads: 1, ack: 'none', savesMemory: true },
  { threads: 4, ack: 'peer', savesMemory: false },
];

describe.concurrent('a pair under all faults at once', () => {
  it.each(PAIRS)(
    'agrees and loses nothing: -t $threads, ack $ack, -e $savesMemory',
    { timeout: SECONDS * 1_000 + RUN_MAX_MS },
    async (pair) => {
      const deadline = performance.now() + SECONDS * 1_000;
      let seed = FIRST_SEED;
      do {
        const result = await runChaos({ ...pair, seed });
        const told = `CHAOS_SEED=${seed} -t ${pair.threads}: ${result.writes} writes, longest ${Math.round(result.longestMs)} ms`;
        console.log(`${told}; ${result.faults.join(', ')}`);
        expect(result.problems, told).toEqual([]);
        expect(result.writes, told).toBeGreaterThan(1_000);
        // With `peer` a write waits for a peer that hangs, until it is given up.
        if (pair.ack === 'none') expect(result.longestMs, told).toBeLessThan(STALL_MS);
        seed += 1;
      } while (performance.now() < deadline);
    },
  );
});
