// Applies the IOV_MAX patch to an unpacked source folder.
import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OperatorError } from '../errors.js';
import { removalDiff } from './diff.js';
import { PATCHED_FILE, patchIovMax } from './patch.js';

/** Ready for JSON. */
export interface PatchReport {
  readonly file: string;
  /** With `dryRun`: what it would be. */
  readonly state: 'patched' | 'already';
  readonly dryRun: boolean;
  /** Unified diff; empty when there was nothing to do. */
  readonly diff: string;
}

/**
 * The file is written beside and renamed, with the mode it had.
 * @throws OperatorError `SOURCE_NOT_FOUND` (exit usage), `PATCH_REFUSED` (exit unsuitable)
 */
export async function patchFolder(
  folder: string,
  options: { readonly dryRun: boolean },
): Promise<PatchReport> {
  const file = join(folder, PATCHED_FILE);
  // Old sources may hold bytes that are no UTF-8; latin1 brings every byte back as it was.
  const original = await readFile(file, 'latin1').catch((cause: unknown) => {
    throw new OperatorError(`${file} could not be read`, {
      code: 'SOURCE_NOT_FOUND',
      exit: 'usage',
      suggestions: [`name the unpacked source folder: the one that holds ${PATCHED_FILE} and configure`],
      cause,
    });
  });
  const { state, text, removed } = patchIovMax(original);
  if (state === 'patched' && !options.dryRun) {
    const { mode } = await stat(file);
    const beside = `${file}.${randomBytes(4).toString('hex')}.tmp`;
    try {
      await writeFile(beside, text, { encoding: 'latin1', mode: mode & 0o7777 });
      await rename(beside, file);
    } finally {
      await rm(beside, { force: true });
    }
  }
  return { file, state, dryRun: options.dryRun, diff: removalDiff(PATCHED_FILE, original, removed) };
}
