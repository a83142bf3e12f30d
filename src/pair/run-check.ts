// Runs one check and turns whatever comes of it into a CheckResult.
import { CheckFailure, type CheckResult } from './check-result.js';
import { ClientError, reasonOf } from './client/client-error.js';

export interface Check {
  readonly id: string;
  readonly title: string;
  /** What the operator can do when the check's own expectation does not hold. */
  readonly remedy: string;
}

export interface CheckFinding {
  visibleMs?: number;
  detail?: string;
  /** Why the check could not be made here; it then counts as skipped. */
  skipped?: string;
}

/** Never throws, but for the signal's reason when the run was aborted: an aborted check has no result. */
export async function runCheck(
  check: Check,
  run: () => Promise<CheckFinding>,
  signal?: AbortSignal,
): Promise<CheckResult> {
  const startedAt = performance.now();
  const result = { id: check.id, title: check.title };
  try {
    signal?.throwIfAborted();
    const { skipped, ...finding } = await run();
    if (skipped !== undefined)
      return { ...result, outcome: 'skipped', ms: sinceMs(startedAt), detail: skipped };
    return { ...result, outcome: 'ok', ms: sinceMs(startedAt), ...finding };
  } catch (error) {
    signal?.throwIfAborted();
    const ms = sinceMs(startedAt);
    if (error instanceof CheckFailure) {
      const { expected, seen, remedy = check.remedy } = error;
      return { ...result, outcome: 'failed', ms, expected, seen, remedy };
    }
    return {
      ...result,
      outcome: 'failed',
      ms,
      expected: 'no error',
      seen: reasonOf(error),
      remedy: isClosed(error) ? NODE_WENT_AWAY : check.remedy,
    };
  }
}

/** The check's own remedy is for what it looks at; here the node, or the way to it, failed under it. */
const NODE_WENT_AWAY =
  'the node ended meanwhile, or the network did: see `repcachectl status` and `repcachectl logs`';

function isClosed(error: unknown): boolean {
  return error instanceof ClientError && error.kind === 'closed';
}

/** Milliseconds since a `performance.now()`, to the hundredth. */
export function sinceMs(startedAt: number): number {
  return Math.round((performance.now() - startedAt) * 100) / 100;
}
