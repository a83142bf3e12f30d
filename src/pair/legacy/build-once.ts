// deploy --copy-build: the C program is built on one of two hosts that are alike, and copied to the other.
import type { Host } from '../../host/host.js';
import { type BuildWish, buildSteps, whyBuild } from '../../legacy/build.js';
import { copySteps } from '../../legacy/copy-build.js';
import { type Change, type InstallOptions, runSteps, summaryOf } from '../deploy/install.js';
import { onBoth } from '../on-both.js';
import { peerOf } from '../open-pair.js';
import type { Progress } from '../progress.js';
import type { NodeName } from '../types.js';

export interface BuildOnceOptions extends Omit<InstallOptions, 'say'> {
  readonly progress: Progress;
}

/**
 * A host that has the program already is the one to copy from: so it is after a run that was stopped in between.
 * The hosts must have been found alike.
 */
export async function buildOnce(
  hosts: Readonly<Record<NodeName, Host>>,
  wish: BuildWish,
  { progress, ...options }: BuildOnceOptions,
): Promise<Record<NodeName, Change[]>> {
  const reasons = await onBoth((name) => whyBuild(hosts[name], wish));
  const changes: Record<NodeName, Change[]> = { a: [], b: [] };
  if (reasons.a === undefined && reasons.b === undefined) return changes;
  const from: NodeName = reasons.a !== undefined && reasons.b === undefined ? 'b' : 'a';
  const to = peerOf(from);
  if (reasons[from] !== undefined) {
    changes[from] = await progress.step(`Build on ${from}`, async (say) => {
      const built = await runSteps(buildSteps(hosts[from], wish), { ...options, say });
      say(
        summaryOf(
          built.map(({ title }) => title),
          'nothing to do',
        ),
      );
      return built;
    });
  }
  changes[to] = await progress.step(`Program for ${to}`, async (say) => {
    const copied = await runSteps(copySteps(hosts[from], hosts[to], wish), { ...options, say });
    say(`${options.dryRun ? 'to be ' : ''}copied from ${from}: same system`);
    return copied;
  });
  return changes;
}
