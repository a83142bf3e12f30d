// Any thrown thing in the operator's terms: what is wrong, what led to it, what to do, and the exit status.
import { EXIT, OperatorError } from '../errors.js';
import { ClientError } from '../pair/client/client-error.js';
import { scrub } from '../scrub.js';

/** The whole of what an error says to the outside; `--json` prints this but for the causes. */
export interface ErrorDescription {
  code: string;
  message: string;
  suggestions: string[];
  exit: number;
  causes: string[];
}

const MAX_CAUSES = 5;

export function describeError(error: unknown): ErrorDescription {
  const description = describe(error);
  return {
    ...description,
    message: scrub(description.message),
    suggestions: description.suggestions.map(scrub),
    causes: causesOf(error).map(scrub),
  };
}

function describe(error: unknown): Omit<ErrorDescription, 'causes'> {
  if (error instanceof OperatorError) {
    const { code, message, suggestions, exitName } = error;
    return { code, message, suggestions: [...suggestions], exit: EXIT[exitName] };
  }
  if (error instanceof ClientError) {
    const suggestions = ['repcachectl status', 'repcachectl logs'];
    return { code: 'NODE_UNREACHABLE', message: error.message, suggestions, exit: EXIT.connection };
  }
  const shown = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    code: 'INTERNAL',
    message: `repcachectl failed in a way it has no words for: ${shown}`,
    suggestions: ['run it again; if it stays, report it with the lines above'],
    exit: EXIT.internal,
  };
}

/** The messages of the chain of causes; each once, as wrappers like to repeat what they wrap. */
function causesOf(error: unknown): string[] {
  const causes: string[] = [];
  let said = messageOf(error);
  for (const message of messagesBehind(error)) {
    if (causes.length === MAX_CAUSES) break;
    if (message !== '' && !said.includes(message)) causes.push(message);
    said += `\n${message}`;
  }
  return causes;
}

/** From the nearest cause to the farthest; of several at once, such as of both nodes, one chain after the other. */
function* messagesBehind(error: unknown): Generator<string> {
  if (error instanceof AggregateError) {
    for (const one of error.errors) {
      yield messageOf(one);
      yield* messagesBehind(one);
    }
  }
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause === undefined || cause === null) return;
  yield messageOf(cause);
  yield* messagesBehind(cause);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
