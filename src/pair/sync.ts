// Waiting until both nodes hold the same: each serves, and each says of its link that it is synced.
import { OperatorError } from '../errors.js';
import { connectNode } from './client/connect.js';
import { onBoth } from './on-both.js';
import type { OpenNode, OpenPair } from './open-pair.js';
import { whyDown } from './preflight.js';
import { linkProblem, type ReplicationStats, replicationOf } from './replication-stats.js';
import { NODE_NAMES, type NodeName } from './types.js';
import { pause } from './wait.js';

export interface SyncOptions {
  readonly signal?: AbortSignal;
  /** Give up when nothing has moved for this long. Default 30_000. */
  readonly stalledAfterMs?: number;
  readonly onProgress?: (detail: string) => void;
}

const POLL_MS = 100;
/** A node that fell over at once is noticed by asking its service manager, every so many polls. */
const STATUS_EVERY_POLLS = 10;

type Answers = Record<NodeName, ReplicationStats | undefined>;

/** @throws OperatorError `NOT_IN_SYNC` (exit stepFailed) that says of each node what keeps it. */
export async function waitForSync(pair: OpenPair, options: SyncOptions = {}): Promise<void> {
  const stalledAfterMs = options.stalledAfterMs ?? 30_000;
  let movedAt = performance.now();
  let last = '';
  for (let polls = 0; ; polls++) {
    options.signal?.throwIfAborted();
    const answers = await onBoth((name) => ask(pair.nodes[name]));
    const now = NODE_NAMES.map((name) => `${name} ${answers[name]?.state ?? 'not serving yet'}`).join(', ');
    if (now !== last) options.onProgress?.(now);
    if (NODE_NAMES.every((name) => answers[name]?.state === 'synced')) return;

    // A copy of many gigabytes takes its time; while it runs, nothing is stuck.
    const copying = NODE_NAMES.some((name) => answers[name]?.state === 'syncing');
    if (now !== last || copying) movedAt = performance.now();
    last = now;

    const stalled = performance.now() - movedAt > stalledAfterMs;
    if (stalled || (polls > 0 && polls % STATUS_EVERY_POLLS === 0)) {
      const problems = await problemsOf(pair, answers, stalled);
      if (problems.length > 0) throw notInSync(problems);
    }
    await pause(POLL_MS, options.signal);
  }
}

/** Whether both say so right now; a node that can't be asked is not in sync. */
export async function isInSync(pair: OpenPair): Promise<boolean> {
  const answers = await onBoth((name) => ask(pair.nodes[name]));
  return NODE_NAMES.every((name) => answers[name]?.state === 'synced');
}

async function ask(node: OpenNode): Promise<ReplicationStats | undefined> {
  try {
    const client = await connectNode(node);
    try {
      return await replicationOf(node, client);
    } finally {
      client.close();
    }
  } catch {
    // Not serving yet, or no more: whyDown finds out which, when it matters.
    return undefined;
  }
}

interface Problem {
  readonly what: string;
  readonly remedy: string;
}

/** What stands in the way: at once for a node that is down, for the rest only when nothing moves any more. */
async function problemsOf(pair: OpenPair, answers: Answers, stalled: boolean): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const name of NODE_NAMES) {
    const stats = answers[name];
    if (stats !== undefined) {
      const problem = stalled ? linkProblem(name, stats) : undefined;
      if (problem !== undefined) problems.push(problem);
      continue;
    }
    const { state } = await pair.nodes[name].service.status();
    if (stalled || state === 'failed' || state === 'stopped') problems.push(await whyDown(pair.nodes[name]));
  }
  return problems;
}

function notInSync(problems: readonly Problem[]): OperatorError {
  return new OperatorError(`the nodes do not come in sync: ${problems.map(({ what }) => what).join('; ')}`, {
    code: 'NOT_IN_SYNC',
    exit: 'stepFailed',
    suggestions: [...new Set(problems.map(({ remedy }) => remedy))],
  });
}
