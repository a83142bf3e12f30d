// Who may log in: the users and passwords of the auth file, and the comparison that gives nothing away by its time.

/** The whole file; room for some 250 of the longest lines. */
export const AUTH_FILE_MAX_BYTES = 64 * 1024;
/** User, colon and password; memcached's bound. */
const LINE_MAX_BYTES = 255;

const LF = 0x0a;
const CR = 0x0d;
const NUL = 0x00;
const COLON = 0x3a;

export interface Login {
  readonly user: Uint8Array;
  readonly password: Uint8Array;
}

/** Logins as read from a file, or what is wrong with it; `problem` never holds any of its contents. */
export type ParsedLogins = { readonly logins: readonly Login[] } | { readonly problem: string };

/** Reads lines of `user:password`. Everything after the first colon is the password; empty lines are skipped. */
export function parseLogins(file: Uint8Array): ParsedLogins {
  if (file.length > AUTH_FILE_MAX_BYTES) return { problem: `holds more than ${AUTH_FILE_MAX_BYTES} bytes` };
  const logins: Login[] = [];
  let start = 0;
  for (let line = 1; start < file.length; line++) {
    const newline = file.indexOf(LF, start);
    const next = newline === -1 ? file.length : newline;
    const end = next > start && file[next - 1] === CR ? next - 1 : next;
    if (end > start) {
      const login = parseLine(file.subarray(start, end));
      if (typeof login === 'string') return { problem: `line ${line} ${login}` };
      logins.push(login);
    }
    start = next + 1;
  }
  return logins.length === 0 ? { problem: 'holds no user' } : { logins };
}

function parseLine(line: Uint8Array): Login | string {
  if (line.length > LINE_MAX_BYTES) return `is longer than ${LINE_MAX_BYTES} bytes`;
  if (line.includes(NUL)) return 'holds a zero byte';
  const colon = line.indexOf(COLON);
  if (colon === -1) return 'has no colon: it must be user:password';
  if (colon === 0) return 'has no user before the colon';
  if (colon === line.length - 1) return 'has no password after the colon';
  return { user: line.slice(0, colon), password: line.slice(colon + 1) };
}

/** The logins in force, wherever they come from. */
export interface Credentials {
  /** Whether this user has this password. */
  match(user: Uint8Array, password: Uint8Array): boolean;
}

/**
 * Whether one of the logins is this user with this password. Takes as long for a wrong one as for a right one: every
 * login is compared to its end.
 */
export function matchLogin(logins: readonly Login[], user: Uint8Array, password: Uint8Array): boolean {
  let matched = 0;
  for (const login of logins) matched |= isSame(login.user, user) & isSame(login.password, password);
  return matched === 1;
}

/** 1 or 0, in a time that depends on the length of `given` alone. */
function isSame(secret: Uint8Array, given: Uint8Array): number {
  let difference = secret.length ^ given.length;
  for (let at = 0; at < given.length; at++) difference |= secret[at % secret.length] ^ given[at];
  return difference === 0 ? 1 : 0;
}
