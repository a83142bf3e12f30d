// Builds repcached on a host: packages, source, configure, make, install. What stands there already is not built again.
import { OperatorError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { Step } from '../service/service.js';
import { BUILD_SCRIPT } from './build-script.js';
import { describeFailure, INSTALL_REMEDIES, installArchive } from './install-archive.js';
import { BUILD_RECORD, PREFIX, PROGRAM } from './layout.js';
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
  const label = 'building repcached';
  const failure = await installArchive(host, {
    archive: writeTar(tree, SOURCE_MTIME_SEC),
    script: BUILD_SCRIPT,
    record: `source sha256 ${source.sha256}`,
    timeoutMs: BUILD_TIMEOUT_MS,
    label,
  });
  if (failure === undefined) return { patch: state };
  throw new OperatorError(describeFailure(host, label, failure), {
    code: 'BUILD_FAILED',
    exit: 'stepFailed',
    suggestions: INSTALL_REMEDIES,
  });
}
