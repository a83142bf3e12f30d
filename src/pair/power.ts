// start, stop and restart of a pair's nodes, by hand. A restart goes one node at a time and waits for sync between,
// so that the pair keeps its data.
import { bringUp } from './deploy/bring-up.js';
import { onBoth } from './on-both.js';
import type { OpenPair } from './open-pair.js';
import type { Progress } from './progress.js';
import { restartNode, startTogether } from './start-order.js';
import { isInSync, waitForSync } from './sync.js';
import type { NodeName } from './types.js';

export interface PowerOptions {
  readonly nodes: readonly NodeName[];
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** What each node was before, and so what was done to it. */
export interface PowerReport {
  readonly changed: readonly NodeName[];
  /** Both nodes hold the same now. */
  readonly inSync: boolean;
}

/** Starts what is down; with both nodes wanted, returns only when they are in sync. */
export async function startNodes(pair: OpenPair, options: PowerOptions): Promise<PowerReport> {
  const { nodes, signal, progress } = options;
  const changed = await whereState(pair, nodes, ['stopped', 'failed', 'absent']);
  if (changed.length > 0) {
    await progress.step(`Start ${changed.join(' and ')}`, () => startTogether(pair, changed, signal));
  }
  if (nodes.length > 1) {
    await progress.step('Wait until both are in sync', (say) =>
      waitForSync(pair, { signal, onProgress: say }),
    );
  }
  return { changed, inSync: await isInSync(pair) };
}

/** On hosts our engine keeps what it holds in a file over the stop; all others lose it. */
export async function stopNodes(pair: OpenPair, options: PowerOptions): Promise<PowerReport> {
  const { nodes, progress } = options;
  const changed = await whereState(pair, nodes, ['running', 'starting', 'failed']);
  if (changed.length > 0) {
    await progress.step(`Stop ${changed.join(' and ')}`, () =>
      onEach(changed, (name) => pair.nodes[name].service.stop()),
    );
  }
  return { changed, inSync: false };
}

/**
 * @param options.force Restart also where the peer does not hold everything.
 * @throws OperatorError `RESTART_WOULD_LOSE_DATA` (exit stepFailed) without `force`
 */
export async function restartNodes(
  pair: OpenPair,
  options: PowerOptions & { readonly force: boolean },
): Promise<PowerReport> {
  const { nodes, signal, progress, force } = options;
  if (force) {
    for (const name of nodes) {
      await progress.step(`Restart ${name}`, () => restartNode(pair, name, signal));
    }
    if (nodes.length > 1) {
      await progress.step('Wait until both are in sync', (say) =>
        waitForSync(pair, { signal, onProgress: say }),
      );
    }
    return { changed: nodes, inSync: await isInSync(pair) };
  }
  const wanted = (name: NodeName) => (nodes.includes(name) ? 'restart' : 'none');
  const down = await whereState(pair, nodes, ['stopped', 'failed', 'absent']);
  const action = (name: NodeName) => (down.includes(name) ? 'start' : wanted(name));
  await bringUp(pair, { a: action('a'), b: action('b') }, { signal, progress });
  return { changed: nodes, inSync: true };
}

async function whereState(
  pair: OpenPair,
  nodes: readonly NodeName[],
  states: readonly string[],
): Promise<NodeName[]> {
  const found = await onBoth(async (name) => {
    if (!nodes.includes(name)) return false;
    return states.includes((await pair.nodes[name].service.status()).state);
  });
  return nodes.filter((name) => found[name]);
}

async function onEach(nodes: readonly NodeName[], act: (name: NodeName) => Promise<void>): Promise<void> {
  await onBoth(async (name) => {
    if (nodes.includes(name)) await act(name);
  });
}
