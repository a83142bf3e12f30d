// Gives a pair a new replication secret while the link stands. First both nodes accept the new one and the old one, then
// only the new one: at every moment both have one in common, so a link that is lost meanwhile comes up again. What is
// done can be told from the two files, so a run that was stopped anywhere is simply run again.
import { OperatorError } from '../errors.js';
import { connectNode } from './client/connect.js';
import { onBoth } from './on-both.js';
import { readSecret } from './open.js';
import type { OpenPair } from './open-pair.js';
import type { Progress, Say } from './progress.js';
import { type ReplicationStats, replicationOf } from './replication-stats.js';
import {
  haveOneInCommon,
  newSecret,
  parseSecrets,
  renderSecrets,
  type Secrets,
  secretsDiffer,
} from './secrets.js';
import { waitForSync } from './sync.js';
import { NODE_NAMES, type NodeName } from './types.js';
import { poll } from './wait.js';

export interface RotateOptions {
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** Ready for JSON. */
export interface RotateReport {
  /** An earlier run had been stopped, and this one went on with its secret. */
  readonly resumed: boolean;
  /** The link stood all the while. When it did not, it came up again. */
  readonly linkKept: boolean;
}

/** What is still to be done. */
export interface RotationPlan {
  readonly resumed: boolean;
  readonly secret: string;
  /** What both accept beside it meanwhile; absent when no node needs it any more. */
  readonly previous?: string;
}

const TAKEN_WITHIN_MS = 5_000;
/** A pair that is not in sync by then has another trouble than its secret. */
const SYNC_WITHIN_MS = 5_000;

/**
 * @throws OperatorError `NO_SECRET`, `RELEASE_TOO_OLD`, `SECRETS_DIFFER`, `SECRET_UNUSABLE` (exit unsuitable),
 *   `NOT_IN_SYNC`, `SECRET_NOT_TAKEN` (exit stepFailed), and what a host says
 */
export async function rotateSecret(pair: OpenPair, options: RotateOptions): Promise<RotateReport> {
  const { signal, progress } = options;
  refuseForeignEngine(pair);
  const { before, plan } = await progress.step('Check the pair', async () => {
    await waitForSync(pair, { signal, stalledAfterMs: SYNC_WITHIN_MS });
    const stats = await onBoth((name) => statsOf(pair, name));
    for (const name of NODE_NAMES) if (stats[name].secrets === undefined) throw tooOld(name);
    const files = await onBoth(async (name) => parseSecrets(await readSecret(pair, name), name));
    return {
      before: stats,
      plan: planRotation(files, { a: stats.a.secrets ?? 0, b: stats.b.secrets ?? 0 }),
    };
  });
  const { secret, previous, resumed } = plan;
  if (previous !== undefined) {
    await progress.both('Let the new secret in beside the old one', (name, say) =>
      install(pair, name, [secret, previous], signal, say),
    );
    signal.throwIfAborted();
  }
  await progress.both('Leave the old secret', (name, say) => install(pair, name, [secret], signal, say));
  await progress.step('Look at the link', () =>
    waitForSync(pair, { signal, stalledAfterMs: SYNC_WITHIN_MS }),
  );
  const after = await onBoth((name) => statsOf(pair, name));
  const linkKept = NODE_NAMES.every((name) => after[name].linkUptimeSec >= before[name].linkUptimeSec);
  return { resumed, linkKept };
}

/**
 * From the files of both nodes and how many secrets each accepts now, where the rotation stands. Two lines in any file
 * are one that is under way; and so is one line in both while a node still accepts two.
 * @throws OperatorError `SECRETS_DIFFER`, `NO_SECRET` (exit unsuitable)
 */
export function planRotation(
  files: Readonly<Record<NodeName, Secrets | undefined>>,
  accepted: Readonly<Record<NodeName, number>>,
): RotationPlan {
  const { a, b } = files;
  if (a === undefined || b === undefined) throw noSecret(a === undefined ? 'a' : 'b');
  if (!haveOneInCommon(a, b)) throw secretsDiffer();
  const [ahead, other] = a.length >= b.length ? [a, b] : [b, a];
  const [secret, previous] = ahead;
  if (previous === undefined) {
    const resumed = accepted.a > 1 || accepted.b > 1;
    return resumed ? { resumed, secret } : { resumed, secret: newSecret(), previous: secret };
  }
  // One node has left the old secret already, so both have known the new one.
  if (other.length === 1 && other[0] === secret) return { resumed: true, secret };
  if (other[0] !== secret && other[0] !== previous) throw secretsDiffer();
  if (other.length === 2 && (other[0] !== secret || other[1] !== previous)) throw secretsDiffer();
  return { resumed: true, secret, previous };
}

/** Writes the file if it differs, has the node read it, and waits until it has: the next step leans on that. */
async function install(
  pair: OpenPair,
  name: NodeName,
  secrets: Secrets,
  signal: AbortSignal,
  say: Say,
): Promise<void> {
  const { service } = pair.nodes[name];
  const step = service.secretStep?.(renderSecrets(secrets));
  if ((await step?.check()) !== undefined) await step?.apply();
  await service.reload?.();
  const takes = async () => ((await statsOf(pair, name)).secrets === secrets.length ? true : undefined);
  if (await poll(takes, { withinMs: TAKEN_WITHIN_MS, everyMs: 50, signal })) return say('taken');
  throw new OperatorError(`${name} does not take the secret that is in its file`, {
    code: 'SECRET_NOT_TAKEN',
    exit: 'stepFailed',
    suggestions: [
      `see why: repcachectl logs --node ${name}`,
      'then run the same command again: the pair works on meanwhile, with the old secret or the new one',
    ],
  });
}

async function statsOf(pair: OpenPair, name: NodeName): Promise<ReplicationStats> {
  const node = pair.nodes[name];
  const client = await connectNode(node);
  try {
    return await replicationOf(node, client);
  } finally {
    client.close();
  }
}

function refuseForeignEngine({ config: { engine } }: OpenPair): void {
  if (engine === 'repcached') return;
  throw new OperatorError(`this pair runs ${engine}, which knows no secret`, {
    code: 'NO_SECRET',
    exit: 'unsuitable',
    suggestions: ['guard its replication port with a firewall, or leave that engine (docs/legacy.md)'],
  });
}

function noSecret(name: NodeName): OperatorError {
  return new OperatorError(`${name} has no replication secret in its file`, {
    code: 'NO_SECRET',
    exit: 'unsuitable',
    suggestions: ['run `repcachectl deploy`, which gives it the one of its peer, then run this again'],
  });
}

function tooOld(name: NodeName): OperatorError {
  return new OperatorError(`${name} runs a release that can't change its secret while it runs`, {
    code: 'RELEASE_TOO_OLD',
    exit: 'unsuitable',
    suggestions: [
      'run `repcachectl deploy`, which brings both nodes up to date one at a time, then run this again',
    ],
  });
}
