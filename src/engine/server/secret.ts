// Reads the replication secret, and refuses a file that others could have read or that holds too little.
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { FatalError } from './exit.js';

const SECRET_BYTES_MIN = 16;
const SECRET_BYTES_MAX = 4096;
const READABLE_BY_GROUP = 0o040;
const ACCESSIBLE_BY_OTHERS = 0o007;
const WRITABLE_BY_GROUP = 0o020;

/**
 * @returns the secret without the blanks around it
 * @throws FatalError when the file can't be read, is no plain file, is open to anyone but its owner (a group
 *   other than root may not read it either), or holds fewer than 16 bytes
 */
export function readSecretFile(path: string): Uint8Array {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    throw new FatalError(
      `--repl-secret-file ${path}: can't be read (${(error as NodeJS.ErrnoException).code})`,
    );
  }
  try {
    // Looked at through the descriptor, so that what is checked is what is read.
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new FatalError(`--repl-secret-file ${path}: must be a plain file`);
    const readableByGroup = (stat.mode & READABLE_BY_GROUP) !== 0 && stat.gid !== 0;
    if ((stat.mode & (ACCESSIBLE_BY_OTHERS | WRITABLE_BY_GROUP)) !== 0 || readableByGroup) {
      throw new FatalError(
        `--repl-secret-file ${path}: is open to other users, make it private with: chmod 600 ${path}`,
      );
    }
    if (stat.size > SECRET_BYTES_MAX) {
      throw new FatalError(
        `--repl-secret-file ${path}: holds more than ${SECRET_BYTES_MAX} bytes, that is no secret of ours`,
      );
    }
    const secret = Buffer.from(readFileSync(fd, 'latin1').trim(), 'latin1');
    if (secret.length < SECRET_BYTES_MIN) {
      throw new FatalError(
        `--repl-secret-file ${path}: holds ${secret.length} bytes, needs at least ${SECRET_BYTES_MIN}; ` +
          `make one with: head -c 32 /dev/urandom | base64 > ${path}`,
      );
    }
    return secret;
  } finally {
    closeSync(fd);
  }
}
