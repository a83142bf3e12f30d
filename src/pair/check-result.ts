// What became of one check, in the same shape for verify and failover-drill, ready for JSON.

export type CheckOutcome = 'ok' | 'failed' | 'skipped';

export interface CheckResult {
  /** Stable name for scripts, such as `append` or `expiry`. */
  id: string;
  title: string;
  outcome: CheckOutcome;
  /** How long the whole check took. */
  ms: number;
  /** How long the written data took to show on the peer, for checks that write. Includes a poll's round trip. */
  visibleMs?: number;
  /** What was measured, or why it was skipped. */
  detail?: string;
  /** Only on failure: what should have been, and what was. */
  expected?: string;
  seen?: string;
  /** Only on failure: what the operator can do. */
  remedy?: string;
}

/** A check's expectation that did not hold. Anything else that a check throws is reported as it is. */
export class CheckFailure extends Error {
  readonly expected: string;
  readonly seen: string;
  /** Replaces the check's own remedy where the failure itself knows better. */
  readonly remedy: string | undefined;

  constructor(expected: string, seen: string, remedy?: string) {
    super(`expected ${expected}, saw ${seen}`);
    this.name = 'CheckFailure';
    this.expected = expected;
    this.seen = seen;
    this.remedy = remedy;
  }
}
