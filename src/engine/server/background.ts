// -d: starts the same command line again in a session of its own, and ends once that one serves, or has failed.
import { spawn } from 'node:child_process';
import { EXIT } from './exit.js';
import { logLine } from './log.js';

/** Set for the process that stays; so the command line can be passed on as it is. */
const MARK = 'REPCACHED_IN_BACKGROUND';

/** Whether this is the process that stays. */
export function isInBackground(): boolean {
  return process.env[MARK] !== undefined;
}

/**
 * Passes on what the other process says until it serves; from then on nobody hears its log, as with memcached's -d.
 * Ends this process: with 0 when the other one serves, else with its status.
 */
export function moveToBackground(): void {
  const child = spawn(process.execPath, process.argv.slice(2), {
    detached: true,
    env: { ...process.env, [MARK]: '1' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let unread = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    process.stderr.write(text);
    unread = (unread + text).slice(-4096);
    if (/^repcached: listening on .*\n/m.test(unread)) process.exit(EXIT.ok);
  });
  child.on('error', (error) => {
    logLine(`-d: can't be started in the background (${error.message})`);
    process.exit(EXIT.osError);
  });
  child.on('close', (status) => process.exit(status ?? EXIT.software));
}
