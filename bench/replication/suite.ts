// The suite `replication`: what a peer costs, and what a pair does when the peer comes, hangs or goes.
import type { Pace } from '../rounds.js';
import type { Contestant } from '../server.js';
import type { Workload } from '../workloads.js';
import { type CutResult, measureCut } from './cut.js';
import { type FrozenResult, measureFrozenPeer } from './frozen-peer.js';
import { type CopyResult, measureFullCopy } from './full-copy.js';
import { measureThroughput, type ThroughputResult } from './throughput.js';

export interface ReplicationResults {
  readonly throughput: readonly ThroughputResult[];
  /** By server, and whether clients used the source meanwhile. */
  readonly copies: ReadonlyMap<string, CopyResult>;
  readonly frozen: FrozenResult;
  readonly cut: CutResult;
}

const SETS: Omit<Workload, 'name' | 'pipeline' | 'keys'> = {
  threads: 1,
  connections: 50,
  keysPerGet: 1,
  setPercent: 100,
  valueBytes: 100,
};

const MEASURE_MIN_MS = 500;

/** How much of everything: of quick runs only that they work is wanted. */
const SCALE = {
  full: {
    keys: 100_000,
    copiedKeys: 1_000_000,
    copiesBesideClients: 3,
    frozenMs: 60_000,
    cutMs: 10_000,
    rate: 10_000,
  },
  quick: {
    keys: 1_000,
    copiedKeys: 20_000,
    copiesBesideClients: 1,
    frozenMs: 4_000,
    cutMs: 500,
    rate: 5_000,
  },
};

/** @param others servers that replicate with -x and -X: beside the engine where theirs can be compared */
export async function runReplication(
  engine: Contestant,
  others: readonly Contestant[],
  pace: Pace,
  isQuick: boolean,
): Promise<ReplicationResults> {
  const scale = isQuick ? SCALE.quick : SCALE.full;
  const sets = (pipeline: number, keys = scale.keys): Workload => ({
    ...SETS,
    name: pipeline === 1 ? 'set' : `set, pipeline ${pipeline}`,
    pipeline,
    keys,
  });
  const throughput: ThroughputResult[] = [];
  // Three processes share the machine: in less time one of them may not have had its turn.
  const longEnough = {
    ...pace,
    measureMs: Math.max(pace.measureMs, MEASURE_MIN_MS),
    firstWarmUpMs: Math.max(pace.firstWarmUpMs, MEASURE_MIN_MS),
  };
  for (const pipeline of [1, 16]) {
    say(`replicated sets, pipeline ${pipeline}`);
    throughput.push(await measureThroughput(sets(pipeline), engine, others, longEnough, isQuick));
  }
  const copied: Workload = { ...sets(1, scale.copiedKeys), name: 'full copy', setPercent: 10 };
  const copies = new Map<string, CopyResult>();
  for (const contestant of [engine, ...others]) {
    say(`full copy, ${contestant.name}`);
    copies.set(
      contestant.name,
      await measureFullCopy(contestant, copied, {
        hasClients: false,
        copies: 1,
        warmUpMs: 0,
        tellsState: contestant === engine,
      }),
    );
  }
  for (const targetGivesWay of [false, true]) {
    const name = `${engine.name}, 50 clients${targetGivesWay ? ', the peer gives way' : ''}`;
    say(`full copy, ${name}`);
    copies.set(
      name,
      await measureFullCopy(engine, copied, {
        hasClients: true,
        // One that gives way takes so long that there are slices enough.
        copies: targetGivesWay ? 1 : scale.copiesBesideClients,
        warmUpMs: longEnough.firstWarmUpMs,
        targetGivesWay,
        tellsState: true,
      }),
    );
  }
  say('peer frozen');
  const frozen = await measureFrozenPeer(engine, sets(1), scale.frozenMs);
  say('cut');
  const cut = await measureCut(engine, sets(1), scale);
  return { throughput, copies, frozen, cut };
}

function say(what: string): void {
  process.stderr.write(`${what} ...\n`);
}
