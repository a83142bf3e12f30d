// The one error that is meant for the operator: what is wrong, where, and what to do about it.

/**
 * Exit codes of repcachectl; docs/exit-codes.md explains them to operators.
 * Usage errors are 2 as in most programs; 130 is 128 + SIGINT as shells report it.
 */
export const EXIT = {
  ok: 0,
  internal: 1,
  usage: 2,
  config: 3,
  connection: 4,
  unsuitable: 5,
  stepFailed: 6,
  checkFailed: 7,
  unknownOutcome: 8,
  interrupted: 130,
} as const;

export type ExitName = keyof typeof EXIT;

export interface OperatorErrorOptions {
  /** Stable, greppable identifier, such as `HOST_KEY_CHANGED`. */
  code: string;
  /** Which documented exit status the process ends with. */
  exit: ExitName;
  /** What the operator can do, one remedy an entry. */
  suggestions?: readonly string[];
  /** What led to it; printed as "Caused by". */
  cause?: unknown;
}

/** An error whose message names the thing and the place, and whose suggestions are the remedy. Never holds a secret. */
export class OperatorError extends Error {
  readonly code: string;
  readonly exitName: ExitName;
  readonly suggestions: readonly string[];

  constructor(message: string, options: OperatorErrorOptions) {
    super(message, { cause: options.cause });
    this.name = 'OperatorError';
    this.code = options.code;
    this.exitName = options.exit;
    this.suggestions = options.suggestions ?? [];
  }
}
