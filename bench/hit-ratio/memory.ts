// How much a server keeps in its -m, and how much memory it takes for that while the mix of sizes shifts.
import type { BenchServer } from '../server.js';
import { CacheClient } from './cache-client.js';

const KEY_BYTES = 12;
const SETS_PER_WRITE = 500;

export interface MemoryPhase {
  readonly title: string;
  readonly valueBytes: number;
  /** What is written, as a multiple of -m. */
  readonly timesMemory: number;
}

/** From small values to large ones and back, looked at on the way as well. */
export const MEMORY_PHASES: readonly MemoryPhase[] = [
  { title: '100 B values', valueBytes: 100, timesMemory: 1.5 },
  { title: 'then 10 KB values, half of -m', valueBytes: 10_000, timesMemory: 0.5 },
  { title: 'then 10 KB values, twice -m', valueBytes: 10_000, timesMemory: 1.5 },
  { title: 'then 100 B values again, twice -m', valueBytes: 100, timesMemory: 2 },
];

export interface MemoryResult {
  readonly title: string;
  readonly items: number;
  /** Of the size that was written last, as a share of -m: keys and values only. */
  readonly payloadShare: number;
  /** Of the process over what it was when empty, as a share of -m. */
  readonly residentGrowth: number;
}

export async function measureMemory(server: BenchServer, memoryMb: number): Promise<MemoryResult[]> {
  const memoryBytes = memoryMb * 2 ** 20;
  const client = await CacheClient.connect(server.port);
  await client.settle();
  const emptyBytes = server.residentBytes();
  const results: MemoryResult[] = [];
  let written = 0;
  for (const { title, valueBytes, timesMemory } of MEMORY_PHASES) {
    const first = written;
    const count = Math.ceil((memoryBytes * timesMemory) / (valueBytes + KEY_BYTES));
    for (; written < first + count; written++) {
      client.store(key(written), valueBytes, 0);
      if (written % SETS_PER_WRITE === 0 || valueBytes > 1000) await client.settle();
    }
    const items = await client.stat('curr_items');
    const kept = await keptShare(client, first, written);
    results.push({
      title,
      items,
      payloadShare: (kept * count * (valueBytes + KEY_BYTES)) / memoryBytes,
      residentGrowth: (server.residentBytes() - emptyBytes) / memoryBytes,
    });
  }
  client.close();
  return results;
}

function key(number: number): string {
  return `k${String(number).padStart(KEY_BYTES - 1, '0')}`;
}

/** The share of the keys first .. end - 1 that is still there, by a sample. */
async function keptShare(client: CacheClient, first: number, end: number): Promise<number> {
  const step = Math.max(1, Math.floor((end - first) / 2000));
  let asked = 0;
  let found = 0;
  for (let number = first; number < end; number += step) {
    asked++;
    if (await client.has(key(number))) found++;
  }
  return found / asked;
}
