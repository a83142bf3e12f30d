// A node as a systemd unit, repcached@<port>.service.
import type { Host } from '../host/host.js';
import type { NodeService, NodeSpec, NodeStatus, Step } from './service.js';
import { crashUnit, recoverUnit } from './systemd-crash.js';
import { systemdInstallSteps } from './systemd-install.js';
import { CURRENT_LINK, nodeLayout } from './systemd-layout.js';
import { secretStep } from './systemd-settings.js';
import { unitStatus } from './systemd-status.js';
import { systemdUninstallSteps } from './systemd-uninstall.js';

/** Longer than the unit's own limit for stopping, however much there is to save. */
const POWER_TIMEOUT_MS = 1_800_000;

export class SystemdService implements NodeService {
  readonly host: Host;
  readonly name: 'a' | 'b';
  readonly #port: number;

  /** @param port the client port, by which the units on a host are told apart */
  constructor(host: Host, name: 'a' | 'b', port: number) {
    this.host = host;
    this.name = name;
    this.#port = port;
  }

  installSteps(spec: NodeSpec): readonly Step[] {
    return systemdInstallSteps(this.host, spec);
  }

  uninstallSteps(): readonly Step[] {
    return systemdUninstallSteps(this.host, this.#port);
  }

  status(): Promise<NodeStatus> {
    return unitStatus(this.host, { ...nodeLayout(this.#port), releaseLink: CURRENT_LINK });
  }

  start(): Promise<void> {
    return this.#systemctl('start');
  }

  stop(): Promise<void> {
    return this.#systemctl('stop');
  }

  restart(): Promise<void> {
    return this.#systemctl('restart');
  }

  reload(): Promise<void> {
    return this.#systemctl('reload');
  }

  secretStep(content: string): Step {
    return secretStep(this.host, this.#port, content);
  }

  crash(options: { restoreAfterSec: number }): Promise<void> {
    return crashUnit(this.host, nodeLayout(this.#port), options.restoreAfterSec);
  }

  recover(): Promise<void> {
    return recoverUnit(this.host, nodeLayout(this.#port));
  }

  async logs(options: { lines: number }): Promise<string> {
    const { unit } = nodeLayout(this.#port);
    const argv = [
      'journalctl',
      '--no-pager',
      '-o',
      'short-iso',
      '-n',
      String(options.lines),
      '-u',
      unit,
    ] as const;
    return (await this.host.run(argv, { root: true })).stdout;
  }

  async #systemctl(verb: 'start' | 'stop' | 'restart' | 'reload'): Promise<void> {
    const { unit } = nodeLayout(this.#port);
    await this.host.run(['systemctl', verb, unit], { root: true, timeoutMs: POWER_TIMEOUT_MS });
  }
}
