// -e: what a node does about its file at its start and at its end, and what it says of it.
import { dirname } from 'node:path';
import { logLine } from '../log.js';
import type { NodeState } from '../node-state.js';
import type { Options } from '../options.js';
import { loadMemory, readHashSeed } from './load.js';
import { saveMemory } from './save.js';

const MS_PER_SEC = 1000;

/**
 * The seed of the node's process before, if it left a file: what was lost unsent is kept by hashes of keys, which mean
 * something to the next process only if it hashes alike.
 */
export function savedHashSeed({ memoryFile }: Options): number | undefined {
  return memoryFile === undefined ? undefined : readHashSeed(memoryFile);
}

/** Fills the empty store from the file, if there is one that is whole. Before anybody is served or linked. */
export function restoreMemory(path: string, { options, store, nowMs }: NodeState): void {
  const startMs = nowMs();
  store.setNow(startMs);
  const result = loadMemory(path, {
    store,
    pairId: options.replication?.pairId ?? '',
    keepTombstones: options.replication !== undefined,
    nowMs: startMs,
  });
  switch (result.kind) {
    case 'none':
      logLine(`-e ${path}: there is no such file yet, starting empty`);
      return;
    case 'refused':
      logLine(`-e ${path}: ${result.why}; starting empty`);
      return;
    case 'loaded': {
      const { items, ofItems, savedSec } = result;
      const savedAt = new Date(savedSec * MS_PER_SEC).toISOString();
      logLine(`-e ${path}: loaded ${items} of ${ofItems} items, saved ${savedAt} (${nowMs() - startMs} ms)`);
    }
  }
}

/** Writes the file. Once nobody is served or linked any more; a failure is said, and costs the items. */
export async function keepMemory(path: string, { options, store, clock, nowMs }: NodeState): Promise<void> {
  const startMs = nowMs();
  store.setNow(startMs);
  try {
    const { items } = await saveMemory(path, store, {
      savedSec: Math.floor(startMs / MS_PER_SEC),
      clockHi: clock.latestHi,
      clockLo: clock.latestLo,
      flush: store.flushState(),
      hashSeed: store.hashSeed,
      lost: store.lostWrites.floor,
      pairId: options.replication?.pairId ?? '',
    });
    logLine(`-e ${path}: saved ${items} items (${nowMs() - startMs} ms)`);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    logLine(
      `-e ${path}: can't be written (${code ?? message}), the items are lost: ` +
        `give this user a folder to write to, and room, in ${dirname(path)}`,
    );
  }
}
