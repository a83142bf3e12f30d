// Replays one trace against several servers at the same time, and counts their hits.
import { CacheClient } from './cache-client.js';
import type { Request, Trace } from './traces.js';

const BATCH = 200;

export interface HitRatio {
  reads: number;
  hits: number;
  freshReads: number;
  /** Reads of something fresh that missed. */
  freshLosses: number;
}

/** @returns by server, in the order of the ports; of the trace's second half, when the caches have warmed up */
export async function replay(trace: Trace, seed: number, ports: readonly number[]): Promise<HitRatio[]> {
  const clients = await Promise.all(ports.map((port) => CacheClient.connect(port)));
  const results = ports.map(() => ({ reads: 0, hits: 0, freshReads: 0, freshLosses: 0 }));
  let seen = 0;
  const play = async (batch: readonly Request[]): Promise<void> => {
    const counts = seen >= trace.count / 2;
    seen += batch.length;
    // All at once, so that what expires does so at the same point of the trace.
    const hits = await Promise.all(clients.map((client) => client.run(batch)));
    if (!counts) return;
    for (const [at, result] of results.entries()) count(result, batch, hits[at]);
  };
  let batch: Request[] = [];
  for (const request of trace.requests(seed)) {
    batch.push(request);
    if (batch.length < BATCH) continue;
    await play(batch);
    batch = [];
  }
  await play(batch);
  for (const client of clients) client.close();
  return results;
}

function count(result: HitRatio, batch: readonly Request[], hits: Uint8Array): void {
  for (const [at, { kind, isFresh }] of batch.entries()) {
    if (kind !== 'read') continue;
    result.reads++;
    result.hits += hits[at];
    if (!isFresh) continue;
    result.freshReads++;
    result.freshLosses += 1 - hits[at];
  }
}
