// Builds the engine from the repository's own sources, by the same script as `npm run build:engine`.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { OperatorError } from '../errors.js';
import { findRelease, packageRoot } from './release.js';

/** Ready for JSON. */
export interface BuiltEngine {
  readonly path: string;
  readonly release: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** @throws OperatorError `NO_SOURCES`, `BUILD_FAILED` (exit stepFailed) */
export async function buildEngine(signal: AbortSignal): Promise<BuiltEngine> {
  const root = packageRoot();
  if (!existsSync(join(root, 'src', 'engine', 'build.ts'))) {
    throw new OperatorError('this installation has no engine sources to build from', {
      code: 'NO_SOURCES',
      exit: 'stepFailed',
      suggestions: ['run it in a clone of the repository, after npm ci'],
    });
  }
  const built = await execa('npm', ['run', '--silent', 'build:engine'], {
    cwd: root,
    stdin: 'ignore',
    all: true,
    reject: false,
    cancelSignal: signal,
  });
  signal.throwIfAborted();
  if (built.failed) {
    throw new OperatorError(`building the engine failed\n${built.all}`, {
      code: 'BUILD_FAILED',
      exit: 'stepFailed',
      suggestions: ['npm ci, then run it again'],
    });
  }
  const { localPath, id, sha256, sizeBytes } = await findRelease(
    process.arch === 'arm64' ? 'aarch64' : 'x86_64',
  );
  return { path: localPath, release: id, sha256, sizeBytes };
}
