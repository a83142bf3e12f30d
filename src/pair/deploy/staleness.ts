// Does a node run on an older configuration than the one in its files? It does when an earlier deploy was stopped
// after it had written them: nothing differs any more, but the restart is still owed.

import { configFilesOf } from '../open.js';
import type { OpenPair } from '../open-pair.js';
import type { NodeName } from '../types.js';

/** Clock of the host now, then the time of each file that is there; all in whole seconds since 1970. */
const SCRIPT =
  'date +%s; for path; do if [ -e "$path" ] || [ -L "$path" ]; then stat -c %Y -- "$path"; fi; done';

/** Times are known to the second only: a file must be newer by more than the rounding of both. */
const SLACK_SEC = 1;

/** False for a node that does not run: starting it is enough then. */
export async function isStale(pair: OpenPair, name: NodeName): Promise<boolean> {
  const { host, service } = pair.nodes[name];
  const argv = ['sh', '-c', SCRIPT, 'sh', ...configFilesOf(pair, name)] as const;
  const { stdout } = await host.run(argv, { root: !pair.config.local });
  const { uptimeSec } = await service.status();
  if (uptimeSec === undefined) return false;
  const [nowSec, ...writtenSec] = stdout.trim().split('\n').map(Number);
  return Math.max(...writtenSec, 0) > nowSec - uptimeSec + SLACK_SEC;
}
