// Where a unix socket lies: it is made beside its path and moved there, so that nobody finds it before its mode is
// right, a stale one is replaced in one step, and no link is followed.
import { randomBytes } from 'node:crypto';
import { chmodSync, lstatSync, renameSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { isMainThread } from 'node:worker_threads';
import { EXIT, FatalError } from './exit.js';
import type { UnixAddress } from './net.js';

/** Nobody but the owner, while the socket has no mode of its own yet. */
const CLOSED_UMASK = 0o177;
const PROBE_TIMEOUT_MS = 2_000;

export class UnixSocketPlace {
  readonly #address: UnixAddress;
  #inode: bigint | undefined;

  constructor(address: UnixAddress) {
    this.#address = address;
  }

  /**
   * Gives a new socket its mode and its path.
   * @param listenAt makes a socket that listens at the path it is given
   */
  make<T>(listenAt: (path: string) => T): T {
    const { path, mode } = this.#address;
    const temporaryPath = `${path}.${randomBytes(4).toString('hex')}`;
    // The umask is the process's, and only the main thread may change it; elsewhere `chmod` follows at once.
    const oldUmask = isMainThread ? process.umask(CLOSED_UMASK) : undefined;
    let made: T;
    try {
      made = listenAt(temporaryPath);
    } finally {
      if (oldUmask !== undefined) process.umask(oldUmask);
    }
    chmodSync(temporaryPath, mode);
    this.#inode = lstatSync(temporaryPath, { bigint: true }).ino;
    renameSync(temporaryPath, path);
    return made;
  }

  /** Removes the socket, unless another has taken its place. */
  leave(): void {
    try {
      if (lstatSync(this.#address.path, { bigint: true }).ino === this.#inode) unlinkSync(this.#address.path);
    } catch {
      // Somebody was faster; or it lies where we may not write any more.
    }
  }
}

/**
 * Looks at what lies at the path of -s: nothing, or a socket that nobody listens on, may be replaced.
 * @throws FatalError (status 71) when it is anything else
 */
export async function checkUnixSocketPath(path: string): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket()) {
    throw new FatalError(
      `-s ${path}: is there already and no socket; it is left alone, choose another path or remove it`,
      EXIT.osError,
    );
  }
  if (await isListenedOn(path)) {
    throw new FatalError(
      `-s ${path}: another program listens there; stop it or choose another path`,
      EXIT.osError,
    );
  }
}

/** Only a refused connection proves that nobody is there: a busy program may just not answer. */
function isListenedOn(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const timer = setTimeout(() => settle(true), PROBE_TIMEOUT_MS);
    const settle = (isThere: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(isThere);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', (error: NodeJS.ErrnoException) =>
      settle(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
    );
  });
}
