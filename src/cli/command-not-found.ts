// oclif's hook for a verb that does not exist: names the nearest one, and exits as any usage error does.
import { Errors, type Hook } from '@oclif/core';
import { EXIT } from '../errors.js';
import { nearestWord } from '../nearest.js';
import { formatError } from './format-error.js';

export const commandNotFound: Hook<'command_not_found'> = async ({ id, config, argv }) => {
  const nearest = nearestWord(id, config.commandIDs);
  const description = {
    code: 'USAGE',
    message: `there is no command "${id}"`,
    suggestions: [nearest ? `${config.bin} ${nearest}` : `${config.bin} --help`],
    exit: EXIT.usage,
  };
  if (argv?.includes('--json')) process.stdout.write(`${JSON.stringify({ error: description }, null, 2)}\n`);
  else process.stderr.write(`${formatError({ ...description, causes: [] })}\n`);
  Errors.exit(EXIT.usage);
};
