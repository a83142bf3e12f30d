// Whether -m is kept: how much a server grows while it is filled and while 50 connections store, with small values,
// with large ones, and with small ones again.
import { placementFor } from './cpus.js';
import { fill, measure } from './load-program.js';
import { BenchServer, type Contestant } from './server.js';
import { BASE, type Workload } from './workloads.js';

export interface ResidentGrowth {
  readonly memoryMb: number;
  /** The highest that was seen in each phase, over what the process had when it was empty, as a share of -m. */
  readonly phases: readonly number[];
}

export const GROWTH_PHASES = [
  { title: '100 B', valueBytes: 100, pipelines: [1, 16] },
  // More at a time would be megabytes under way, which are the clients'.
  { title: 'then 10 KB', valueBytes: 10_000, pipelines: [1] },
  { title: 'then 100 B', valueBytes: 100, pipelines: [1, 16] },
] as const;

export const GROWTH_MEMORY_MB: readonly number[] = [64, 256, 1024];
/** Fills in no time. */
export const QUICK_GROWTH_MEMORY_MB: readonly number[] = [16];
/** Header and key: what more or less comes to each value. */
const ITEM_OVERHEAD_BYTES = 44;
/** So much is written in each phase, as a multiple of -m. */
const TIMES_MEMORY = 1.3;
const POLL_MS = 20;
const MEASURE_MS = 1500;

export async function measureResidentGrowth(
  contestant: Contestant,
  memoryMb: number,
  isQuick: boolean,
): Promise<ResidentGrowth> {
  const placement = placementFor(1);
  const server = await BenchServer.start(contestant, {
    threads: 1,
    memoryMb,
    connections: BASE.connections + 100,
    cpus: placement.server,
  });
  let highestBytes = 0;
  const look = (): void => {
    highestBytes = Math.max(highestBytes, server.residentBytes());
  };
  const timer = setInterval(look, POLL_MS);
  try {
    const emptyBytes = server.residentBytes();
    const phases: number[] = [];
    for (const { title, valueBytes, pipelines } of GROWTH_PHASES) {
      highestBytes = 0;
      const keys = Math.ceil((memoryMb * 2 ** 20 * TIMES_MEMORY) / (valueBytes + ITEM_OVERHEAD_BYTES));
      const workload: Workload = { ...BASE, name: title, setPercent: 100, valueBytes, keys };
      await fill(server, workload);
      for (const pipeline of pipelines) {
        const pace = { warmUpMs: 0, measureMs: isQuick ? MEASURE_MS / 10 : MEASURE_MS };
        await measure(server, { ...workload, pipeline }, placement, pace);
      }
      look();
      phases.push((highestBytes - emptyBytes) / (memoryMb * 2 ** 20));
    }
    return { memoryMb, phases };
  } finally {
    clearInterval(timer);
    await server.stop();
  }
}
