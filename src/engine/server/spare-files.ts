// Whether more files can be opened. A listener at the limit is told nothing: the runtime tries to accept over and over.
import { closeSync, openSync } from 'node:fs';

/** Why none can be: the limit of this process, or that of the whole system. */
export type FileShortage = 'EMFILE' | 'ENFILE';

/**
 * Opens so many files at once, and closes them again: some microseconds each.
 * @returns what keeps it from that; undefined when so many are to be had
 */
export function fileShortage(count: number): FileShortage | undefined {
  const opened: number[] = [];
  try {
    for (let file = 0; file < count; file++) opened.push(openSync('/dev/null', 'r'));
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Anything else, as in a root without devices, says nothing of the limits.
    return code === 'EMFILE' || code === 'ENFILE' ? code : undefined;
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}
