// npm run bench: the engine beside real peers, on this machine, in one run. Prints tables, keeps everything as JSON.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type IdleMemory, measureIdleMemory } from './idle-memory.js';
import { buildLoadProgram } from './load-program.js';
import { type BenchOptions, parseOptions, USAGE, UsageError } from './options.js';
import { replicationTables } from './replication/report.js';
import { type ReplicationResults, runReplication } from './replication/suite.js';
import { growthTable, idleTable, speedTable } from './report.js';
import {
  GROWTH_SETTINGS,
  measureResidentGrowth,
  QUICK_GROWTH_SETTINGS,
  type ResidentGrowth,
} from './resident-growth.js';
import { type Pace, runWorkload, type WorkloadResult } from './rounds.js';
import { type Contestant, installedContestants, versionOf } from './server.js';
import { SUITES, type Workload } from './workloads.js';

const REFERENCE = 'memcached';
const RESULTS_DIR = fileURLToPath(new URL('results', import.meta.url));
const IDLE_CONNECTIONS = 10_000;
const QUICK_IDLE_CONNECTIONS = 200;
/** Files we have open besides the idle connections. */
const SPARE_FILES = 300;
/** Quick runs keep to what fills in no time. */
const QUICK_KEYS = 1000;
const FIRST_WARM_UP_MS = 2000;
const QUICK_FIRST_WARM_UP_MS = 50;

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) {
    console.log(USAGE);
    return;
  }
  buildLoadProgram();
  const contestants = [...installedContestants(), ...options.peers];
  const machine = describeMachine(contestants);
  console.log(Object.values(machine).flat().join('\n'));

  const pace: Pace = {
    ...options,
    firstWarmUpMs: options.isQuick ? QUICK_FIRST_WARM_UP_MS : FIRST_WARM_UP_MS,
  };
  const results: WorkloadResult[] = [];
  for (const workload of chosenWorkloads(options)) {
    process.stderr.write(`${workload.name} ...\n`);
    results.push(await runWorkload(workload, contestantsIn(workload, contestants), pace));
  }
  const hasMemory = options.suites.includes('memory');
  const idle = hasMemory ? await idleOf(contestants, options.isQuick) : new Map();
  const growth = hasMemory ? await growthOf(contestants, options.isQuick) : new Map();

  const { format } = options;
  const replication = options.suites.includes('replication')
    ? await runReplication(contestants[0], options.peers, pace, options.isQuick)
    : undefined;

  if (results.length > 0) console.log(['', ...speedTable(results, REFERENCE, format)].join('\n'));
  if (idle.size > 0) console.log(['', ...idleTable(idle, format)].join('\n'));
  if (growth.size > 0) console.log(['', ...growthTable(growth, format)].join('\n'));
  if (replication !== undefined) console.log(['', ...replicationTables(replication, format)].join('\n'));
  console.log(`\n${relative(process.cwd(), keep({ machine, options, results, idle, growth, replication }))}`);
}

/** With several threads also the engine with one, on the same processors: what sharing the store costs a request. */
function contestantsIn({ threads }: Workload, contestants: readonly Contestant[]): readonly Contestant[] {
  const [engine] = contestants;
  return threads === 1
    ? contestants
    : [...contestants, { ...engine, name: `${engine.name} -t 1`, threads: 1 }];
}

function chosenWorkloads({ suites, only, isQuick }: BenchOptions): Workload[] {
  return suites
    .flatMap((name) => SUITES[name])
    .filter(({ name }) => name.includes(only))
    .map((workload) => (isQuick ? { ...workload, keys: Math.min(workload.keys, QUICK_KEYS) } : workload));
}

async function idleOf(
  contestants: readonly Contestant[],
  isQuick: boolean,
): Promise<Map<string, IdleMemory>> {
  const wanted = isQuick ? QUICK_IDLE_CONNECTIONS : IDLE_CONNECTIONS;
  // Node raises its own limit to the hard one.
  const files = Number(
    execFileSync('prlimit', ['--nofile', '--output=HARD', '--noheadings'], { encoding: 'utf8' }),
  );
  const connections = Number.isNaN(files) ? wanted : Math.min(wanted, files - SPARE_FILES);
  const results = new Map<string, IdleMemory>();
  for (const contestant of contestants) {
    process.stderr.write(`${connections} idle connections, ${contestant.name} ...\n`);
    results.set(contestant.name, await measureIdleMemory(contestant, connections, isQuick));
  }
  return results;
}

async function growthOf(
  contestants: readonly Contestant[],
  isQuick: boolean,
): Promise<Map<string, readonly ResidentGrowth[]>> {
  const results = new Map<string, readonly ResidentGrowth[]>();
  for (const contestant of contestants) {
    const growths: ResidentGrowth[] = [];
    for (const settings of isQuick ? QUICK_GROWTH_SETTINGS : GROWTH_SETTINGS) {
      const { threads, memoryMb } = settings;
      process.stderr.write(`resident growth, -t ${threads} -m ${memoryMb}, ${contestant.name} ...\n`);
      growths.push(await measureResidentGrowth(contestant, settings, isQuick));
    }
    results.set(contestant.name, growths);
  }
  return results;
}

function describeMachine(contestants: readonly Contestant[]): Record<string, string | string[]> {
  const processors = cpus();
  return {
    machine: `${processors.length} x ${processors[0]?.model ?? 'unknown'}, Linux ${release()}`,
    loadAverage: `load average before: ${loadavg()[0].toFixed(2)}`,
    servers: contestants.map((contestant) => `${contestant.name}: ${versionOf(contestant)}`),
  };
}

function keep(everything: {
  machine: object;
  options: BenchOptions;
  results: readonly WorkloadResult[];
  idle: ReadonlyMap<string, IdleMemory>;
  growth: ReadonlyMap<string, readonly ResidentGrowth[]>;
  replication: ReplicationResults | undefined;
}): string {
  const json = JSON.stringify(
    everything,
    (_, value) => (value instanceof Map ? Object.fromEntries(value) : value),
    2,
  );
  mkdirSync(RESULTS_DIR, { recursive: true });
  const path = join(RESULTS_DIR, `${new Date().toISOString().replaceAll(':', '-')}.json`);
  writeFileSync(path, `${json}\n`);
  return path;
}

try {
  await main();
} catch (error) {
  console.error(`bench: ${(error as Error).message}`);
  if (error instanceof UsageError) console.error(`\n${USAGE}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
