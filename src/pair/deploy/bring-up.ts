// From installed to serving: starts what is down and restarts what runs on an old configuration, one node at a time,
// so that at every moment one of the two holds all data and serves.
import { OperatorError } from '../../errors.js';
import { connectNode, nodeAnswers } from '../client/connect.js';
import { onBoth } from '../on-both.js';
import { type OpenNode, type OpenPair, peerOf } from '../open-pair.js';
import type { Progress } from '../progress.js';
import { restartNode, startTogether } from '../start-order.js';
import { isInSync, waitForSync } from '../sync.js';
import { NODE_NAMES, type NodeName } from '../types.js';
import { poll } from '../wait.js';

export type NodeAction = 'none' | 'start' | 'restart';

/** One that fails over and over is seen between two tries within this time. */
const FAILS_AGAIN_WITHIN_MS = 3_000;

/** What each node needs, from whether it runs and whether its configuration changed. */
export async function planActions(
  pair: OpenPair,
  restartNeeded: (name: NodeName) => boolean,
): Promise<Record<NodeName, NodeAction>> {
  return onBoth(async (name): Promise<NodeAction> => {
    const { state } = await pair.nodes[name].service.status();
    if (state !== 'running' && state !== 'starting') return 'start';
    if (!restartNeeded(name)) return 'none';
    return (await keepsFailing(pair.nodes[name])) ? 'start' : 'restart';
  });
}

/** Such a node holds nothing that a restart could lose, and its next try has the new configuration already. */
async function keepsFailing(node: OpenNode): Promise<boolean> {
  const look = async () => {
    if (await nodeAnswers(node)) return false;
    const { state, betweenTries } = await node.service.status();
    return betweenTries === true || (state !== 'running' && state !== 'starting') ? true : undefined;
  };
  return (await poll(look, { withinMs: FAILS_AGAIN_WITHIN_MS, everyMs: 100 })) ?? false;
}

/** @throws OperatorError `NOT_IN_SYNC`, `RESTART_WOULD_LOSE_DATA` (exit stepFailed), or what the service says. */
export async function bringUp(
  pair: OpenPair,
  actions: Readonly<Record<NodeName, NodeAction>>,
  options: { readonly signal: AbortSignal; readonly progress: Progress },
): Promise<void> {
  const { signal, progress } = options;
  const settle = (): Promise<void> =>
    progress.step('Wait until both are in sync', (say) => waitForSync(pair, { signal, onProgress: say }));

  const toStart = NODE_NAMES.filter((name) => actions[name] === 'start');
  if (toStart.length > 0) {
    await progress.step(`Start ${toStart.join(' and ')}`, async () => {
      await startTogether(pair, toStart, signal);
    });
  }
  const toRestart = NODE_NAMES.filter((name) => actions[name] === 'restart');
  if (toStart.length > 0 || toRestart.length === 0) await settle();
  for (const name of toRestart) {
    signal.throwIfAborted();
    if (!(await isInSync(pair))) throw mustNotRestart(name, await keepsItems(pair.nodes[name]));
    await progress.step(`Restart ${name}`, () => restartNode(pair, name, signal));
    await settle();
  }
}

/** Whether the process that runs now writes its items to a file when it is stopped; false where it can't be asked. */
async function keepsItems(node: OpenNode): Promise<boolean> {
  try {
    const client = await connectNode(node, { connectTimeoutMs: 1000, timeoutMs: 1000 });
    try {
      const file = (await client.stats('settings')).get('memory_file');
      return file !== undefined && file !== '(null)';
    } finally {
      client.close();
    }
  } catch {
    return false;
  }
}

function mustNotRestart(name: NodeName, keepsWhatItHolds: boolean): OperatorError {
  const toll = keepsWhatItHolds
    ? `until ${name} is back, clients would find nothing of what only ${name} holds`
    : `what only ${name} holds would be lost`;
  const message = `${name} must be restarted, but the pair is not in sync: ${toll}`;
  return new OperatorError(message, {
    code: 'RESTART_WOULD_LOSE_DATA',
    exit: 'stepFailed',
    suggestions: [
      `see with \`repcachectl status\` why ${name} and ${peerOf(name)} are not in sync, mend it, and run this again`,
      keepsWhatItHolds
        ? `to restart it all the same (it keeps what it holds in its file): repcachectl restart --node ${name} --force`
        : `to give up what only ${name} holds: repcachectl restart --node ${name} --force`,
    ],
  });
}
