// One move of a migration: a node is stopped, what takes its place is started, takes over everything from the other
// node, and the pair is proven. From the stop to the start nothing interrupts it.
import { OperatorError } from '../../errors.js';
import { legacyLayout } from '../../legacy/layout.js';
import type { Step } from '../../service/service.js';
import { removalStep } from '../../service/steps.js';
import { enableStep } from '../../service/systemd-install.js';
import { nodeLayout } from '../../service/systemd-layout.js';
import { haltSteps } from '../../service/systemd-uninstall.js';
import { connectNode } from '../client/connect.js';
import { runSteps } from '../deploy/install.js';
import { untilItListens } from '../legacy/heal.js';
import { onBoth } from '../on-both.js';
import { type OpenPair, peerOf } from '../open-pair.js';
import type { Progress } from '../progress.js';
import { waitForSync } from '../sync.js';
import { NODE_NAMES, type NodeName } from '../types.js';
import { verifyPair } from '../verify/verify.js';
import type { Move } from './plan.js';
import { pairAt, type Stages } from './stage.js';

export interface MoveOptions {
  /** What puts our engine and its settings there; none where the move is back to the legacy program. */
  readonly filesFor: (move: Move) => readonly Step[];
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** A verify between two moves: enough to see each kind of write travel. */
const QUICK = { lagSamples: 50, manyKeys: 100 };

/** In an operator's words. */
export function describeMove({ node, from, to }: Move): string {
  if (to === 'legacy') return `${node}: back to the legacy program`;
  if (to === 'bridge') return `${node}: our engine, speaking the legacy protocol with ${peerOf(node)}`;
  if (from === 'legacy' || from === 'down') return `${node}: our engine, speaking its own protocol`;
  return `${node}: restart with its own protocol only`;
}

/**
 * @returns the stages afterwards
 * @throws OperatorError `NOT_IN_SYNC`, `LINK_NOT_GIVEN_UP` (exit stepFailed), `VERIFY_FAILED` (exit checkFailed)
 */
export async function makeMove(
  pair: OpenPair,
  stages: Stages,
  move: Move,
  { filesFor, signal, progress }: MoveOptions,
): Promise<Stages> {
  const { node, to } = move;
  const peer = peerOf(node);
  signal.throwIfAborted();
  await refuseWithoutPeer(pair, stages, move, signal);
  await progress.step(describeMove(move), () => replace(pair, stages, move, filesFor(move)));
  // One that was bridged has changed over to our protocol as the other one came with it.
  const after: Stages = { ...stages, [node]: to, ...(to === 'own' && { [peer]: 'own' }) };
  const now = pairAt(pair, after);
  await progress.step(`Wait until ${node} holds what ${peer} holds`, async (say) => {
    await waitForSync(now, { signal, onProgress: say });
    const items = await onBoth((name) => itemsOf(now, name));
    say(NODE_NAMES.map((name) => `${name} ${items[name]} items`).join(', '));
  });
  await progress.step('Verify', async (say) => say(await proven(now, signal)));
  return after;
}

/** Whoever is stopped must not be the only one with the data. */
async function refuseWithoutPeer(
  pair: OpenPair,
  stages: Stages,
  move: Move,
  signal: AbortSignal,
): Promise<void> {
  if (move.from === 'down') return;
  await waitForSync(pairAt(pair, stages), { signal, stalledAfterMs: 5_000 });
}

async function replace(pair: OpenPair, stages: Stages, move: Move, files: readonly Step[]): Promise<void> {
  const { node, from, to } = move;
  const { host, config } = pair.nodes[node];
  const ours = nodeLayout(config.port);
  const legacy = legacyLayout(config.port);
  if (to === 'legacy') await apply(haltSteps(host, ours));
  else {
    await apply(files);
    if (from === 'bridge' || from === 'own') {
      await host.run(['systemctl', 'restart', ours.unit], { root: true, timeoutMs: RESTART_TIMEOUT_MS });
      return;
    }
    await apply(haltSteps(host, legacy));
    // What an earlier attempt kept there is older than what the other node has; deletes since then are not in it.
    await apply([
      removalStep(host, { title: 'Items of an earlier attempt', paths: [ours.memoryFile], root: true }),
    ]);
  }
  const peer = peerOf(node);
  if (stages[peer] === 'legacy') await untilItListens(pairAt(pair, stages), peer);
  const { unit } = to === 'legacy' ? legacy : ours;
  await apply([enableStep(host, unit)]);
  await host.run(['systemctl', 'start', unit], { root: true, timeoutMs: RESTART_TIMEOUT_MS });
}

/** Saving and loading many gigabytes takes its time. */
const RESTART_TIMEOUT_MS = 1_800_000;

/** To the end, whatever the operator presses meanwhile: half of these would leave the node down. */
async function apply(steps: readonly Step[]): Promise<void> {
  await runSteps(steps, { dryRun: false, signal: NEVER, say: () => {} });
}

const NEVER = new AbortController().signal;

async function itemsOf(pair: OpenPair, name: NodeName): Promise<string> {
  const client = await connectNode(pair.nodes[name]);
  try {
    return (await client.stats()).get('curr_items') ?? 'an unknown number of';
  } finally {
    client.close();
  }
}

async function proven(pair: OpenPair, signal: AbortSignal): Promise<string> {
  const report = await verifyPair(pair, { signal, ...QUICK });
  const checks = [
    ...report.preflight,
    ...report.directions.flatMap((direction) => direction.checks),
    ...report.agreement,
  ];
  if (report.ok) return `${checks.filter(({ outcome }) => outcome === 'ok').length} checks held`;
  const failed = checks.flatMap((check) =>
    check.outcome === 'failed' ? [`${check.title}: expected ${check.expected}, saw ${check.seen}`] : [],
  );
  throw new OperatorError(`the pair serves, but does not pass verify:\n  ${failed.join('\n  ')}`, {
    code: 'VERIFY_FAILED',
    exit: 'checkFailed',
    suggestions: [
      'mend what the checks name and run the same command again: it goes on from here',
      'as long as a legacy node stands: repcachectl migrate --back',
    ],
  });
}
