// Whether -m is kept: how much a server grows while it is filled and while 50 connections store, with small values,
// with large ones, and with small ones again; and of what that growth consists.
import { setTimeout as sleep } from 'node:timers/promises';
import { placementFor } from './cpus.js';
import { fill, measure } from './load-program.js';
import { type ResidentParts, residentParts, sumOf } from './resident-parts.js';
import { BenchServer, type Contestant } from './server.js';
import { BASE, type Workload } from './workloads.js';

export interface GrowthSettings {
  readonly threads: number;
  readonly memoryMb: number;
}

export interface ResidentGrowth extends GrowthSettings {
  /** Over the empty process: first with 50 connections that read one key, then at the highest of each phase, then at rest. */
  readonly moments: readonly ResidentParts[];
}

export const GROWTH_PHASES = [
  { title: '100 B', valueBytes: 100, pipelines: [1, 16] },
  // More at a time would be megabytes under way, which are the clients'.
  { title: 'then 10 KB', valueBytes: 10_000, pipelines: [1] },
  { title: 'then 100 B', valueBytes: 100, pipelines: [1, 16] },
] as const;

export const GROWTH_MOMENTS = ['one key, read', ...GROWTH_PHASES.map(({ title }) => title), 'at rest'];

export const GROWTH_SETTINGS: readonly GrowthSettings[] = [
  { threads: 1, memoryMb: 64 },
  { threads: 4, memoryMb: 64 },
  { threads: 1, memoryMb: 256 },
  { threads: 1, memoryMb: 1024 },
];
/** Fills in no time. */
export const QUICK_GROWTH_SETTINGS: readonly GrowthSettings[] = [{ threads: 1, memoryMb: 16 }];
/** Header and key: what more or less comes to each value. */
const ITEM_OVERHEAD_BYTES = 44;
/** So much is written in each phase, as a multiple of -m. */
const TIMES_MEMORY = 1.3;
const POLL_MS = 20;
const MEASURE_MS = 1500;
/** What a process gives back once the load is over, it gives back within this time. */
const REST_MS = 10_000;

export async function measureResidentGrowth(
  contestant: Contestant,
  { threads, memoryMb }: GrowthSettings,
  isQuick: boolean,
): Promise<ResidentGrowth> {
  const shortened = isQuick ? 10 : 1;
  const pace = { warmUpMs: 0, measureMs: MEASURE_MS / shortened };
  const placement = placementFor(threads);
  const server = await BenchServer.start(contestant, {
    threads,
    memoryMb,
    connections: BASE.connections + 100,
    cpus: placement.server,
  });
  const empty = residentParts(server.pid);
  let highest = empty;
  const look = (): void => {
    if (server.residentBytes() <= sumOf(highest)) return;
    const now = residentParts(server.pid);
    if (sumOf(now) > sumOf(highest)) highest = now;
  };
  const timer = setInterval(look, POLL_MS);
  const moments: ResidentParts[] = [];
  const note = (parts: ResidentParts): void => {
    moments.push(growth(empty, parts));
    highest = empty;
  };
  try {
    const oneKey: Workload = { ...BASE, name: GROWTH_MOMENTS[0], threads, keys: 1 };
    await fill(server, oneKey);
    await measure(server, oneKey, placement, pace);
    note(residentParts(server.pid));
    for (const { title, valueBytes, pipelines } of GROWTH_PHASES) {
      const keys = Math.ceil((memoryMb * 2 ** 20 * TIMES_MEMORY) / (valueBytes + ITEM_OVERHEAD_BYTES));
      const workload: Workload = { ...BASE, name: title, threads, setPercent: 100, valueBytes, keys };
      await fill(server, workload);
      for (const pipeline of pipelines) await measure(server, { ...workload, pipeline }, placement, pace);
      look();
      note(highest);
    }
    await sleep(REST_MS / shortened);
    note(residentParts(server.pid));
    return { threads, memoryMb, moments };
  } finally {
    clearInterval(timer);
    await server.stop();
  }
}

function growth(empty: ResidentParts, parts: ResidentParts): ResidentParts {
  return {
    store: parts.store - empty.store,
    heap: parts.heap - empty.heap,
    compiled: parts.compiled - empty.compiled,
    files: parts.files - empty.files,
  };
}
