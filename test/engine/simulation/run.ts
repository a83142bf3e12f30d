// `npm run sim -- --seeds N [--seed S]`: runs many seeds, or one with all that its nodes said.

import { parseArgs } from 'node:util';
import { type FaultName, simulate } from './world.js';

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '100' }, seed: { type: 'string' } },
});
const isReplay = values.seed !== undefined;
const first = isReplay ? Number(values.seed) : 1;
const count = isReplay ? 1 : Number(values.seeds);
if (!Number.isSafeInteger(first) || !Number.isSafeInteger(count)) {
  console.error('usage: npm run sim -- [--seeds N] [--seed S]');
  process.exit(2);
}

const faults = new Map<FaultName, number>();
let operations = 0;
let failures = 0;
const startMs = performance.now();
for (let seed = first; seed < first + count; seed++) {
  const result = simulate(seed);
  operations += result.operations;
  for (const [fault, times] of result.faults) faults.set(fault, (faults.get(fault) ?? 0) + times);
  if (isReplay) console.log(result.lines.join('\n'));
  if (result.problems.length === 0) continue;
  failures += 1;
  console.log(`seed ${seed}: ${result.problems.length} problems; replay with: npm run sim -- --seed ${seed}`);
  for (const problem of result.problems.slice(0, isReplay ? 1_000 : 3)) console.log(`  ${problem}`);
}
const seconds = ((performance.now() - startMs) / 1_000).toFixed(1);
const seen = [...faults].sort().map(([fault, times]) => `${fault} ${times}`);
console.log(`${count} seeds, ${failures} failed, ${operations} operations, ${seconds} s; ${seen.join(', ')}`);
process.exitCode = failures === 0 ? 0 : 1;
