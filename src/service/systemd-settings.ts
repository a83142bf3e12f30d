// The files that configure a node on a systemd host: settings, secret, unit, drop-ins.
import type { Host } from '../host/host.js';
import { environmentFile } from './engine-arguments.js';
import type { NodeSpec, Step } from './service.js';
import { type FileStepOptions, fileStep, folderStep } from './steps.js';
import {
  MEMORY_FOLDER,
  nodeLayout,
  SETTINGS_FOLDER,
  UNIT_DROP_INS,
  UNIT_FILE,
  USER,
} from './systemd-layout.js';
import { readTemplate } from './templates.js';

/** From here on systemd knows all of the groups of system calls that the filter names. */
const SYSTEMD_WITH_SYSTEM_SERVICE = 239;

/** Files a node has open besides its clients' connections: listeners, link, executable, log, and some to spare. */
const OTHER_FILES = 256;

/** To answer clients and hand over to the peer; the rest of the time for stopping is for saving the items. */
const STOP_BASE_SEC = 15;
/** Less than half of what a busy machine was seen to do with 100 B values. */
const SAVED_MB_PER_SEC = 20;

export function engineSettingsSteps(host: Host, spec: NodeSpec): Step[] {
  const { environmentFile: environmentPath, dropIns } = nodeLayout(spec.port);
  const file = (options: Omit<FileStepOptions, 'root' | 'needsRestart'>): Step =>
    fileStep(host, { ...options, root: true, needsRestart: true });
  return [
    // The service user gets in to read its secret; others see no more than that there are settings.
    folderStep(host, {
      title: `Folder ${SETTINGS_FOLDER}`,
      path: SETTINGS_FOLDER,
      mode: 0o755,
      owner: 'root:root',
      root: true,
    }),
    folderStep(host, {
      title: `Folder ${MEMORY_FOLDER}`,
      path: MEMORY_FOLDER,
      mode: 0o700,
      owner: `${USER}:${USER}`,
      root: true,
    }),
    file({
      title: 'Settings',
      path: environmentPath,
      content: environmentFile(spec),
      mode: 0o640,
      owner: `root:${USER}`,
    }),
    secretStep(host, spec.port, spec.secretText),
    templateStep(host, { title: 'Unit', template: 'repcached@.service', path: UNIT_FILE }),
    ...systemCallSteps(host),
    folderStep(host, {
      title: `Folder ${dropIns}`,
      path: dropIns,
      mode: 0o755,
      owner: 'root:root',
      root: true,
    }),
    file({
      title: 'Limits',
      path: `${dropIns}/limits.conf`,
      content: limits(spec),
      mode: 0o644,
      owner: 'root:root',
    }),
  ];
}

export function secretStep(host: Host, port: number, content: string): Step {
  return fileStep(host, {
    title: 'Secret of the link',
    path: nodeLayout(port).secretFile,
    content,
    mode: 0o600,
    owner: `${USER}:${USER}`,
    root: true,
    needsReload: true,
  });
}

/** A unit's own directives take no variables, so what depends on the settings is a drop-in of this one node. */
export function limits(spec: NodeSpec): string {
  const stopSec = STOP_BASE_SEC + Math.ceil(spec.memoryMb / SAVED_MB_PER_SEC);
  return (
    `# Written by repcachectl: ${spec.connections} connections and what the node needs besides; time to save ${spec.memoryMb} MB.\n` +
    `[Service]\nLimitNOFILE=${spec.connections + OTHER_FILES}\nTimeoutStopSec=${stopSec}\n`
  );
}

function systemCallSteps(host: Host): Step[] {
  const path = `${UNIT_DROP_INS}/syscalls.conf`;
  const folder = folderStep(host, {
    title: `Folder ${UNIT_DROP_INS}`,
    path: UNIT_DROP_INS,
    mode: 0o755,
    owner: 'root:root',
    root: true,
  });
  const file = templateStep(host, { title: 'Filter of system calls', template: 'syscalls.conf', path });
  return [folder, file].map((step) => ({
    ...step,
    check: async () =>
      (await systemdVersion(host)) < SYSTEMD_WITH_SYSTEM_SERVICE ? undefined : await step.check(),
  }));
}

export function templateStep(host: Host, options: { title: string; template: string; path: string }): Step {
  const step = async (): Promise<Step> =>
    fileStep(host, {
      title: options.title,
      path: options.path,
      content: await readTemplate(options.template),
      mode: 0o644,
      owner: 'root:root',
      root: true,
    });
  return {
    title: options.title,
    needsRestart: true,
    check: async () => await (await step()).check(),
    apply: async () => await (await step()).apply(),
  };
}

async function systemdVersion(host: Host): Promise<number> {
  const { stdout } = await host.run(['systemctl', '--version']);
  return Number(/^systemd (\d+)/.exec(stdout)?.[1] ?? 0);
}
