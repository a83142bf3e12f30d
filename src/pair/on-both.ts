// The same on both nodes at once; when both fail, both are reported.
import { type ExitName, OperatorError } from '../errors.js';
import { NODE_NAMES, type NodeName } from './types.js';

/**
 * Waits for both, whatever becomes of either.
 * @throws the error of the one that failed; an OperatorError `BOTH_FAILED` that says both when both did.
 */
export async function onBoth<T>(run: (name: NodeName) => Promise<T>): Promise<Record<NodeName, T>> {
  const [a, b] = await Promise.allSettled(NODE_NAMES.map((name) => run(name)));
  if (a.status === 'fulfilled' && b.status === 'fulfilled') return { a: a.value, b: b.value };
  const failures = [a, b].flatMap((result) =>
    result.status === 'rejected' ? [result.reason as unknown] : [],
  );
  throw failures.length === 1 ? failures[0] : bothFailed(failures);
}

function bothFailed(failures: readonly unknown[]): unknown {
  const known = failures.filter((failure) => failure instanceof OperatorError);
  // One that is not meant for the operator is a defect, and must stay visible as one.
  const defect = failures.find((failure) => !(failure instanceof OperatorError));
  if (defect !== undefined) return defect;
  const messages = new Set(known.map((failure) => failure.message));
  if (messages.size === 1) return known[0];
  return new OperatorError([...messages].join('\n'), {
    code: known.every(({ code }) => code === known[0].code) ? known[0].code : 'BOTH_FAILED',
    exit: worst(known.map(({ exitName }) => exitName)),
    suggestions: [...new Set(known.flatMap(({ suggestions }) => suggestions))],
    cause: new AggregateError(known),
  });
}

/** "Unknown" outweighs "failed": somebody must look. */
function worst(exits: readonly ExitName[]): ExitName {
  if (exits.includes('interrupted')) return 'interrupted';
  return exits.includes('unknownOutcome') ? 'unknownOutcome' : exits[0];
}
