// TLS on the link is of both nodes or of none: turned on one node at a time, as deploy restarts them, it would part them.
import { OperatorError } from '../../errors.js';
import { onBoth } from '../on-both.js';
import type { OpenPair } from '../open-pair.js';
import { NODE_NAMES, type NodeName } from '../types.js';
import type { FoundIdentity } from './identity.js';

/** @throws OperatorError `TLS_NEEDS_STOP` (exit stepFailed) */
export async function refuseTlsChangeWhileRunning(
  pair: OpenPair,
  found: Readonly<Record<NodeName, Pick<FoundIdentity, 'hasLinkTls'>>>,
): Promise<void> {
  const wanted = pair.config.replication?.tls !== undefined;
  const runs = await onBoth(async (name) => (await pair.nodes[name].service.status()).state === 'running');
  const name = NODE_NAMES.find(
    (node) => runs[node] && found[node].hasLinkTls !== undefined && found[node].hasLinkTls !== wanted,
  );
  if (name === undefined) return;
  throw new OperatorError(
    `the link can't be ${wanted ? 'put into' : 'taken out of'} TLS while ${name} runs: both nodes must change at once`,
    {
      code: 'TLS_NEEDS_STOP',
      exit: 'stepFailed',
      suggestions: [
        'when clients can do without the cache for a few seconds: repcachectl stop, then repcachectl deploy ' +
          '(nodes on hosts keep what they hold in their memory files)',
      ],
    },
  );
}
