// destroy: takes both nodes off their hosts, each as far as it can be reached, and says what became of each.
import { rm, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { LocatedPair } from './config/locate.js';
import { localStateDir } from './config/paths.js';
import { renderPairFile, writePairFile } from './config/write.js';
import { runSteps, summaryOf } from './deploy/install.js';
import { type Access, closePair, openPair } from './open.js';
import type { Progress } from './progress.js';
import type { NodeName } from './types.js';

export interface DestroyOptions {
  readonly access: Access;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** Ready for JSON. */
export interface DestroyReport {
  /** Whether there was anything to remove. */
  readonly changed: boolean;
  /** What was removed, by node. */
  readonly removed: Readonly<Record<NodeName, readonly string[]>>;
  /** The file that stays, so that deploy can bring the pair back; absent for a local pair. */
  readonly keptConfigFile?: string;
}

/** @throws OperatorError of what could not be removed; what could be is gone, and a second run tries the rest. */
export async function destroyPair(located: LocatedPair, options: DestroyOptions): Promise<DestroyReport> {
  const { access, signal, progress } = options;
  const { config } = located;
  const pair = await openPair(config, access);
  try {
    const removed = await progress.both('Remove the node', async (name, say) => {
      const changes = await runSteps(pair.nodes[name].service.uninstallSteps(), {
        dryRun: false,
        signal,
        say,
      });
      const titles = changes.map(({ title }) => title);
      say(summaryOf(titles, 'nothing there'));
      return titles;
    });
    const changed = removed.a.length > 0 || removed.b.length > 0;
    if (config.local) {
      await rm(localStateDir(), { recursive: true, force: true });
      await removeIfEmpty(dirname(localStateDir()));
      return { changed, removed };
    }
    if (located.text === undefined) return { changed, removed };
    // Hosts and settings stay on record; the pair's id went with its secret.
    const { pair: _, ...withoutId } = config;
    const text = renderPairFile(withoutId, located.text);
    if (text !== located.text) await writePairFile(located.path, text);
    return { changed, removed, keptConfigFile: located.path };
  } finally {
    await closePair(pair);
  }
}

/** The folder may hold what is not ours, or be gone with the pair never made. */
async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOENT') throw error;
  }
}
