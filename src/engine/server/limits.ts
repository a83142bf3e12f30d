// What the host must allow before it is worth starting: open files for -c, and memory that may hold code.
import { readFileSync } from 'node:fs';
import { EXIT, FatalError } from './exit.js';

/** Files of the process itself: listeners, the link, epoll, pipes, connections that are just being refused. */
const SPARE_FILES = 64;
/** How many of those may be connections of all threads that have ended, are not counted any more and are still open. */
export const UNCOUNTED_MAX = 16;

/** The limit in force for this process; undefined when it can't be told. */
export function openFilesLimit(): number | undefined {
  const softLimit = /^Max open files\s+(\d+)/m.exec(readProc('/proc/self/limits'))?.[1];
  return softLimit === undefined ? undefined : Number(softLimit);
}

/**
 * The runtime raises the soft limit to the hard one by itself. A node that reaches the limit all the same accepts
 * nobody for a while (accept-backoff.ts); one that is bound to does not start.
 * @throws FatalError (status 71) when -c connections don't fit into the hard limit of open files
 */
export function checkOpenFiles(maxConnections: number): void {
  const hardLimit = /^Max open files\s+\S+\s+(\d+)/m.exec(readProc('/proc/self/limits'))?.[1];
  const needed = maxConnections + SPARE_FILES;
  if (hardLimit === undefined || Number(hardLimit) >= needed) return;
  throw new FatalError(
    `-c ${maxConnections} needs ${needed} open files and the limit is ${hardLimit}: raise it (LimitNOFILE= in the ` +
      `unit, ulimit -n in a shell) or choose -c ${Math.max(1, Number(hardLimit) - SPARE_FILES)} or less`,
    EXIT.osError,
  );
}

/**
 * Whether the JIT compiler works. Under MemoryDenyWriteExecute= (or a like policy) the runtime starts and silently
 * interprets, up to three times slower; what then is missing is its mapping that is writable and executable.
 */
export function hasJit(): boolean {
  const maps = readProc('/proc/self/maps');
  return maps === '' || / rwxp .* 0 *$/m.test(maps);
}

function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
