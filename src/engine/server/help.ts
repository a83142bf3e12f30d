// The text of -h, made from the flag table so that it can't say what the parser doesn't do.
import { EXTENDED_HELP, EXTENDED_WITHOUT_EFFECT } from './extended-options.js';
import { FLAGS, type Flag } from './flag-table.js';

const WIDTH = 100;
const HELP_COLUMN = 34;

/** @returns all flags, those that work first, in at most 100 columns */
export function helpText(version: string): string {
  const working = FLAGS.filter((flag) => flag.instead === undefined && flag.ignored === undefined);
  const ignored = FLAGS.filter((flag) => flag.ignored !== undefined);
  const notYet = FLAGS.filter((flag) => flag.instead !== undefined);
  return [
    `repcached ${version}: memcached-compatible cache server with active/active replication`,
    '',
    'usage: repcached [flags]',
    '',
    ...working.map((flag) => entry(flag, flag.help)),
    '',
    'Extended options, as in -o idle_timeout=60,ssl_min_version=3:',
    '',
    ...EXTENDED_HELP.map(([name, help]) => line(name, help)),
    '',
    'Flags of memcached that are taken and change nothing:',
    '',
    ...ignored.map((flag) => entry(flag, `${flag.help}: ${flag.ignored}`)),
    line('-o ...', `tuning of what is made differently here: ${EXTENDED_WITHOUT_EFFECT.join(', ')}`),
    '',
    "Flags of memcached that this version knows but can't do (it ends with status 64 and says so):",
    '',
    ...notYet.map((flag) => entry(flag, `${flag.help}: ${flag.instead}`)),
    '',
    'Exit status: 0 stopped by SIGTERM, SIGINT or SIGUSR1, 64 command line, 70 internal error,',
    '71 refused by the system (port in use, unknown user).',
    '',
  ].join('\n');
}

function entry(flag: Flag, help: string): string {
  const names = [
    ...(flag.letter === undefined ? [] : [`-${flag.letter}`]),
    ...(flag.long === undefined ? [] : [`--${flag.long}`]),
  ].join(', ');
  const value = flag.value === undefined ? '' : `${flag.long === undefined ? ' ' : '='}<${flag.value}>`;
  return line(`${names}${value}`, help);
}

function line(name: string, help: string): string {
  const indent = ' '.repeat(HELP_COLUMN);
  return name.padEnd(HELP_COLUMN) + wrap(help, WIDTH - HELP_COLUMN).join(`\n${indent}`);
}

/** Breaks at blanks; a word that is too long has a line for itself. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
