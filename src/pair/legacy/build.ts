// build legacy: the C program on one host, or on this machine.
import type { Host } from '../../host/host.js';
import { LocalHost } from '../../host/local-host.js';
import { buildSteps, LegacySource } from '../../legacy/build.js';
import { PROGRAM } from '../../legacy/layout.js';
import { DEFAULT_SOURCE } from '../../legacy/source.js';
import { parseTarget } from '../config/target.js';
import { runSteps, summaryOf } from '../deploy/install.js';
import { type Access, openHostByTarget } from '../open.js';
import type { Progress } from '../progress.js';

export interface BuildLegacyOptions {
  /** `[user@]host[:port]`, or `here`. */
  readonly on: string;
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
}

/** @throws OperatorError; what stood on the host before still does then. */
export async function buildLegacy(options: BuildLegacyOptions): Promise<BuildLegacyReport> {
  const { on, access, signal, progress, sha256 } = options;
  const source = new LegacySource({ source: options.source ?? DEFAULT_SOURCE, sha256, signal });
  await progress.step('Get the source', () => source.get());
  const host = await openHost(options, access);
  try {
    const changes = await progress.step(`Build on ${on}`, async (say) => {
      const changed = await runSteps(buildSteps(host, { source, rebuild: true }), {
        dryRun: false,
        signal,
        say,
      });
      say(
        summaryOf(
          changed.map(({ title }) => title),
          'nothing to do',
        ),
      );
      return changed;
    });
    return { on, program: PROGRAM, built: changes.length > 0 };
  } finally {
    await host.close();
  }
}

function openHost({ on, login }: BuildLegacyOptions, access: Access): Promise<Host> {
  if (on !== 'here') return openHostByTarget({ ...login, ...parseTarget(on) }, access);
  const { sudoPassword } = access;
  return Promise.resolve(
    new LocalHost({ name: 'here', ...(sudoPassword !== undefined && { sudoPassword }) }),
  );
}
