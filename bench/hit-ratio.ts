// npm run bench:hit-ratio: how much of what clients ask for is there, beside memcached at the same -m; and how much
// fits. Prints tables, keeps everything as JSON in bench/results.
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { renderTable } from '../src/report/table.js';
import { type MemoryResult, measureMemory } from './hit-ratio/memory.js';
import { type HitRatio, replay } from './hit-ratio/replay.js';
import { TRACES } from './hit-ratio/traces.js';
import { BenchServer, type Contestant, installedContestants, versionOf } from './server.js';

const RESULTS_FILE = fileURLToPath(new URL('results/hit-ratio.json', import.meta.url));
const TRACE_MEMORY_MB = 64;
const FILL_MEMORY_MB = 64;
const WIDTH = 160;

interface TraceResult {
  readonly trace: string;
  readonly servers: Readonly<Record<string, HitRatio>>;
}

interface FillResult {
  readonly server: string;
  readonly phases: readonly MemoryResult[];
}

async function main(): Promise<void> {
  const contestants = installedContestants();
  const versions = contestants.map((contestant) => `${contestant.name}: ${versionOf(contestant)}`);
  console.log(versions.join('\n'));
  const traces = await replayAll(contestants);
  const fills = await fillAll(contestants);
  console.log(['', ...traceTable(traces), '', ...fillTable(fills)].join('\n'));
  mkdirSync(join(RESULTS_FILE, '..'), { recursive: true });
  const kept = { versions, traceMemoryMb: TRACE_MEMORY_MB, traces, fillMemoryMb: FILL_MEMORY_MB, fills };
  writeFileSync(RESULTS_FILE, `${JSON.stringify(kept, undefined, 2)}\n`);
  console.log(`\n${relative(process.cwd(), RESULTS_FILE)}`);
}

async function replayAll(contestants: readonly Contestant[]): Promise<TraceResult[]> {
  const results: TraceResult[] = [];
  for (const trace of TRACES) {
    process.stderr.write(`${trace.name} ...\n`);
    const servers = await Promise.all(contestants.map((contestant) => start(contestant, TRACE_MEMORY_MB)));
    try {
      const ports = servers.map(({ port }) => port);
      const ratios = await replay(trace, ports);
      results.push({
        trace: trace.name,
        servers: Object.fromEntries(servers.map(({ name }, at) => [name, ratios[at]])),
      });
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
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

function traceTable(results: readonly TraceResult[]): string[] {
  const rows = results.flatMap(({ trace, servers }) =>
    Object.entries(servers).map(([name, { reads, hits, freshReads, freshLosses }], at) => [
      at === 0 ? trace : '',
      name,
      String(reads),
      percent(hits / reads),
      freshReads === 0 ? '' : `${freshLosses} of ${freshReads}`,
    ]),
  );
  return renderTable(
    [
      { title: `trace, -m ${TRACE_MEMORY_MB}` },
      { title: 'server' },
      right('reads'),
      right('hits'),
      right('fresh sessions lost'),
    ],
    rows,
    WIDTH,
  );
}

function fillTable(results: readonly FillResult[]): string[] {
  const rows = results.flatMap(({ server, phases }) =>
    phases.map(({ title, items, payloadShare, residentGrowth }, at) => [
      at === 0 ? server : '',
      title,
      String(items),
      percent(payloadShare),
      percent(residentGrowth),
    ]),
  );
  return renderTable(
    [
      { title: 'server' },
      { title: `filled, -m ${FILL_MEMORY_MB}` },
      right('items'),
      right('of the new size, of -m'),
      right('resident growth, of -m'),
    ],
    rows,
    WIDTH,
  );
}

function right(title: string) {
  return { title, align: 'right' as const };
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}

await main();
