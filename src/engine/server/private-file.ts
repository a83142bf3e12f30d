// Reads a file that holds secrets, and refuses one that others could have read or changed.
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { FatalError } from './exit.js';

const READABLE_BY_GROUP = 0o040;
const ACCESSIBLE_BY_OTHERS = 0o007;
const WRITABLE_BY_GROUP = 0o020;

/**
 * @param flag the flag that names the file, for messages
 * @param what a file of more than maxBytes can't be: `no secret of ours`
 * @throws FatalError when the file can't be read, is no plain file, is open to anyone but its owner (a group other
 *   than root may not read it either), or is larger than maxBytes
 */
export function readPrivateFile(flag: string, path: string, maxBytes: number, what: string): Buffer {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    throw new FatalError(`${flag} ${path}: can't be read (${(error as NodeJS.ErrnoException).code})`);
  }
  try {
    // Looked at through the descriptor, so that what is checked is what is read.
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new FatalError(`${flag} ${path}: must be a plain file`);
    const readableByGroup = (stat.mode & READABLE_BY_GROUP) !== 0 && stat.gid !== 0;
    if ((stat.mode & (ACCESSIBLE_BY_OTHERS | WRITABLE_BY_GROUP)) !== 0 || readableByGroup) {
      throw new FatalError(
        `${flag} ${path}: is open to other users, make it private with: chmod 600 ${path}`,
      );
    }
    if (stat.size > maxBytes) {
      throw new FatalError(`${flag} ${path}: holds more than ${maxBytes} bytes, that is ${what}`);
    }
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}
