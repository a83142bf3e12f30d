// -P: the file with the process id, for scripts that look for it there.
import { randomBytes } from 'node:crypto';
import { closeSync, constants, openSync, readFileSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { EXIT, FatalError } from './exit.js';

/**
 * Writes it beside its place and moves it there: no link is followed, and nobody reads half of it.
 * @throws FatalError (status 71) when it can't be written
 */
export function writePidFile(path: string): void {
  const temporaryPath = `${path}.${randomBytes(4).toString('hex')}`;
  try {
    const { O_WRONLY, O_CREAT, O_EXCL } = constants;
    const fd = openSync(temporaryPath, O_WRONLY | O_CREAT | O_EXCL, 0o644);
    try {
      writeSync(fd, `${process.pid}\n`);
    } finally {
      closeSync(fd);
    }
    renameSync(temporaryPath, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new FatalError(`-P ${path}: can't be written (${code})`, EXIT.osError);
  }
}

/** Removes it, unless it is another process's by now, or the user we have become may not. */
export function removePidFile(path: string): void {
  try {
    if (readFileSync(path, 'utf8').trim() === String(process.pid)) unlinkSync(path);
  } catch {
    // Left behind, it names a process that is gone: whoever reads it has to reckon with that anyway.
  }
}
