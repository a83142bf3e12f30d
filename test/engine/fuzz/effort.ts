// How long the tests of this folder look, and from which seed: FUZZ_EFFORT=50 FUZZ_SEED=-123 npx vitest run test/engine/fuzz

/** A failure prints its seed; given as FUZZ_SEED, with the same effort, it comes again. */
export function effort(numRuns: number): { numRuns: number; seed?: number } {
  const { FUZZ_EFFORT, FUZZ_SEED } = process.env;
  const times = FUZZ_EFFORT === undefined ? 1 : Number(FUZZ_EFFORT);
  return { numRuns: numRuns * times, ...(FUZZ_SEED !== undefined && { seed: Number(FUZZ_SEED) }) };
}

/** For tests that look longer than usual. */
export const TIMEOUT_MS = 120_000 * Number(process.env.FUZZ_EFFORT ?? 1);
