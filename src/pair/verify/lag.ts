// How long a write takes to show on the peer: one after the other, each polled for until it is there.
import { SAFETY_EXPTIME_SEC } from '../probe-keys.js';
import { sinceMs } from '../run-check.js';
import { type Direction, expectAnswer } from './direction.js';
import type { LagSummary } from './report.js';

/** @throws CheckFailure when a write does not show within the direction's limit. */
export async function measureLag(direction: Direction, samples: number): Promise<LagSummary> {
  const lagsMs: number[] = [];
  const pollsMs: number[] = [];
  for (let i = 0; i < samples; i += 1) {
    const key = direction.key(`lag-${i}`);
    const value = `sample ${i}`;
    const answer = await direction.writer.store('set', key, value, { exptimeSec: SAFETY_EXPTIME_SEC });
    expectAnswer('set', answer, 'STORED');
    lagsMs.push(await direction.seen(key, { value }));
    const startedAt = performance.now();
    await direction.reader.get(key);
    pollsMs.push(sinceMs(startedAt));
  }
  return summarize(lagsMs, pollsMs);
}

/** Percentiles by the nearest rank: each is a lag that was really measured. */
export function summarize(lagsMs: readonly number[], pollsMs: readonly number[]): LagSummary {
  const sorted = lagsMs.toSorted((a, b) => a - b);
  return {
    samples: sorted.length,
    minMs: sorted[0],
    p50Ms: nearestRank(sorted, 50),
    p95Ms: nearestRank(sorted, 95),
    p99Ms: nearestRank(sorted, 99),
    maxMs: sorted.at(-1)!,
    pollMs: nearestRank(
      pollsMs.toSorted((a, b) => a - b),
      50,
    ),
  };
}

function nearestRank(sorted: readonly number[], percent: number): number {
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)];
}
