// A node of the C program repcached as a systemd unit, repcached-legacy@<port>.service.
import { OperatorError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { NodeService, NodeSpec, NodeStatus, Step } from '../service/service.js';
import { fileStep, folderStep, removalStep } from '../service/steps.js';
import { enableStep, reloadStep, userStep } from '../service/systemd-install.js';
import { templateStep } from '../service/systemd-settings.js';
import { unitStatus } from '../service/systemd-status.js';
import { forgetStep, haltSteps, sliceStep, userRemovalStep } from '../service/systemd-uninstall.js';
import { readTemplate } from '../service/templates.js';
import { UnitService } from '../service/unit-service.js';
import { FIREWALLS, type Firewall, firewallOf, firewallRemovalStep, firewallSteps } from './firewall.js';
import {
  BUILD_LOG,
  BUILD_RECORD,
  LEGACY_SETTINGS,
  LEGACY_SLICE,
  LEGACY_UNIT_FILE,
  LEGACY_USER,
  legacyLayout,
  PREFIX,
} from './layout.js';
import { isReplaced, migrationUnderWay } from './replaced.js';

/** What the C program can be told; the rest of a NodeSpec means nothing to it. */
export type LegacySpec = Pick<
  NodeSpec,
  'name' | 'port' | 'replicationPort' | 'peerAddress' | 'peerReplicationPort' | 'memoryMb' | 'connections'
>;

export interface LegacyServiceOptions {
  readonly port: number;
  readonly replicationPort: number;
  /** As in the recipe: in the background and as root. */
  readonly verbatim: boolean;
  /** Known once both hosts are reached; its firewall rule goes with the node. */
  readonly peerAddress: string;
}

/** Longer than the unit's own limit for stopping. */
const POWER_TIMEOUT_MS = 60_000;
const OTHER_FILES = 256;

/**
 * After `restart` the peer may not listen yet when the node is back: whoever restarts one of a pair uses `stop` and
 * `start`.
 */
export class LegacyService extends UnitService implements NodeService {
  readonly #options: LegacyServiceOptions;

  constructor(host: Host, name: 'a' | 'b', options: LegacyServiceOptions) {
    super(host, name, legacyLayout(options.port), POWER_TIMEOUT_MS);
    this.#options = options;
  }

  /** All but the program itself, which `buildSteps` make. */
  installSteps(spec: LegacySpec): readonly Step[] {
    const { host } = this;
    const { unit, environmentFile, dropIns } = legacyLayout(spec.port);
    const folder = (path: string): Step =>
      folderStep(host, { title: `Folder ${path}`, path, mode: 0o755, owner: 'root:root', root: true });
    const file = (title: string, path: string, content: string): Step =>
      fileStep(host, {
        title,
        path,
        content,
        mode: 0o644,
        owner: 'root:root',
        root: true,
        needsRestart: true,
      });
    return [
      userStep(host, LEGACY_USER),
      folder(LEGACY_SETTINGS),
      file('Settings', environmentFile, legacySettings(spec)),
      templateStep(host, { title: 'Unit', template: 'repcached-legacy@.service', path: LEGACY_UNIT_FILE }),
      folder(dropIns),
      file('Limit of open files', `${dropIns}/limits.conf`, limits(spec)),
      verbatimStep(host, `${dropIns}/verbatim.conf`, this.#options.verbatim),
      this.#firewallStep(),
      reloadStep(host, unit),
      enableStep(host, unit),
    ];
  }

  uninstallSteps(): readonly Step[] {
    return this.#removalSteps([this.#firewallRemovalStep()], [BUILD_LOG], [this.#programRemovalStep()]);
  }

  /**
   * Takes the node away from under one of ours that has its place. The program stays; and so does what lets the peer
   * through a firewall that keeps everybody else out, as the peer still has to get in.
   */
  retireSteps(): readonly Step[] {
    return this.#removalSteps([this.#firewallRemovalStep(['nftables'])], [], []);
  }

  #removalSteps(firewall: Step[], logs: readonly string[], program: Step[]): readonly Step[] {
    const { host } = this;
    const layout = legacyLayout(this.#options.port);
    const whenLast = (step: Step): Step => ({
      ...step,
      check: async () => ((await this.#hasOtherNodes()) ? undefined : await step.check()),
    });
    return [
      ...haltSteps(host, layout),
      ...firewall,
      removalStep(host, {
        title: 'Settings',
        paths: [layout.environmentFile, layout.nftFile, layout.dropIns, layout.runtimeDropIns],
        root: true,
      }),
      whenLast(
        removalStep(host, {
          title: 'Unit and build log',
          paths: [LEGACY_UNIT_FILE, LEGACY_SETTINGS, ...logs],
          root: true,
        }),
      ),
      ...program.map(whenLast),
      whenLast(userRemovalStep(host, LEGACY_USER)),
      whenLast(sliceStep(host, LEGACY_SLICE)),
      forgetStep(host, layout),
    ];
  }

  async status(): Promise<NodeStatus> {
    const status = await unitStatus(this.host, { ...legacyLayout(this.#options.port), releaseLink: '' });
    if (status.state === 'running' || !(await isReplaced(this.host, this.#options.port))) return status;
    return { ...status, detail: 'our engine runs in its place: see repcachectl migrate --dry-run' };
  }

  override async start(): Promise<void> {
    if (await isReplaced(this.host, this.#options.port)) throw migrationUnderWay(this.name);
    await super.start();
  }

  /** Which firewall the host runs is known only when it is asked. */
  #firewallStep(): Step {
    const wanted = async (): Promise<readonly Step[]> => {
      const firewall = await firewallOf(this.host);
      return firewall === undefined ? [] : firewallSteps(this.host, firewall, this.#options);
    };
    return {
      title: 'Firewall: only the peer reaches the replication port',
      needsRestart: true,
      check: async () => {
        for (const step of await wanted()) {
          const difference = await step.check();
          if (difference !== undefined) return difference;
        }
        return undefined;
      },
      apply: async () => {
        for (const step of await wanted()) if ((await step.check()) !== undefined) await step.apply();
      },
    };
  }

  #firewallRemovalStep(only: readonly Firewall[] = FIREWALLS): Step {
    const wanted = async (): Promise<Step | undefined> => {
      const firewall = await firewallOf(this.host);
      if (firewall === undefined || !only.includes(firewall)) return undefined;
      return firewallRemovalStep(this.host, firewall, this.#options);
    };
    return {
      title: 'Firewall rule for the peer',
      check: async () => (await wanted())?.check(),
      apply: async () => (await wanted())?.apply(),
    };
  }

  /** What was there before repcachectl, built by hand, is not repcachectl's to remove. */
  #programRemovalStep(): Step {
    const removal = removalStep(this.host, { title: 'The program', paths: [PREFIX], root: true });
    return {
      ...removal,
      check: async () =>
        (await this.host.readFile(BUILD_RECORD, { root: true })) === undefined
          ? undefined
          : await removal.check(),
    };
  }

  async #hasOtherNodes(): Promise<boolean> {
    const script = 'for file in "$1"/*.env; do [ -e "$file" ] && [ "$file" != "$2" ] && exit 0; done; exit 1';
    const { environmentFile } = legacyLayout(this.#options.port);
    const argv = ['sh', '-c', script, 'sh', LEGACY_SETTINGS, environmentFile] as const;
    return (await this.host.run(argv, { root: true, allowFailure: true })).exitCode === 0;
  }
}

/**
 * Content of /etc/repcached-legacy/<port>.env.
 * @throws OperatorError `BAD_SETTING` (exit config) for a peer that systemd would not pass on as it is
 */
export function legacySettings(spec: LegacySpec): string {
  if (!/^[\w.:%-]+$/.test(spec.peerAddress)) {
    throw new OperatorError(`node ${spec.name}: the peer cannot be ${JSON.stringify(spec.peerAddress)}`, {
      code: 'BAD_SETTING',
      exit: 'config',
    });
  }
  const { replicationPort: listen, peerReplicationPort: connect } = spec;
  return [
    `# Settings of repcached-legacy@${spec.port}.service, written by repcachectl from repcache.yaml.`,
    `MEMORY_MB=${spec.memoryMb}`,
    `CONNECTIONS=${spec.connections}`,
    `PEER=${spec.peerAddress}`,
    `REPLICATION_PORTS=${listen === connect ? listen : `${listen}:${connect}`}`,
    '',
  ].join('\n');
}

/** The program raises no limit that it is not allowed to, and gives up instead of serving fewer. */
function limits(spec: LegacySpec): string {
  return (
    `# Written by repcachectl: ${spec.connections} connections and what the node needs besides.\n` +
    `[Service]\nLimitNOFILE=${spec.connections + OTHER_FILES}\n`
  );
}

/** The drop-in is there exactly with --verbatim. */
function verbatimStep(host: Host, path: string, verbatim: boolean): Step {
  const removal = removalStep(host, { title: 'Run as in the old recipe', paths: [path], root: true });
  if (!verbatim) return { ...removal, title: 'Run in the foreground, not as root', needsRestart: true };
  const step = async (): Promise<Step> =>
    fileStep(host, {
      title: removal.title,
      path,
      content: await readTemplate('legacy-verbatim.conf'),
      mode: 0o644,
      owner: 'root:root',
      root: true,
    });
  return {
    title: removal.title,
    needsRestart: true,
    check: async () => await (await step()).check(),
    apply: async () => await (await step()).apply(),
  };
}
