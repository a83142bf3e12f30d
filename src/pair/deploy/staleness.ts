// Does a node run on an older configuration than the one in its files? It does when an earlier deploy was stopped
// after it had written them: nothing differs any more, but the restart is still owed.

import { configFilesOf, secretFileOf } from '../open.js';
import type { OpenPair } from '../open-pair.js';
import type { NodeName } from '../types.js';
import type { Change } from './install.js';

/** Clock of the host now, then the time of each file that is there; all in whole seconds since 1970. */
const SCRIPT =
  'date +%s; for path; do if [ -e "$path" ] || [ -L "$path" ]; then stat -c %Y -- "$path"; fi; done';

/** Times are known to the second only: a file must be newer by more than the rounding of both. */
const SLACK_SEC = 1;

/** False for a node that does not run: starting it is enough then. */
export function isStale(pair: OpenPair, name: NodeName): Promise<boolean> {
  return isOlderThanAny(pair, name, configFilesOf(pair, name));
}

/**
 * Has a running node read its secret again, if that was changed now, or after the node started: whether it has read it
 * since is not known, and once more does no harm.
 */
export async function reloadIfDue(pair: OpenPair, name: NodeName, changes: readonly Change[]): Promise<void> {
  const { service } = pair.nodes[name];
  const { state } = await service.status();
  if (state !== 'running') return;
  const isDue =
    changes.some(({ needsReload }) => needsReload) ||
    (await isOlderThanAny(pair, name, [secretFileOf(pair, name)]));
  if (isDue) await service.reload?.();
}

async function isOlderThanAny(pair: OpenPair, name: NodeName, paths: readonly string[]): Promise<boolean> {
  const { host, service } = pair.nodes[name];
  const argv = ['sh', '-c', SCRIPT, 'sh', ...paths] as const;
  const { stdout } = await host.run(argv, { root: !pair.config.local });
  const { uptimeSec } = await service.status();
  if (uptimeSec === undefined) return false;
  const [nowSec, ...writtenSec] = stdout.trim().split('\n').map(Number);
  return Math.max(...writtenSec, 0) > nowSec - uptimeSec + SLACK_SEC;
}
