// A node's install steps: what would change, and changing it.
import type { Step } from '../../service/service.js';

/** One thing that differed on a host, and so was (or would be) changed. */
export interface Change {
  readonly title: string;
  /** What differed, in a few words; never a secret. */
  readonly difference: string;
  readonly needsRestart: boolean;
  readonly needsReload: boolean;
}

export interface InstallOptions {
  /** Only look. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  readonly say: (detail: string) => void;
}

/** In order, since a step may stand on those before it. Interrupted between steps, never within one. */
export async function runSteps(steps: readonly Step[], options: InstallOptions): Promise<Change[]> {
  const changes: Change[] = [];
  for (const step of steps) {
    options.signal.throwIfAborted();
    options.say(step.title);
    const difference = await step.check();
    if (difference === undefined) continue;
    if (!options.dryRun) await step.apply();
    const { title, needsRestart = false, needsReload = false } = step;
    changes.push({ title, difference, needsRestart, needsReload });
  }
  return changes;
}

/** What was done, short enough for one line. */
export function summaryOf(titles: readonly string[], nothing: string): string {
  if (titles.length === 0) return nothing;
  return titles.length > 3 ? `${titles.length} changes` : titles.join(', ');
}
