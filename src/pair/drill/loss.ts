// What a failover cost: writes that the dead node had acknowledged and the survivor never got.
import { CheckFailure } from '../check-result.js';
import type { NodeName } from '../types.js';
import { poll } from '../wait.js';
import type { DrillData } from './drill-data.js';
import type { LostWrite } from './report.js';

/** What the dead node had sent is still being read by the survivor for a moment. */
const IN_FLIGHT_MS = 1500;
/** A write older than this at the kill must have been on the peer; the engine is in sync within milliseconds. */
const LOSS_WINDOW_LIMIT_MS = 2000;

export interface LossQuery {
  victim: NodeName;
  survivor: NodeName;
  /** `performance.now()` when the victim died. */
  killedAt: number;
  signal?: AbortSignal | undefined;
}

/** The lost writes, oldest first, once all that was in flight has come in. Nothing more is expected of their keys. */
export async function findLost(data: DrillData, query: LossQuery): Promise<LostWrite[]> {
  const client = await data.client(query.survivor);
  const candidates = data.journal.keysVia(query.victim);
  let missing = await data.journal.mismatches(client, candidates);
  const noneMissing = async () => {
    missing = await data.journal.mismatches(client, candidates);
    return missing.length === 0 ? true : undefined;
  };
  await poll(noneMissing, { withinMs: IN_FLIGHT_MS, everyMs: 100, signal: query.signal });
  data.journal.forgive(missing.map(({ key }) => key));
  const lost = missing.map(({ key, entry }): LostWrite => {
    const kind = entry.acked.value === undefined ? 'delete' : 'set';
    return { key, kind, beforeKillMs: Math.round((query.killedAt - entry.ackedAt) * 10) / 10 };
  });
  return lost.toSorted((one, other) => other.beforeKillMs - one.beforeKillMs);
}

/**
 * @param lost oldest first
 * @throws CheckFailure when more were lost than allowed, or one that had long had its time to replicate.
 */
export function judgeLoss(
  lost: readonly LostWrite[],
  { ackedByVictim, maxLost }: { ackedByVictim: number; maxLost: number },
): { detail: string } {
  if (lost.length === 0) return { detail: `none of ${ackedByVictim}` };
  const windowMs = lost[0].beforeKillMs;
  const seen = `${lost.length} of ${ackedByVictim}, the oldest ${windowMs} ms before the kill`;
  if (lost.length > maxLost) throw new CheckFailure(`at most ${maxLost} lost`, seen);
  if (windowMs > LOSS_WINDOW_LIMIT_MS) {
    throw new CheckFailure(`none lost that is older than ${LOSS_WINDOW_LIMIT_MS} ms`, seen);
  }
  return { detail: seen };
}
