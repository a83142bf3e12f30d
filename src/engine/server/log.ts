// The log: one line an event on stderr, prefixed with the program's name; journald adds the time.
import { writeSync } from 'node:fs';

const STDERR_FD = 2;

/**
 * Writes one line at once, so that it is out even when the process ends right after it. A log that can't be
 * written (a full pipe, a closed terminal) is dropped: it must never stop or kill the server.
 */
export function logLine(message: string): void {
  try {
    writeSync(STDERR_FD, `repcached: ${message.replace(/\s*\n\s*/g, ' | ')}\n`);
  } catch {
    // EAGAIN, EPIPE or EIO: nobody is reading.
  }
}
