// Builds repcached on a host: packages, source, configure, make, install. What stands there already is not built again.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OperatorError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { Step } from '../service/service.js';
import { BUILD_FAILED, BUILD_SCRIPT } from './build-script.js';
import { BUILD_LOG, BUILD_RECORD, PREFIX, PROGRAM } from './layout.js';
import { installPackages, missingPackages, packageManagerOf } from './packages.js';
import { getSource, type Source } from './source.js';
import { patchedTree } from './source-tree.js';
import { writeTar } from './tar.js';

const BUILD_TIMEOUT_MS = 20 * 60_000;
/** 2010-01-01: any one time serves, see writeTar. */
const SOURCE_MTIME_SEC = 1_262_304_000;

/** A source that is fetched only when a host needs it, and then only once for both. */
export class LegacySource {
  readonly #options: Parameters<typeof getSource>[0];
  #source: Promise<Source> | undefined;

  constructor(options: Parameters<typeof getSource>[0]) {
    this.#options = options;
  }

  /** @throws OperatorError as `getSource` does */
  get(): Promise<Source> {
    this.#source ??= getSource(this.#options);
    return this.#source;
  }
}

export interface BuildWish {
  readonly source: LegacySource;
  /** Build also where the program stands already, unless it was built from this very source. */
  readonly rebuild: boolean;
}

/** In order: what building needs, then the build itself; nothing where the program stands already. */
export function buildSteps(host: Host, wish: BuildWish): Step[] {
  return [packagesStep(host, wish), buildStep(host, wish)];
}

function packagesStep(host: Host, wish: BuildWish): Step {
  const missing = async (): Promise<string[]> => {
    const manager = await packageManagerOf(host);
    return missingPackages(host, manager, manager.buildPackages);
  };
  return {
    title: 'Packages for the build',
    check: async () => {
      if ((await whyBuild(host, wish)) === undefined) return undefined;
      const packages = await missing();
      return packages.length === 0 ? undefined : `${packages.join(', ')} missing`;
    },
    apply: async () => installPackages(host, await packageManagerOf(host), await missing()),
  };
}

function buildStep(host: Host, wish: BuildWish): Step {
  return {
    title: 'Build of repcached',
    needsRestart: true,
    check: () => whyBuild(host, wish),
    apply: async () => {
      await buildOn(host, await wish.source.get());
    },
  };
}

/** Why the program must be built; undefined when what stands there will do. */
export async function whyBuild(host: Host, { source, rebuild }: BuildWish): Promise<string | undefined> {
  const { exitCode } = await host.run(['test', '-x', PROGRAM], { allowFailure: true });
  if (exitCode !== 0) return `${PROGRAM} is missing`;
  const { stdout, stderr } = await host.run([PROGRAM, '-h'], { allowFailure: true });
  if (!/^repcached/m.test(stdout + stderr)) return `${PROGRAM} does not run, or is not repcached`;
  if (!rebuild) return undefined;
  const record = await host.readFile(BUILD_RECORD);
  if (record?.includes((await source.get()).sha256) === true) return undefined;
  return `${PREFIX} was built from another source`;
}

/**
 * Unpacks, patches, configures, makes and installs, as root.
 * @returns what the patch found
 * @throws OperatorError `BUILD_FAILED` (exit stepFailed) with the step and the last lines, `PATCH_REFUSED`
 */
export async function buildOn(host: Host, source: Source): Promise<{ patch: 'patched' | 'already' }> {
  const { tree, state } = patchedTree(source.tree);
  const folder = await mkdtemp(join(tmpdir(), 'repcachectl-source-'));
  const work = (
    await host.run(['mktemp', '-d', '/var/tmp/repcached-build.XXXXXX'], { root: true })
  ).stdout.trim();
  try {
    const archive = join(folder, 'source.tar');
    await writeFile(archive, writeTar(tree, SOURCE_MTIME_SEC));
    await host.putFile(archive, `${work}/source.tar`, { mode: 0o600, root: true });
    const record = `source sha256 ${source.sha256}`;
    const result = await host.run(['sh', '-c', BUILD_SCRIPT, 'sh', work, BUILD_LOG, record], {
      root: true,
      timeoutMs: BUILD_TIMEOUT_MS,
      allowFailure: true,
      label: 'building repcached',
    });
    if (result.exitCode !== 0) throw failed(host, result.exitCode, result.stdout, result.stderr);
    return { patch: state };
  } finally {
    await rm(folder, { recursive: true, force: true });
    await host.run(['rm', '-rf', '--', work], { root: true });
  }
}

function failed(host: Host, exitCode: number, stdout: string, stderr: string): OperatorError {
  const [step, ...lines] = stdout.trimEnd().split('\n');
  const what =
    exitCode === BUILD_FAILED
      ? `building repcached failed at "${step}":\n${lines.join('\n')}`
      : `building repcached failed:\n${stderr.trim()}`;
  return new OperatorError(`${host.name}: ${what}`, {
    code: 'BUILD_FAILED',
    exit: 'stepFailed',
    suggestions: [
      `see all of it on the host: ${BUILD_LOG}`,
      'nothing was installed; what was there before is still there',
    ],
  });
}
