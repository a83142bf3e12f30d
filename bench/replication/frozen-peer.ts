// A peer that hangs (SIGSTOP) while clients write as fast as they can: what they feel, and what it takes in memory.
import { placementFor } from '../cpus.js';
import { fill, measure } from '../load-program.js';
import type { Contestant } from '../server.js';
import { memoryMbFor, type Workload } from '../workloads.js';
import { BenchPair, figureOf } from './pair.js';

export interface FrozenResult {
  readonly frozenSec: number;
  /** With the peer at work: the mean of before and after, as a machine does not stay the same for a minute. */
  readonly setsPerSecWithPeer: number;
  readonly setsPerSecFrozen: number;
  readonly p99UsWithPeer: number;
  readonly p99UsFrozen: number;
  readonly grownBytes: number;
  /** The ring of changes: what may be kept for the peer. */
  readonly ringBytes: number;
}

const RING_ENTRY_BYTES = 16;
const WITH_PEER_MS = 5000;

export async function measureFrozenPeer(
  engine: Contestant,
  workload: Workload,
  frozenMs: number,
): Promise<FrozenResult> {
  const placement = placementFor(workload.threads);
  const pair = await BenchPair.start(engine, {
    memoryMb: memoryMbFor(workload),
    connections: workload.connections + 100,
    placement,
    tellsState: true,
  });
  try {
    await fill(pair.source, workload);
    const withPeer = () =>
      measure(pair.source, workload, placement, {
        warmUpMs: 1000,
        measureMs: Math.min(WITH_PEER_MS, frozenMs),
      });
    const before = await withPeer();
    const residentBytes = pair.source.residentBytes();
    pair.target.signal('SIGSTOP');
    const frozen = await measure(pair.source, workload, placement, { warmUpMs: 0, measureMs: frozenMs });
    const grownBytes = pair.source.residentBytes() - residentBytes;
    pair.target.signal('SIGCONT');
    await pair.isSynced();
    const after = await withPeer();
    return {
      frozenSec: frozenMs / 1000,
      setsPerSecWithPeer: (before.requests + after.requests) / (before.elapsedSec + after.elapsedSec),
      setsPerSecFrozen: frozen.requests / frozen.elapsedSec,
      p99UsWithPeer: (before.p99Us + after.p99Us) / 2,
      p99UsFrozen: frozen.p99Us,
      grownBytes,
      ringBytes: RING_ENTRY_BYTES * (await figureOf(pair.source, 'repl_log_capacity')),
    };
  } finally {
    await pair.stop();
  }
}
