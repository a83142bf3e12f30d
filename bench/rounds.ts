// One workload on all servers: they take turns, in an order that turns round each time, so that whatever else the
// machine does meets all of them alike.
import { placementFor } from './cpus.js';
import { fill, type Measurement, measure } from './load-program.js';
import { BenchServer, type Contestant } from './server.js';
import { memoryMbFor, type Workload } from './workloads.js';

export interface WorkloadResult {
  readonly workload: Workload;
  /** Whether server and load had processors of their own. */
  readonly isApart: boolean;
  /** By server, one for each round. */
  readonly measurements: ReadonlyMap<string, readonly Measurement[]>;
}

export interface Pace {
  readonly rounds: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** Before the first round: until a just-in-time compiler has seen what is hot. */
  readonly firstWarmUpMs: number;
}

export async function runWorkload(
  workload: Workload,
  contestants: readonly Contestant[],
  pace: Pace,
): Promise<WorkloadResult> {
  const placement = placementFor(workload.threads);
  const measurements = new Map<string, Measurement[]>();
  const servers: BenchServer[] = [];
  try {
    for (const contestant of contestants) {
      const server = await BenchServer.start(contestant, {
        threads: contestant.threads ?? workload.threads,
        memoryMb: memoryMbFor(workload),
        connections: workload.connections + 100,
        cpus: placement.server,
      });
      servers.push(server);
      measurements.set(server.name, []);
      await fill(server, workload);
      await measure(server, workload, placement, { warmUpMs: 0, measureMs: pace.firstWarmUpMs });
    }
    for (let round = 0; round < pace.rounds; round++) {
      for (const server of round % 2 === 0 ? servers : [...servers].reverse()) {
        measurements.get(server.name)?.push(await measure(server, workload, placement, pace));
      }
    }
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
  return { workload, isApart: placement.isApart, measurements };
}
