// The distribution's own memcached as a node: its package, its unit, its configuration file. It replicates nothing.
import { OperatorError } from '../errors.js';
import type { Host } from '../host/host.js';
import { pathState } from '../service/path-state.js';
import type { NodeService, NodeSpec, NodeStatus, Step } from '../service/service.js';
import { enableStep } from '../service/systemd-install.js';
import { unitStatus } from '../service/systemd-status.js';
import { haltSteps } from '../service/systemd-uninstall.js';
import { UnitService } from '../service/unit-service.js';
import { installPackages, missingPackages, packageManagerOf } from './packages.js';
import { STOCK_CONFIG_FILES, stockConfig } from './stock-config.js';

const UNIT = 'memcached.service';
const LAYOUT = {
  unit: UNIT,
  runtimeDropIns: `/run/systemd/system/${UNIT}.d`,
  restoreUnit: 'memcached-restore',
};
/** Beside the configuration file: what it was before, so that destroy brings it back. */
const ORIGINAL = '.repcachectl-original';
/** Says that repcachectl installed the package, and may take it away again. */
const INSTALLED_MARK = '/var/lib/repcachectl-installed-memcached';
const POWER_TIMEOUT_MS = 60_000;

export class StockService extends UnitService implements NodeService {
  constructor(host: Host, name: 'a' | 'b') {
    super(host, name, LAYOUT, POWER_TIMEOUT_MS);
  }

  installSteps(
    spec: Pick<NodeSpec, 'port' | 'memoryMb' | 'connections' | 'listenAddresses'>,
  ): readonly Step[] {
    return [this.#packageStep(), this.#configStep(spec), enableStep(this.host, UNIT)];
  }

  uninstallSteps(): readonly Step[] {
    const { host } = this;
    const managed = async (): Promise<string | undefined> => {
      for (const path of STOCK_CONFIG_FILES) {
        if ((await pathState(host, path + ORIGINAL, true)) !== undefined) return path;
      }
      return undefined;
    };
    // A memcached that repcachectl never configured is somebody else's: it goes on as it is.
    const ours = (step: Step): Step => ({
      ...step,
      check: async () => ((await managed()) === undefined ? undefined : await step.check()),
    });
    return [
      ...haltSteps(host, LAYOUT).map(ours),
      {
        title: 'Package memcached',
        check: async () => {
          const mark = await pathState(host, INSTALLED_MARK, true);
          return mark === undefined ? undefined : 'repcachectl installed it';
        },
        apply: async () => {
          const manager = await packageManagerOf(host);
          await host.run(manager.remove([manager.stockPackage]), { root: true, timeoutMs: 300_000 });
          for (const path of STOCK_CONFIG_FILES) {
            await host.run(['rm', '-f', '--', path, path + ORIGINAL], { root: true });
          }
          await host.run(['rm', '-f', '--', INSTALLED_MARK], { root: true });
        },
      },
      {
        title: 'Settings as they were',
        check: async () => {
          const path = await managed();
          return path && `${path}${ORIGINAL} is there`;
        },
        apply: async () => {
          const path = await managed();
          if (path !== undefined) await host.run(['mv', '-f', '--', path + ORIGINAL, path], { root: true });
        },
      },
    ];
  }

  async status(): Promise<NodeStatus> {
    const present = await Promise.all(STOCK_CONFIG_FILES.map((path) => pathState(this.host, path, false)));
    const environmentFile = STOCK_CONFIG_FILES[present.findIndex((state) => state !== undefined)];
    if (environmentFile === undefined) return { state: 'absent', detail: 'memcached is not installed' };
    return await unitStatus(this.host, { unit: UNIT, environmentFile, releaseLink: '' });
  }

  #packageStep(): Step {
    const { host } = this;
    return {
      title: 'Package memcached',
      check: async () => {
        const manager = await packageManagerOf(host);
        const missing = await missingPackages(host, manager, [manager.stockPackage]);
        return missing.length === 0 ? undefined : `${manager.stockPackage} is not installed`;
      },
      apply: async () => {
        const manager = await packageManagerOf(host);
        // The mark comes first: a run that stops in between must not leave a package that nobody owns up to.
        await host.writeFile(INSTALLED_MARK, '', { mode: 0o644, root: true });
        await installPackages(host, manager, [manager.stockPackage]);
      },
    };
  }

  #configStep(spec: Pick<NodeSpec, 'port' | 'memoryMb' | 'connections' | 'listenAddresses'>): Step {
    const { host } = this;
    const read = async () => {
      for (const path of STOCK_CONFIG_FILES) {
        const text = await host.readFile(path, { root: true });
        if (text !== undefined) return { path, text, wanted: stockConfig(path, text, spec) };
      }
      return undefined;
    };
    return {
      title: 'Settings of memcached',
      needsRestart: true,
      check: async () => {
        const found = await read();
        // Before the package is there, which a dry run does not install.
        if (found === undefined) return 'the package brings its configuration file';
        return found.text === found.wanted ? undefined : `${found.path} differs`;
      },
      apply: async () => {
        const found = await read();
        if (found === undefined) throw noConfigFile(host);
        const { path, wanted } = found;
        await host.run(['cp', '-pn', '--', path, path + ORIGINAL], { root: true });
        await host.writeFile(path, wanted, { mode: 0o644, owner: 'root:root', root: true });
      },
    };
  }
}

function noConfigFile(host: Host): OperatorError {
  return new OperatorError(
    `${host.name}: memcached is installed, but has no ${STOCK_CONFIG_FILES.join(' or ')}`,
    {
      code: 'NO_CONFIG_FILE',
      exit: 'unsuitable',
      suggestions: ["install the distribution's own package anew: it brings that file"],
    },
  );
}
