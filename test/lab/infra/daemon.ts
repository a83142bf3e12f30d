// Starts a program that outlives this process, with its output in a file.
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { CLEAN_ENV } from './image.js';

/** Starts it in a session of its own, with a clean environment and no standard input; does not wait. */
export function startDaemon(argv: readonly [string, ...string[]], logPath: string): void {
  const [program, ...args] = argv;
  const log = openSync(logPath, 'a');
  const child = spawn(program, args, {
    cwd: '/',
    detached: true,
    env: CLEAN_ENV,
    stdio: ['ignore', log, log],
  });
  child.unref();
  closeSync(log);
}
