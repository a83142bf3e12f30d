// The stand-in for the C program's source, in the ops machine's HOME, for lab tests that build it on the hosts.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Lab } from './use-lab.js';

const FIXTURES = fileURLToPath(new URL('../fixtures', import.meta.url));

/** The archive as its authors would pack it, and the folder it unpacks to as `src`. */
export function packSource(lab: Lab, name: string): void {
  execFileSync('cp', ['-r', `${FIXTURES}/legacy-source`, lab.homePath('src')]);
  const top = ['--transform', 's,^legacy-source,memcached-1.2.8-repcached-2.2.1,'];
  execFileSync('tar', ['-C', FIXTURES, ...top, '-czf', lab.homePath(name), 'legacy-source']);
}
