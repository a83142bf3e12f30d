// Who the process runs as: as memcached, root must name a user with -u and becomes it.
import { readFileSync } from 'node:fs';
import { EXIT, FatalError } from './exit.js';

/** What @types/node leaves out of the POSIX calls. */
type PosixProcess = typeof process & { initgroups(user: string, extraGroup: number): void };

const PRIVILEGED_PORT_END = 1024;

/**
 * Refuses what can't work, before anything is opened.
 * @param ports the ports that are opened after the user has changed
 * @throws FatalError when root names no user, or a later port needs root
 */
export function checkUser(user: string | undefined, ports: readonly number[]): void {
  if (process.getuid?.() !== 0) return;
  if (user === undefined)
    throw new FatalError("can't run as root without the -u switch: name a user, as in -u nobody");
  const privileged = ports.find((port) => port < PRIVILEGED_PORT_END);
  if (user !== 'root' && privileged !== undefined) {
    throw new FatalError(
      `port ${privileged} with -u ${user}: the client port opens after the change of user, so it must be ` +
        `${PRIVILEGED_PORT_END} or higher (or the unit must give AmbientCapabilities=CAP_NET_BIND_SERVICE)`,
    );
  }
}

/**
 * Becomes the user, with its groups; does nothing unless started as root, as memcached does.
 * @throws FatalError (status 71) when there is no such user
 */
export function becomeUser(user: string | undefined): void {
  if (user === undefined || user === 'root' || process.getuid?.() !== 0) return;
  const ids = lookUp(user);
  try {
    // In this order: each step but the last needs root.
    (process as PosixProcess).initgroups(user, ids.gid);
    process.setgid?.(ids.gid);
    process.setuid?.(ids.uid);
  } catch (error) {
    throw new FatalError(`-u ${user}: can't become this user (${(error as Error).message})`, EXIT.osError);
  }
}

function lookUp(user: string): { uid: number; gid: number } {
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (name === user) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new FatalError(`-u ${user}: there is no such user in /etc/passwd`, EXIT.osError);
}
