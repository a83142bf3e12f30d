// An error as it stands on the terminal.
import { chalkStderr } from 'chalk';
import type { ErrorDescription } from './describe-error.js';

/** Lines for stderr: the message, what led to it, and what to try. Colours only where stderr is a terminal. */
export function formatError({ message, causes, suggestions }: ErrorDescription): string {
  const lines = [`${chalkStderr.red.bold('Error:')} ${message}`];
  for (const cause of causes) lines.push(chalkStderr.dim(`Caused by: ${cause}`));
  if (suggestions.length === 1) lines.push(`Try: ${suggestions[0]}`);
  else if (suggestions.length > 1) lines.push('Try one of:', ...suggestions.map((text) => `  - ${text}`));
  return lines.join('\n');
}
