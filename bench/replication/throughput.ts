// What a peer costs: sets to a node alone, to one that replicates them, and to one that waits for its peer.
import { placementFor } from '../cpus.js';
import { fill, type Measurement, measure } from '../load-program.js';
import type { Pace } from '../rounds.js';
import { BenchServer, type Contestant } from '../server.js';
import { memoryMbFor, type Workload } from '../workloads.js';
import { BenchPair, figureOf } from './pair.js';

export interface Lag {
  readonly setsPerSec: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the clients meanwhile: what the machine lets anybody have. */
  readonly clientsP99Ms: number;
}

export interface ThroughputResult {
  readonly workload: Workload;
  /** By `NAME alone`, `NAME, peer` and `NAME, --repl-ack peer`; one for each round. */
  readonly measurements: ReadonlyMap<string, readonly Measurement[]>;
  /** Of the engine's pair without acknowledgement, at half of what it does. */
  readonly lag: Lag;
}

interface Side {
  readonly name: string;
  readonly server: BenchServer;
  readonly pair?: BenchPair;
}

const ACK = ['--repl-ack', 'peer'];
/** The statistics of the engine look back 10 s at most; what was before is not at this rate. */
const LAG_MS = 20_000;

/** @param others servers that replicate with -x and -X like the engine */
export async function measureThroughput(
  workload: Workload,
  engine: Contestant,
  others: readonly Contestant[],
  pace: Pace,
  isQuick: boolean,
): Promise<ThroughputResult> {
  const placement = placementFor(workload.threads);
  const memoryMb = memoryMbFor(workload);
  const connections = workload.connections + 100;
  const sides: Side[] = [];
  const pairOf = async (contestant: Contestant, title: string, flags: readonly string[] = []) => {
    const tellsState = contestant === engine;
    const settings = { memoryMb, connections, placement, flags, tellsState };
    const pair = await BenchPair.start(contestant, settings);
    sides.push({ name: `${contestant.name}, ${title}`, server: pair.source, pair });
  };
  try {
    for (const contestant of [engine, ...others]) {
      const alone = { threads: 1, memoryMb, connections, cpus: placement.server };
      const server = await BenchServer.start(contestant, alone);
      sides.push({ name: `${contestant.name} alone`, server });
      await pairOf(contestant, 'peer');
    }
    await pairOf(engine, ACK.join(' '), ACK);
    for (const { server } of sides) {
      await fill(server, workload);
      await measure(server, workload, placement, { warmUpMs: 0, measureMs: pace.firstWarmUpMs });
    }
    const measurements = new Map(sides.map(({ name }) => [name, [] as Measurement[]]));
    for (let round = 0; round < pace.rounds; round++) {
      for (const { name, server, pair } of round % 2 === 0 ? sides : [...sides].reverse()) {
        const peer = pair === undefined ? {} : { peerPid: pair.target.pid };
        measurements.get(name)?.push(await measure(server, workload, placement, { ...pace, ...peer }));
        // What is still under way is not the next one's.
        await pair?.replicates();
      }
    }
    const full = measurements.get(`${engine.name}, peer`) ?? [];
    const fastest = Math.max(...full.map(({ requests, elapsedSec }) => requests / elapsedSec));
    const lag = await measureLag(sides[1].server, Math.floor(fastest / 2));
    return { workload, measurements, lag };
  } finally {
    await Promise.all(sides.map(({ server, pair }) => pair?.stop() ?? server.stop()));
  }

  async function measureLag(source: BenchServer, rate: number): Promise<Lag> {
    const measureMs = isQuick ? pace.measureMs : LAG_MS;
    const { requests, elapsedSec, p99Us } = await measure(source, workload, placement, {
      ...pace,
      measureMs,
      rate,
    });
    return {
      setsPerSec: requests / elapsedSec,
      clientsP99Ms: p99Us / 1000,
      p50Ms: await figureOf(source, 'repl_lag_p50_ms'),
      p99Ms: await figureOf(source, 'repl_lag_p99_ms'),
    };
  }
}
