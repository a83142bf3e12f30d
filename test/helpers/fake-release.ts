// A release whose executable is a script of a few lines: for tests of how a node is run, not of what it does.
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Release } from '../../src/service/service.js';

/** Makes an executable of the script and the release around it. An absolute `#!`, as a node has no PATH. */
export async function fakeRelease(directory: string, script: string, version = '0.0.1'): Promise<Release> {
  const localPath = join(directory, `release-${version}`);
  const content = `#!${process.execPath}\n${script}`;
  await writeFile(localPath, content, { mode: 0o755 });
  const sha256 = createHash('sha256').update(content).digest('hex');
  return {
    id: `${version}-${sha256.slice(0, 12)}`,
    version,
    sha256,
    localPath,
    sizeBytes: Buffer.byteLength(content),
  };
}
