// A cable that is cut while clients write, and joined again: how long both nodes take to hold the same, and what it costs.
import { Forwarder } from '../../test/helpers/forwarder.js';
import type { TextClient } from '../../test/helpers/text-client.js';
import { placementFor } from '../cpus.js';
import { fill, measure } from '../load-program.js';
import type { Contestant } from '../server.js';
import { memoryMbFor, type Workload } from '../workloads.js';
import { BenchPair, figureOf, withClient } from './pair.js';

export interface CutResult {
  readonly cutSec: number;
  readonly writes: number;
  /** Of the keys, so many were written while the cable was cut. */
  readonly changedKeys: number;
  /** In both directions. */
  readonly sentKeys: number;
  readonly resyncMs: number;
  /** From the joining of the cable until both said that they were in sync: the next attempt to dial included. */
  readonly msFromJoin: number;
}

const KEYS_PER_BATCH = 500;

export async function measureCut(
  engine: Contestant,
  workload: Workload,
  { rate, cutMs }: { rate: number; cutMs: number },
): Promise<CutResult> {
  const placement = placementFor(workload.threads);
  const cables: Forwarder[] = [];
  const pair = await BenchPair.start(engine, {
    memoryMb: memoryMbFor(workload),
    connections: workload.connections + 100,
    placement,
    tellsState: true,
    cableTo: async (port) => {
      const cable = await Forwarder.start(port);
      cables.push(cable);
      return cable.port;
    },
  });
  try {
    await fill(pair.source, workload);
    await pair.isSynced();
    for (const cable of cables) cable.state = 'cut';
    const version = await withClient(pair.source, async (client) =>
      versionOf(await client.command('ms cut 1 c\r\nx')),
    );
    const load = await measure(pair.source, workload, placement, { warmUpMs: 0, measureMs: cutMs, rate });
    const changedKeys = await withClient(pair.source, (client) => countNewer(client, workload.keys, version));
    const sinceMs = performance.now();
    for (const cable of cables) cable.state = 'whole';
    await pair.isSynced();
    return {
      cutSec: cutMs / 1000,
      writes: load.requests,
      changedKeys,
      sentKeys: await figureOf(pair.source, 'repl_last_sync_items'),
      resyncMs: await figureOf(pair.source, 'repl_last_sync_ms'),
      msFromJoin: performance.now() - sinceMs,
    };
  } finally {
    await pair.stop();
    await Promise.all(cables.map((cable) => cable.close()));
  }
}

/** How many keys have a newer version than this one. */
async function countNewer(client: TextClient, keys: number, version: bigint): Promise<number> {
  // The mark itself travels as well.
  let count = 1;
  for (let first = 0; first < keys; first += KEYS_PER_BATCH) {
    const batch = Array.from({ length: Math.min(KEYS_PER_BATCH, keys - first) }, (_, at) => first + at);
    client.send(batch.map((key) => `mg key:${String(key).padStart(8, '0')} c\r\n`).join(''));
    for (const _ of batch) if (versionOf(await client.readLine()) > version) count += 1;
  }
  return count;
}

function versionOf(reply: string): bigint {
  const match = /^HD c(\d+)$/.exec(reply);
  if (match === null) throw new Error(`expected a version, got "${reply}"`);
  return BigInt(match[1]);
}
