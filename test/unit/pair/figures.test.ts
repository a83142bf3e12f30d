// The arithmetic of verify and the drill: percentiles and losses.
import { expect, test } from 'vitest';
import { judgeLoss } from '../../../src/pair/drill/loss.js';
import type { LostWrite } from '../../../src/pair/drill/report.js';
import { caughtUp, type ReplicationStats } from '../../../src/pair/replication-stats.js';
import { summarize } from '../../../src/pair/verify/lag.js';

test('percentiles are lags that were measured, by the nearest rank', () => {
  const lagsMs = Array.from({ length: 200 }, (_, i) => 200 - i);
  expect(summarize(lagsMs, [3, 1, 2])).toEqual({
    samples: 200,
    minMs: 1,
    p50Ms: 100,
    p95Ms: 190,
    p99Ms: 198,
    maxMs: 200,
    pollMs: 2,
  });
  expect(summarize([7], [1])).toMatchObject({ minMs: 7, p50Ms: 7, p99Ms: 7, maxMs: 7 });
});

test.each([
  ['nothing lost', [], 0, undefined],
  ['lost just before the kill, unlimited', [12], Number.POSITIVE_INFINITY, undefined],
  ['as many lost as allowed', [12, 3], 2, undefined],
  ['more lost than allowed', [12, 3], 1, 'at most 1 lost'],
  ['lost though it was old', [2001, 3], 5, 'none lost that is older than 2000 ms'],
])('%s', (_, agesMs, maxLost, expected) => {
  const lost = agesMs.map((beforeKillMs): LostWrite => ({ key: 'k', kind: 'set', beforeKillMs }));
  const judge = () => judgeLoss(lost, { ackedByVictim: 100, maxLost });
  if (expected === undefined) expect(judge().detail).toContain('of 100');
  else expect(judge).toThrow(expect.objectContaining({ expected }));
});

test.each<[Partial<ReplicationStats>, boolean]>([
  [{ state: 'synced', unacked: 0, ackedSeq: 5 }, true],
  [{ state: 'synced', unacked: 3, ackedSeq: 10 }, true],
  [{ state: 'synced', unacked: 3, ackedSeq: 9 }, false],
  [{ state: 'syncing', unacked: 0, ackedSeq: 10 }, false],
  [{ state: 'connecting', unacked: 0, ackedSeq: 10 }, false],
])('what was logged up to 10 has arrived, given %o: %s', (stats, expected) => {
  expect(caughtUp(stats as ReplicationStats, 10)).toBe(expected);
});
