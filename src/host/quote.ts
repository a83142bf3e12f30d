// POSIX shell quoting: the only place that turns an argument vector into a command line.

const SAFE = /^[A-Za-z0-9_@%+=:,./-]+$/;

/**
 * Quotes one argument so that any POSIX shell reads it back as exactly these characters.
 * @throws TypeError when it holds a NUL, which no argument of a Unix program can.
 */
export function quoteArgument(argument: string): string {
  if (argument.includes('\0')) throw new TypeError('A program argument cannot hold a NUL character');
  if (SAFE.test(argument)) return argument;
  return `'${argument.replaceAll("'", "'\\''")}'`;
}

/** Quotes an argument vector as one command line. A leading `NAME=value` word stays a word, not an assignment. */
export function quoteCommand(argv: readonly string[]): string {
  const [program, ...rest] = argv.map(quoteArgument);
  // Unquoted, `A=b` as the first word would be taken for an assignment by the shell.
  const first = program.includes('=') && !program.startsWith("'") ? `'${program}'` : program;
  return [first, ...rest].join(' ');
}
