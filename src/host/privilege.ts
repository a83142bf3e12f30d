// Wraps a command for its time limit and for root, in a way that tells sudo's own words from the program's.
import { randomBytes } from 'node:crypto';

/** The wrapped command and the marks by which its standard error tells how far it got. */
export interface Wrapped {
  readonly argv: readonly string[];
  /** Written by sudo when, and only when, it wants the password. */
  readonly passwordMark?: string;
  /** Written once sudo has let us in; what comes before it is sudo's, what comes after it is the program's. */
  readonly begunMark?: string;
}

export interface WrapOptions {
  readonly viaSudo: boolean;
  /** A password can be had if sudo wants one. */
  readonly hasPassword: boolean;
  readonly timeoutMs: number;
  readonly env: Readonly<Record<string, string>>;
}

/** Seconds between SIGTERM and SIGKILL for a step that has overrun its limit. */
const KILL_AFTER_SEC = 2;

/**
 * Builds the argv that is really run: `[sudo ... sh -c mark] timeout LIMIT env ... PROGRAM`.
 *
 * The limit is kept by `timeout` on the host itself, inside sudo, so that it holds for programs of root and also when
 * the connection is lost. sudo's password is sent only on seeing a prompt nobody can guess, and the program's input
 * only after the program has begun: where sudo does not ask (cached, NOPASSWD), a password sent blindly would end up
 * in the program's input, and so in the file it writes.
 */
export function wrapCommand(argv: readonly string[], options: WrapOptions): Wrapped {
  const assignments = Object.entries({ LC_ALL: 'C', ...options.env }).map(
    ([name, value]) => `${name}=${value}`,
  );
  const limited = [
    'timeout',
    '-k',
    String(KILL_AFTER_SEC),
    String(options.timeoutMs / 1000),
    'env',
    ...assignments,
    ...argv,
  ];
  if (!options.viaSudo) return { argv: limited };

  const nonce = randomBytes(8).toString('hex');
  const passwordMark = `repcachectl-password-${nonce}:`;
  const begunMark = `repcachectl-begun-${nonce}\n`;
  const ask = options.hasPassword ? ['-S', '-p', passwordMark] : ['-n'];
  const begin = 'printf "%s\\n" "$0" >&2; exec "$@"';
  const escalated = [
    'env',
    'LC_ALL=C',
    'sudo',
    ...ask,
    '--',
    'sh',
    '-c',
    begin,
    begunMark.trimEnd(),
    ...limited,
  ];
  return options.hasPassword ? { argv: escalated, passwordMark, begunMark } : { argv: escalated, begunMark };
}
