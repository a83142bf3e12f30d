// Questions to the operator. Without a terminal nobody can answer: then the command refuses and says which flag to give.
import { createInterface } from 'node:readline/promises';
import { OperatorError } from '../errors.js';

export interface AskOptions {
  /** `--yes` was given. */
  readonly yes: boolean;
  /** Nobody may be asked, as the output is for a program. */
  readonly json: boolean;
  readonly signal: AbortSignal;
}

/**
 * Returns when the operator agrees.
 * @throws OperatorError `NEEDS_YES` (exit usage) where nobody can be asked, `DECLINED` (exit interrupted)
 */
export async function confirm(what: string, { yes, json, signal }: AskOptions): Promise<void> {
  if (yes) return;
  if (json || !isInteractive()) {
    throw new OperatorError(`${what} This needs a confirmation, and there is no terminal to ask on.`, {
      code: 'NEEDS_YES',
      exit: 'usage',
      suggestions: ['add --yes'],
    });
  }
  const answer = await askLine(`${what} Go on? [y/N] `, signal);
  if (/^y(es)?$/i.test(answer.trim())) return;
  throw new OperatorError('not confirmed; nothing was changed', { code: 'DECLINED', exit: 'interrupted' });
}

/** Somebody sits at a terminal who can read a question and type an answer. */
export function isInteractive(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/** Asks on stderr, so that stdout stays the command's own. */
export async function askLine(question: string, signal: AbortSignal): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(question, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    lines.close();
  }
}
