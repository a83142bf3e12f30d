// `npm run sim -- --seeds N [--seed S] [--jobs J]`: runs many seeds, or one with all that its nodes said.

import { fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { FaultName } from './tally.js';
import { simulate } from './world.js';

const USAGE = 'usage: npm run sim -- [--seeds N] [--seed S|random] [--jobs J]';
/** Of a seed among many, so many violations are printed; the replay prints all. */
const PROBLEMS_PRINTED = 3;

interface Totals {
  readonly faults: Record<string, number>;
  readonly operations: number;
  readonly failures: number;
  readonly cpuMs: number;
}

const values = parseFlags();
const first = values.seed === 'random' ? randomInt(1, 2 ** 31) : Number(values.seed ?? 1);
const isReplay = values.seed !== undefined && values.seeds === undefined;
const count = isReplay ? 1 : Number(values.seeds ?? 100);
const jobs = Number(values.jobs);
if (![first, count, jobs].every((number) => Number.isSafeInteger(number) && number > 0)) refuse();

if (process.send === undefined) {
  const startMs = performance.now();
  const totals = jobs === 1 ? [runSeeds(first, count)] : await Promise.all(share(first, count, jobs));
  report(totals, (performance.now() - startMs) / 1_000);
} else {
  process.send(runSeeds(first, count));
}

function parseFlags(): { seeds?: string; seed?: string; jobs: string } {
  try {
    return parseArgs({
      options: {
        seeds: { type: 'string' },
        seed: { type: 'string' },
        jobs: { type: 'string', default: '1' },
      },
    }).values;
  } catch (error) {
    return refuse((error as Error).message);
  }
}

function refuse(why = 'a seed, and numbers of seeds and jobs, are whole numbers above 0'): never {
  console.error(`sim: ${why}\n${USAGE}`);
  process.exit(2);
}

/** Each process takes seeds of its own, one after the other. */
function share(firstSeed: number, seeds: number, processes: number): Promise<Totals>[] {
  const each = Math.ceil(seeds / processes);
  const starts = Array.from({ length: processes }, (_, job) => job * each).filter((start) => start < seeds);
  return starts.map((start) => {
    const args = [`--seed=${firstSeed + start}`, `--seeds=${Math.min(each, seeds - start)}`];
    const child = fork(import.meta.filename, args);
    return new Promise<Totals>((resolve, reject) => {
      child.once('message', (message) => resolve(message as Totals));
      child.once('exit', (code) => reject(new Error(`a process of the simulator ended with ${code}`)));
    });
  });
}

function runSeeds(firstSeed: number, seeds: number): Totals {
  const faults: Record<string, number> = {};
  let operations = 0;
  let failures = 0;
  const cpuBefore = process.cpuUsage();
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    const result = simulate(seed);
    operations += result.operations;
    for (const [fault, times] of result.faults) faults[fault] = (faults[fault] ?? 0) + times;
    if (isReplay) console.log(result.lines.join('\n'));
    if (result.problems.length === 0) continue;
    failures += 1;
    console.log(
      `seed ${seed}: ${result.problems.length} problems; replay with: npm run sim -- --seed ${seed}`,
    );
    const printed = isReplay ? result.problems : result.problems.slice(0, PROBLEMS_PRINTED);
    for (const problem of printed) console.log(`  ${problem}`);
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  return { faults, operations, failures, cpuMs: (user + system) / 1_000 };
}

function report(parts: readonly Totals[], seconds: number): void {
  const sum = (of: (totals: Totals) => number) => parts.reduce((total, part) => total + of(part), 0);
  const names = [...new Set(parts.flatMap(({ faults }) => Object.keys(faults)))].sort() as FaultName[];
  const seen = names.map((fault) => `${fault} ${sum(({ faults }) => faults[fault] ?? 0)}`);
  const failures = sum((part) => part.failures);
  const cpuMs = (sum((part) => part.cpuMs) / count).toFixed(1);
  console.log(
    `${count} seeds from ${first}, ${failures} failed, ${sum((part) => part.operations)} operations, ` +
      `${seconds.toFixed(1)} s, ${cpuMs} ms of processor time a seed; ${seen.join(', ')}`,
  );
  process.exitCode = failures === 0 ? 0 : 1;
}
