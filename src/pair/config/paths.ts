// Where the local pair's files are.
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { CONFIG_FILE_NAME } from './defaults.js';

/** The local pair's folder, under `$XDG_STATE_HOME` (default `~/.local/state`, as the XDG specification says). */
export function localStateDir(env: NodeJS.ProcessEnv = process.env): string {
  const base = env.XDG_STATE_HOME;
  // The specification: a relative path is to be ignored.
  const stateHome = base && isAbsolute(base) ? base : join(homedir(), '.local', 'state');
  return join(stateHome, 'repcachectl', 'local');
}

/** The local pair's own repcache.yaml. */
export function localPairFile(env: NodeJS.ProcessEnv = process.env): string {
  return join(localStateDir(env), CONFIG_FILE_NAME);
}
