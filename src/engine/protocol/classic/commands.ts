// The names of commands, and which one a line begins with.

export const COMMAND_UNKNOWN = 0;
export const COMMAND_GET = 1;
export const COMMAND_GETS = 2;
export const COMMAND_SET = 3;
export const COMMAND_ADD = 4;
export const COMMAND_REPLACE = 5;
export const COMMAND_APPEND = 6;
export const COMMAND_PREPEND = 7;
export const COMMAND_CAS = 8;
export const COMMAND_DELETE = 9;
export const COMMAND_INCR = 10;
export const COMMAND_DECR = 11;
export const COMMAND_TOUCH = 12;
export const COMMAND_GAT = 13;
export const COMMAND_GATS = 14;
export const COMMAND_FLUSH_ALL = 15;
export const COMMAND_STATS = 16;
export const COMMAND_VERSION = 17;
export const COMMAND_VERBOSITY = 18;
export const COMMAND_QUIT = 19;
export const COMMAND_LRU_CRAWLER = 20;
export const COMMAND_SLABS = 21;
export const COMMAND_LRU = 22;
export const COMMAND_CACHE_MEMLIMIT = 23;
export const COMMAND_SHUTDOWN = 24;
export const COMMAND_WATCH = 25;
export const COMMAND_REFRESH_CERTS = 26;

/** In the order of the numbers above. */
const NAMES = [
  'get',
  'gets',
  'set',
  'add',
  'replace',
  'append',
  'prepend',
  'cas',
  'delete',
  'incr',
  'decr',
  'touch',
  'gat',
  'gats',
  'flush_all',
  'stats',
  'version',
  'verbosity',
  'quit',
  'lru_crawler',
  'slabs',
  'lru',
  'cache_memlimit',
  'shutdown',
  'watch',
  'refresh_certs',
].map((name) => Buffer.from(name, 'latin1'));

/** Whether a command that has no value may write all the same; those with a value always do. */
export function writesWithoutValue(command: number): boolean {
  switch (command) {
    case COMMAND_DELETE:
    case COMMAND_TOUCH:
    case COMMAND_GAT:
    case COMMAND_GATS:
    case COMMAND_INCR:
    case COMMAND_DECR:
    case COMMAND_FLUSH_ALL:
      return true;
    default:
      return false;
  }
}

/** The command whose name is exactly bytes[start .. end). */
export function commandOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  for (let position = 0; position < NAMES.length; position++) {
    const name = NAMES[position];
    if (name.length !== length || name[0] !== bytes[start]) continue;
    let matched = 1;
    while (matched < length && name[matched] === bytes[start + matched]) matched++;
    if (matched === length) return position + 1;
  }
  return COMMAND_UNKNOWN;
}
