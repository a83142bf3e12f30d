// Brings an archive to a host and runs there the script that makes an installed program of it.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Host } from '../host/host.js';
import { STEP_FAILED } from './install-script.js';
import { BUILD_LOG } from './layout.js';

export interface InstallJob {
  /** A tar archive; lies in the script's work folder as archive.tar. */
  readonly archive: Uint8Array;
  /** Gets the arguments of `BEGIN_INSTALL`, then `more`. */
  readonly script: string;
  readonly record: string;
  readonly more?: readonly string[];
  readonly timeoutMs: number;
  /** What messages call it, such as `building repcached`. */
  readonly label: string;
}

/** Why the program was not installed; what was there before still is. */
export interface InstallFailure {
  /** Undefined when the script did not even begin. */
  readonly step: string | undefined;
  /** The last lines of its log, or what it said instead. */
  readonly lines: string;
}

/** As root. Leaves nothing but the program and the log. */
export async function installArchive(host: Host, job: InstallJob): Promise<InstallFailure | undefined> {
  const made = await host.run(['mktemp', '-d', '/var/tmp/repcached-build.XXXXXX'], { root: true });
  const work = made.stdout.trim();
  try {
    await putArchive(host, job.archive, `${work}/archive.tar`);
    const { record, more = [], timeoutMs, label } = job;
    const { exitCode, stdout, stderr } = await host.run(
      ['sh', '-c', job.script, 'sh', work, BUILD_LOG, record, ...more],
      { root: true, timeoutMs, allowFailure: true, label },
    );
    if (exitCode === 0) return undefined;
    if (exitCode !== STEP_FAILED) return { step: undefined, lines: stderr.trim() };
    const [step, ...lines] = stdout.trimEnd().split('\n');
    return { step, lines: lines.join('\n') };
  } finally {
    await host.run(['rm', '-rf', '--', work], { root: true });
  }
}

async function putArchive(host: Host, archive: Uint8Array, path: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'repcachectl-install-'));
  try {
    const localPath = join(folder, 'archive.tar');
    await writeFile(localPath, archive);
    await host.putFile(localPath, path, { mode: 0o600, root: true });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** In an operator's words: `b: building repcached failed at "make":` and the last lines. */
export function describeFailure(host: Host, label: string, { step, lines }: InstallFailure): string {
  return `${host.name}: ${label} failed${step === undefined ? '' : ` at "${step}"`}:\n${lines}`;
}

export const INSTALL_REMEDIES: readonly string[] = [
  `see all of it on the host: ${BUILD_LOG}`,
  'nothing was installed; what was there before is still there',
];
