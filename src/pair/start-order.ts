// In which order the nodes of a pair start. Ours may start together; the C program's must not: each dials once, as it
// starts, and two that start at once mostly miss each other for good.
import { OperatorError } from '../errors.js';
import { nodeAnswers } from './client/connect.js';
import { onBoth } from './on-both.js';
import { type OpenPair, peerOf } from './open-pair.js';
import type { NodeName } from './types.js';
import { poll } from './wait.js';

/** Without an answer from its peer a legacy node opens its client port after 3 s, or after 134 s behind a black hole. */
const LISTENS_WITHIN_MS = 150_000;
/** A node that lost its peer listens within a third of a second; one whose peer vanished without a word never does. */
const NOTICES_WITHIN_MS = 5_000;

/** Starts these nodes, all of which are down. */
export async function startTogether(
  pair: OpenPair,
  names: readonly NodeName[],
  signal: AbortSignal,
): Promise<void> {
  if (pair.config.engine !== 'legacy') {
    await onBoth(async (name) => {
      if (names.includes(name)) await pair.nodes[name].service.start();
    });
    return;
  }
  for (const name of names) {
    await untilPeerListens(pair, name, signal);
    await pair.nodes[name].service.start();
    await untilItServes(pair, name, signal);
  }
}

/** Restarts one node, so that it finds its peer when it is back. */
export async function restartNode(pair: OpenPair, name: NodeName, signal: AbortSignal): Promise<void> {
  const { service } = pair.nodes[name];
  if (pair.config.engine !== 'legacy') return await service.restart();
  await service.stop();
  await untilPeerListens(pair, name, signal);
  await service.start();
  await untilItServes(pair, name, signal);
}

/** Waits until the peer has noticed that it is alone; a peer that is down is not waited for. */
async function untilPeerListens(pair: OpenPair, name: NodeName, signal: AbortSignal): Promise<void> {
  const peer = pair.nodes[peerOf(name)];
  const { state } = await peer.service.status();
  if (state !== 'running') return;
  const listens = async () => ((await peer.readLink?.())?.state === 'alone' ? true : undefined);
  await poll(listens, { withinMs: NOTICES_WITHIN_MS, everyMs: 100, signal });
}

async function untilItServes(pair: OpenPair, name: NodeName, signal: AbortSignal): Promise<void> {
  const node = pair.nodes[name];
  const serves = async () => {
    if (await nodeAnswers(node)) return true;
    const { state } = await node.service.status();
    return state === 'failed' || state === 'stopped' ? false : undefined;
  };
  const outcome = await poll(serves, { withinMs: LISTENS_WITHIN_MS, everyMs: 100, signal });
  if (outcome === true) return;
  throw new OperatorError(
    `${name} ${outcome === false ? 'ended right after its start' : 'does not open its client port'}`,
    {
      code: 'NODE_NOT_SERVING',
      exit: 'stepFailed',
      suggestions: [`see why: repcachectl logs --node ${name}`],
    },
  );
}
