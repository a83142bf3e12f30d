// oclif's parse errors as OperatorErrors: one exit status for all of them, and the flag that was probably meant.
import type { Command } from '@oclif/core';
import { OperatorError } from '../errors.js';
import { nearestWord } from '../nearest.js';

/** @param error Whatever the parser threw. */
export function usageError(error: unknown, command: typeof Command): OperatorError {
  const text = error instanceof Error ? error.message : String(error);
  const suggestions = [`repcachectl ${command.id.replaceAll(':', ' ')} --help`];
  const unknown = unknownFlagIn(error);
  if (unknown !== undefined) {
    const known = [...Object.keys({ ...command.baseFlags, ...command.flags }), 'json', 'help'].map(
      (name) => `--${name}`,
    );
    const nearest = nearestWord(unknown, known);
    if (nearest) suggestions.unshift(`did you mean ${nearest}?`);
  }
  return new OperatorError(oneLine(text), { code: 'USAGE', exit: 'usage', suggestions });
}

/** oclif names the flags it does not know in a field of the error. */
function unknownFlagIn(error: unknown): string | undefined {
  const flags = (error as { flags?: unknown }).flags;
  return Array.isArray(flags) && typeof flags[0] === 'string' ? flags[0] : undefined;
}

function oneLine(message: string): string {
  return message
    .replace(/\nSee more help with --help$/, '')
    .replace(/^The following errors? occurred:\s*/, '')
    .replace(/^Parsing (--\S+)\s+/, '$1: ')
    .replace(/--local=true cannot also be provided when using (--\S+)/g, '$1 is for hosts, not for --local')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' ');
}
