// build legacy: the C program on one host, or on this machine, and copied from there to another one.
import type { Host } from '../../host/host.js';
import { LocalHost } from '../../host/local-host.js';
import { refuseUnlike } from '../../legacy/alike.js';
import { type BuildWish, buildSteps, LegacySource } from '../../legacy/build.js';
import { copySteps } from '../../legacy/copy-build.js';
import { PROGRAM } from '../../legacy/layout.js';
import { DEFAULT_SOURCE } from '../../legacy/source.js';
import type { Step } from '../../service/service.js';
import { parseTarget } from '../config/target.js';
import { runSteps, summaryOf } from '../deploy/install.js';
import { type Access, openHostByTarget } from '../open.js';
import type { Progress } from '../progress.js';

export interface BuildLegacyOptions {
  /** `[user@]host[:port]`, or `here`. */
  readonly on: string;
  /** A host of the same system, named in the same way, that gets a copy of it. */
  readonly copyTo?: string | undefined;
  readonly login: {
    readonly user?: string | undefined;
    readonly sshPort?: number | undefined;
    readonly identityFile?: string | undefined;
  };
  /** Default: the authors' archive. */
  readonly source?: string | undefined;
  readonly sha256?: string | undefined;
  readonly access: Access;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** Ready for JSON. */
export interface BuildLegacyReport {
  readonly on: string;
  readonly program: string;
  /** False when the program stood there already, built from the same source. */
  readonly built: boolean;
  readonly copyTo?: string;
  /** False when the program stood there already as well. */
  readonly copied?: boolean;
}

/** @throws OperatorError; what stood on the host before still does then. */
export async function buildLegacy(options: BuildLegacyOptions): Promise<BuildLegacyReport> {
  const { on, copyTo, signal, progress, sha256 } = options;
  const source = new LegacySource({ source: options.source ?? DEFAULT_SOURCE, sha256, signal });
  const wish: BuildWish = { source, rebuild: true };
  /** Whether anything was to be done. */
  const change = (title: string, steps: readonly Step[]): Promise<boolean> =>
    progress.step(title, async (say) => {
      const changed = await runSteps(steps, { dryRun: false, signal, say });
      const titles = changed.map((step) => step.title);
      say(summaryOf(titles, 'nothing to do'));
      return titles.length > 0;
    });
  await progress.step('Get the source', () => source.get());
  return withHost(on, options, async (host) => {
    const build = () => change(`Build on ${on}`, buildSteps(host, wish));
    if (copyTo === undefined) return { on, program: PROGRAM, built: await build() };
    return await withHost(copyTo, options, async (other) => {
      await refuseUnlike(host, other);
      const built = await build();
      const copied = await change(`Copy to ${copyTo}: same system`, copySteps(host, other, wish));
      return { on, program: PROGRAM, built, copyTo, copied };
    });
  });
}

async function withHost<T>(
  target: string,
  { login, access }: BuildLegacyOptions,
  work: (host: Host) => Promise<T>,
): Promise<T> {
  const { sudoPassword } = access;
  const host =
    target === 'here'
      ? new LocalHost({ name: 'here', ...(sudoPassword !== undefined && { sudoPassword }) })
      : await openHostByTarget({ ...login, ...parseTarget(target) }, access);
  try {
    return await work(host);
  } finally {
    await host.close();
  }
}
