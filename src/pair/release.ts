// The engine executable that this installation can deploy: where it is, and its identity by hash.
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { OperatorError } from '../errors.js';
import type { Release } from '../service/service.js';

/** `uname -m` to the name in the artifact's file. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  x86_64: 'x64',
  aarch64: 'arm64',
};

/** The folder with package.json: two levels above src/pair, three above dist/src/pair. */
export function packageRoot(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const root = join(here, '..', '..');
  return existsSync(join(root, 'package.json')) ? root : dirname(root);
}

/** Where the executable for a `uname -m` is, or would be; undefined when none can be made for it. */
export function artifactPath(machine: string, root = packageRoot()): string | undefined {
  const architecture = ARCHITECTURES[machine];
  return architecture && join(root, 'dist', 'engine', `repcached-linux-${architecture}`);
}

/**
 * The executable for hosts of this `uname -m`.
 * @throws OperatorError `ARCHITECTURE_UNKNOWN`, `ENGINE_NOT_BUILT` (exit unsuitable)
 */
export async function findRelease(machine: string, root = packageRoot()): Promise<Release> {
  const localPath = artifactPath(machine, root);
  if (localPath === undefined) {
    throw new OperatorError(`there is no engine for ${machine}`, {
      code: 'ARCHITECTURE_UNKNOWN',
      exit: 'unsuitable',
      suggestions: [`choose a host of one of these: ${Object.keys(ARCHITECTURES).join(', ')}`],
    });
  }
  const size = await sizeOf(localPath);
  if (size === undefined) {
    throw new OperatorError(`the engine for ${machine} is not built: ${localPath} is missing`, {
      code: 'ENGINE_NOT_BUILT',
      exit: 'unsuitable',
      suggestions: ['repcachectl build'],
    });
  }
  const version = await packageVersion(root);
  const sha256 = await sha256Of(localPath);
  return { id: `${version}-${sha256.slice(0, 12)}`, version, sha256, localPath, sizeBytes: size };
}

async function packageVersion(root: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  return version;
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}
