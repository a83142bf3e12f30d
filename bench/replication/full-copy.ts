// A peer that comes back empty: how fast it gets everything, and what the clients of the other node feel of that.
import { type Placement, placementFor } from '../cpus.js';
import { fill, type Measurement, measure } from '../load-program.js';
import type { Contestant } from '../server.js';
import { median } from '../statistics.js';
import { memoryMbFor, type Workload } from '../workloads.js';
import { BenchPair, figureOf } from './pair.js';

export interface CopyResult {
  readonly items: number;
  /** As the engine has it, from the link to the last acknowledgement; NaN for another server. Median of the copies. */
  readonly itemsPerSec: number;
  /** From the start of the empty process until it has what was written last. Median of the copies. */
  readonly secondsFromStart: number;
  /** Of clients on the source; only where they were there. */
  readonly clients?: {
    readonly p99UsBefore: number;
    readonly p99UsMeanwhile: number;
    readonly slices: number;
  };
}

const SLICE_MS = 400;
/** Before each copy. */
const SLICES_BEFORE = 4;

export interface CopyOptions {
  /** Whether 50 connections use the source meanwhile, without rest. */
  readonly hasClients: boolean;
  /** How long they use it before anything counts, until its compiler has seen what is hot. */
  readonly warmUpMs: number;
  /** How often: one copy lasts for a few slices, which is too few to tell more than chance. */
  readonly copies: number;
  /** Whether the peer runs only when the clients' own program does not. */
  readonly targetGivesWay?: boolean;
  /** Whether it has `stats replication`. */
  readonly tellsState: boolean;
}

export async function measureFullCopy(
  contestant: Contestant,
  workload: Workload,
  { hasClients, warmUpMs, copies, targetGivesWay = false, tellsState }: CopyOptions,
): Promise<CopyResult> {
  const placement = placementFor(workload.threads);
  const pair = await BenchPair.start(contestant, {
    memoryMb: memoryMbFor(workload),
    connections: workload.connections + 100,
    placement,
    tellsState,
    targetGivesWay,
    startsTarget: false,
  });
  const before: Measurement[] = [];
  const meanwhile: Measurement[] = [];
  const itemsPerSec: number[] = [];
  const secondsFromStart: number[] = [];
  try {
    await fill(pair.source, workload);
    if (hasClients) await measure(pair.source, workload, placement, { warmUpMs: 0, measureMs: warmUpMs });
    for (let copy = 0; copy < copies; copy++) {
      if (copy > 0) await pair.stopTarget();
      await copyOnce();
    }
  } finally {
    await pair.stop();
  }
  return {
    items: workload.keys,
    itemsPerSec: median(itemsPerSec),
    secondsFromStart: median(secondsFromStart),
    ...(hasClients && {
      clients: {
        p99UsBefore: median(before.map(({ p99Us }) => p99Us)),
        p99UsMeanwhile: median(meanwhile.map(({ p99Us }) => p99Us)),
        slices: meanwhile.length,
      },
    }),
  };

  async function copyOnce(): Promise<void> {
    if (hasClients) {
      before.push(...(await slices(pair, workload, placement, (count) => count < SLICES_BEFORE)));
    }
    const sinceMs = performance.now();
    let isCopied = false;
    const copied = pair.startTarget().then(() => {
      isCopied = true;
      secondsFromStart.push((performance.now() - sinceMs) / 1000);
    });
    // A slice that ends after the copy is not of it.
    if (hasClients)
      meanwhile.push(...(await slices(pair, workload, placement, () => !isCopied)).slice(0, -1));
    await copied;
    const copyMs = tellsState ? await figureOf(pair.target, 'repl_last_sync_ms') : Number.NaN;
    itemsPerSec.push((workload.keys / copyMs) * 1000);
  }
}

/** Short measurements, one right after the other. */
async function slices(
  pair: BenchPair,
  workload: Workload,
  placement: Placement,
  goesOn: (count: number) => boolean,
): Promise<Measurement[]> {
  const measurements: Measurement[] = [];
  while (goesOn(measurements.length)) {
    measurements.push(await measure(pair.source, workload, placement, { warmUpMs: 20, measureMs: SLICE_MS }));
  }
  return measurements;
}
