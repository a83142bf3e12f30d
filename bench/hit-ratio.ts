// npm run bench:hit-ratio: how much of what clients ask for is there, beside memcached at the same -m; and how much
// fits. Prints tables, keeps everything as JSON in bench/results.
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type MemoryResult, measureMemory } from './hit-ratio/memory.js';
import { type HitRatio, replay } from './hit-ratio/replay.js';
import { SEEDS, TRACES } from './hit-ratio/traces.js';
import { BenchServer, type Contestant, installedContestants, versionOf } from './server.js';
import { figure, type TableFormat, table } from './tables.js';

const RESULTS_FILE = fileURLToPath(new URL('results/hit-ratio.json', import.meta.url));
const TRACE_MEMORY_MB = [64, 32, 16];
const FILL_MEMORY_MB = 64;
const USAGE = `Compares what the engine and memcached keep of what clients ask for, and how much fits.

  npm run bench:hit-ratio [-- --markdown] [--only TRACE]
`;

interface TraceResult {
  readonly trace: string;
  readonly seed: string;
  readonly memoryMb: number;
  readonly servers: Readonly<Record<string, HitRatio>>;
}

interface FillResult {
  readonly server: string;
  readonly phases: readonly MemoryResult[];
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      markdown: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const format = values.markdown ? 'markdown' : 'text';
  const contestants = installedContestants();
  const versions = contestants.map((contestant) => `${contestant.name}: ${versionOf(contestant)}`);
  console.log(versions.join('\n'));
  const traces = await replayAll(contestants, values.only);
  const fills = values.only === '' ? await fillAll(contestants) : [];
  console.log(['', ...traceTable(traces, contestants, format)].join('\n'));
  if (fills.length > 0) console.log(['', ...fillTable(fills, format)].join('\n'));
  mkdirSync(join(RESULTS_FILE, '..'), { recursive: true });
  const kept = { versions, traces, fillMemoryMb: FILL_MEMORY_MB, fills };
  writeFileSync(RESULTS_FILE, `${JSON.stringify(kept, undefined, 2)}\n`);
  console.log(`\n${relative(process.cwd(), RESULTS_FILE)}`);
}

async function replayAll(contestants: readonly Contestant[], only: string): Promise<TraceResult[]> {
  const results: TraceResult[] = [];
  for (const trace of TRACES.filter(({ name }) => name.includes(only))) {
    for (const memoryMb of TRACE_MEMORY_MB) {
      for (const [seed, offset] of Object.entries(SEEDS)) {
        process.stderr.write(`${trace.name}, -m ${memoryMb}, ${seed} seed ...\n`);
        const servers = await Promise.all(contestants.map((contestant) => start(contestant, memoryMb)));
        try {
          const ports = servers.map(({ port }) => port);
          const ratios = await replay(trace, offset, ports);
          results.push({
            trace: trace.name,
            seed,
            memoryMb,
            servers: Object.fromEntries(servers.map(({ name }, at) => [name, ratios[at]])),
          });
        } finally {
          await Promise.all(servers.map((server) => server.stop()));
        }
      }
    }
  }
  return results;
}

async function fillAll(contestants: readonly Contestant[]): Promise<FillResult[]> {
  const results: FillResult[] = [];
  for (const contestant of contestants) {
    process.stderr.write(`filling ${contestant.name} ...\n`);
    const server = await start(contestant, FILL_MEMORY_MB);
    try {
      results.push({ server: contestant.name, phases: await measureMemory(server, FILL_MEMORY_MB) });
    } finally {
      await server.stop();
    }
  }
  return results;
}

/** Speed is not what is measured: any processor will do. */
function start(contestant: Contestant, memoryMb: number): Promise<BenchServer> {
  const cpus = `0-${availableParallelism() - 1}`;
  return BenchServer.start(contestant, { threads: 1, memoryMb, connections: 64, cpus });
}

/** One line a trace, so that the servers stand beside each other. */
function traceTable(
  results: readonly TraceResult[],
  contestants: readonly Contestant[],
  format: TableFormat,
): string[] {
  const names = contestants.map(({ name }) => name);
  const rows = results.map(({ trace, seed, memoryMb, servers }) => [
    trace,
    seed,
    String(memoryMb),
    ...names.map((name) => percent(servers[name].hits / servers[name].reads)),
    ...names.map((name) => freshness(servers[name])),
  ]);
  const columns = [
    ...[{ title: 'hits, by trace' }, { title: 'seed' }, figure('-m')],
    ...names.map(figure),
    ...names.map((name) => figure(`fresh lost, ${name}`)),
  ];
  return table(columns, rows, format);
}

function freshness({ freshReads, freshLosses }: HitRatio): string {
  return freshReads === 0 ? '' : `${freshLosses} of ${freshReads}`;
}

function fillTable(results: readonly FillResult[], format: TableFormat): string[] {
  const rows = results.flatMap(({ server, phases }) =>
    phases.map(({ title, items, payloadShare, residentGrowth }, at) => [
      at === 0 ? server : '',
      title,
      String(items),
      percent(payloadShare),
      percent(residentGrowth),
    ]),
  );
  const columns = [
    ...[{ title: 'server' }, { title: `filled, -m ${FILL_MEMORY_MB}` }],
    ...['items', 'of the new size, of -m', 'resident growth, of -m'].map(figure),
  ];
  return table(columns, rows, format);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}

await main();
