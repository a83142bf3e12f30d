// A node as a systemd unit, repcached@<port>.service.
import type { Host } from '../host/host.js';
import type { NodeService, NodeSpec, NodeStatus, Step } from './service.js';
import { systemdInstallSteps } from './systemd-install.js';
import { CURRENT_LINK, nodeLayout } from './systemd-layout.js';
import { secretStep } from './systemd-settings.js';
import { unitStatus } from './systemd-status.js';
import { systemdUninstallSteps } from './systemd-uninstall.js';
import { UnitService } from './unit-service.js';

/** Longer than the unit's own limit for stopping, however much there is to save. */
const POWER_TIMEOUT_MS = 1_800_000;

export class SystemdService extends UnitService implements NodeService {
  readonly #port: number;

  /** @param port the client port, by which the units on a host are told apart */
  constructor(host: Host, name: 'a' | 'b', port: number) {
    super(host, name, nodeLayout(port), POWER_TIMEOUT_MS);
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

  reload(): Promise<void> {
    return this.systemctl('reload');
  }

  secretStep(content: string): Step {
    return secretStep(this.host, this.#port, content);
  }
}
