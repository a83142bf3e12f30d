// oclif's hook for a verb that does not exist: names the nearest one, and exits as any usage error does.
import { Errors, type Hook } from '@oclif/core';
import { EXIT } from '../errors.js';
import { nearestWord } from '../nearest.js';
import { formatError } from './format-error.js';

export const commandNotFound: Hook<'command_not_found'> = async ({ id, config, argv }) => {
  // oclif takes every word without a dash for a part of the verb, and joins them by colons.
  const [verb, ...rest] = id.split(':');
  const known = config.commandIDs.includes(verb);
  const nearest = nearestWord(verb, config.commandIDs);
  const suggestion = known ? `${verb} --help` : (nearest ?? '--help');
  const description = {
    code: 'USAGE',
    message: known ? `${verb} takes no argument "${rest.join(' ')}"` : `there is no command "${verb}"`,
    suggestions: [`${config.bin} ${suggestion}`],
    exit: EXIT.usage,
  };
  if (argv?.includes('--json')) process.stdout.write(`${JSON.stringify({ error: description }, null, 2)}\n`);
  else process.stderr.write(`${formatError({ ...description, causes: [] })}\n`);
  Errors.exit(EXIT.usage);
};
