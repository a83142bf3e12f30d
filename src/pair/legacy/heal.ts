// heal: re-forms a legacy pair that lost its link. Each node dials once, as it starts; so one node is kept with all it
// holds, and the other is restarted, which makes it dial and take a full copy. What only that one held is lost.
import { OperatorError } from '../../errors.js';
import { connectNode } from '../client/connect.js';
import { type OpenPair, peerOf } from '../open-pair.js';
import { ProbeKeys, SAFETY_EXPTIME_SEC } from '../probe-keys.js';
import type { Progress } from '../progress.js';
import { startTogether } from '../start-order.js';
import { type PairStatus, pairStatus } from '../status.js';
import { waitForSync } from '../sync.js';
import type { NodeName } from '../types.js';
import { poll } from '../wait.js';

export interface HealPlan {
  readonly needed: boolean;
  /** The node whose data stays; absent when nothing is to be done. */
  readonly keep?: NodeName;
  readonly why: string;
}

/** Longer than a probe's write needs to find out that nobody is at the other end. */
const NOTICES_WITHIN_MS = 20_000;

/**
 * Which node to keep: the one that is named, or the only one that serves, or the fuller one.
 * @throws OperatorError `NOT_LEGACY` (exit usage), `BOTH_DOWN` (exit stepFailed)
 */
export async function planHeal(pair: OpenPair, keep: NodeName | undefined): Promise<HealPlan> {
  const { engine } = pair.config;
  if (engine !== 'legacy') {
    throw new OperatorError(`heal is for legacy pairs; this one runs ${engine}`, {
      code: 'NOT_LEGACY',
      exit: 'usage',
      suggestions: [
        engine === 'repcached'
          ? 'nothing is to be done: the pair re-forms by itself'
          : 'see repcachectl status',
      ],
    });
  }
  return judge(await pairStatus(pair), keep);
}

/** The decision, from what status saw. */
export function judge(status: PairStatus, keep: NodeName | undefined): HealPlan {
  if (status.ok) return { needed: false, why: 'the nodes are linked' };
  const { a, b } = status.nodes;
  const serving = [a, b].filter(({ server }) => server !== undefined);
  if (serving.length === 0) {
    throw new OperatorError('neither node answers: there is nothing to keep', {
      code: 'BOTH_DOWN',
      exit: 'stepFailed',
      suggestions: ['repcachectl start starts both, empty, one after the other'],
    });
  }
  if (serving.length === 1) {
    const [{ node }] = serving;
    if (keep !== undefined && keep !== node) {
      throw new OperatorError(`${keep} does not answer: there is nothing of it to keep`, {
        code: 'NODE_DOWN',
        exit: 'usage',
        suggestions: [`leave --keep out: ${node} is the one that serves`],
      });
    }
    return { needed: true, keep: node, why: `only ${node} serves` };
  }
  const items = { a: a.server!.items, b: b.server!.items };
  const counts = `a has ${items.a} items, b has ${items.b}`;
  if (keep !== undefined) return { needed: true, keep, why: counts };
  return { needed: true, keep: items.b > items.a ? 'b' : 'a', why: counts };
}

/** Restarts the node that is not kept, and waits until it has everything. */
export async function healPair(
  pair: OpenPair,
  keep: NodeName,
  options: { readonly signal: AbortSignal; readonly progress: Progress },
): Promise<void> {
  const { signal, progress } = options;
  const other = peerOf(keep);
  const { state } = await pair.nodes[other].service.status();
  if (state === 'running' || state === 'starting') {
    await progress.step(`Stop ${other}`, () => pair.nodes[other].service.stop());
  }
  await progress.step(`Wait until ${keep} listens`, () => untilItListens(pair, keep, signal));
  await progress.step(`Start ${other}`, () => startTogether(pair, [other], signal));
  await progress.step('Wait until both are linked', (say) => waitForSync(pair, { signal, onProgress: say }));
}

/** A node whose peer vanished without a word holds a dead connection until it writes to it. */
export async function untilItListens(pair: OpenPair, keep: NodeName, signal?: AbortSignal): Promise<void> {
  const node = pair.nodes[keep];
  const client = await connectNode(node);
  const keys = new ProbeKeys('verify');
  try {
    const listens = async () => {
      if ((await node.readLink?.())?.state === 'alone') return true;
      await client.store('set', keys.key('wake'), 'is anybody there?', { exptimeSec: SAFETY_EXPTIME_SEC });
      await keys.removeFrom(client);
      return undefined;
    };
    if (await poll(listens, { withinMs: NOTICES_WITHIN_MS, everyMs: 500, signal })) return;
  } finally {
    client.close();
  }
  // TCP gives a silent peer up after many minutes; only a restart is faster, and it would lose what is to be kept.
  throw notGivenUp(keep);
}

function notGivenUp(keep: NodeName): OperatorError {
  return new OperatorError(
    `${keep} still holds its old connection, and listens only once the kernel gives that up`,
    {
      code: 'LINK_NOT_GIVEN_UP',
      exit: 'stepFailed',
      suggestions: [
        `end that connection on ${keep}'s host (ss --kill), or wait up to 16 minutes; then run the same command again`,
        `the other node is stopped meanwhile: clients of it should use ${keep}`,
      ],
    },
  );
}
