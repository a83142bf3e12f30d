// The steps that take a node off a systemd host, and with the last node all that the nodes shared.
import type { Host } from '../host/host.js';
import type { Step } from './service.js';
import { removalStep } from './steps.js';
import {
  MEMORY_FOLDER,
  type NodeLayout,
  nodeLayout,
  PROGRAM_FOLDER,
  SETTINGS_FOLDER,
  SLICE,
  UNIT_DROP_INS,
  UNIT_FILE,
  USER,
} from './systemd-layout.js';

type UnitNames = Pick<NodeLayout, 'unit' | 'restoreUnit'>;

/** In order; each looks for itself at what is still there, so that a half-installed host is cleaned as well. */
export function systemdUninstallSteps(host: Host, port: number): Step[] {
  const layout = nodeLayout(port);
  const whenLast = (step: Step): Step => ({
    ...step,
    check: async () => ((await hasOtherNodes(host, port)) ? undefined : await step.check()),
  });
  return [
    ...haltSteps(host, layout),
    removalStep(host, {
      title: 'Settings, secret and saved items',
      paths: [
        layout.secretFile,
        layout.memoryFile,
        `${layout.memoryFile}.new`,
        layout.dropIns,
        layout.runtimeDropIns,
        layout.environmentFile,
      ],
      root: true,
    }),
    whenLast(
      removalStep(host, {
        title: 'Unit and releases',
        paths: [UNIT_FILE, UNIT_DROP_INS, PROGRAM_FOLDER, SETTINGS_FOLDER, MEMORY_FOLDER],
        root: true,
      }),
    ),
    whenLast(userRemovalStep(host, USER)),
    whenLast(sliceStep(host, SLICE)),
    forgetStep(host, layout),
  ];
}

/** Stops a node's unit for good, and the timer that might bring it back. */
export function haltSteps(host: Host, { unit, restoreUnit }: UnitNames): Step[] {
  const timer = `${restoreUnit}.timer`;
  return [
    {
      title: 'Timer that would bring the node back',
      check: async () => ((await isActive(host, timer)) ? `${timer} is running` : undefined),
      apply: async () => {
        await host.run(['systemctl', 'stop', timer], { root: true });
      },
    },
    {
      title: 'Stop the node',
      check: async () => ((await isActive(host, unit)) ? `${unit} is running` : undefined),
      apply: async () => {
        await host.run(['systemctl', 'stop', unit], { root: true });
      },
    },
    {
      title: 'Do not start at boot',
      check: async () => {
        const { stdout } = await host.run(['systemctl', 'is-enabled', unit], { allowFailure: true });
        return stdout.trim() === 'enabled' ? `${unit} is enabled` : undefined;
      },
      apply: async () => {
        await host.run(['systemctl', 'disable', unit], { root: true });
      },
    },
  ];
}

/** Other nodes on this host, by their settings. */
async function hasOtherNodes(host: Host, port: number): Promise<boolean> {
  const script = 'for file in "$1"/*.env; do [ -e "$file" ] && [ "$file" != "$2" ] && exit 0; done; exit 1';
  const argv = ['sh', '-c', script, 'sh', SETTINGS_FOLDER, nodeLayout(port).environmentFile] as const;
  return (await host.run(argv, { root: true, allowFailure: true })).exitCode === 0;
}

export function userRemovalStep(host: Host, user: string): Step {
  const exists = async (database: 'passwd' | 'group'): Promise<boolean> =>
    (await host.run(['getent', database, user], { allowFailure: true })).exitCode === 0;
  return {
    title: `System user ${user}`,
    check: async () => {
      if (await exists('passwd')) return `user ${user} is there`;
      return (await exists('group')) ? `group ${user} is there` : undefined;
    },
    apply: async () => {
      if (await exists('passwd')) await host.run(['/usr/sbin/userdel', user], { root: true });
      if (await exists('group')) await host.run(['/usr/sbin/groupdel', user], { root: true });
    },
  };
}

/** systemd makes a slice for the instances of a template, and keeps it when the last of them has gone. */
export function sliceStep(host: Host, slice: string): Step {
  return {
    title: 'Slice of the nodes',
    check: async () => ((await isActive(host, slice)) ? `${slice} is still there` : undefined),
    apply: async () => {
      await host.run(['systemctl', 'stop', slice], { root: true });
    },
  };
}

/** systemd remembers units that failed or are gone from the disk until it is told to forget them. */
export function forgetStep(host: Host, { unit, restoreUnit }: UnitNames): Step {
  const units = [unit, `${restoreUnit}.service`, `${restoreUnit}.timer`];
  return {
    title: 'What systemd remembers of it',
    check: async () => {
      const { stdout } = await host.run([
        'systemctl',
        'show',
        '-p',
        'ActiveState',
        '-p',
        'NeedDaemonReload',
        ...units,
      ]);
      return /ActiveState=failed|NeedDaemonReload=yes/.test(stdout) ? `${unit} is remembered` : undefined;
    },
    apply: async () => {
      await host.run(['systemctl', 'daemon-reload'], { root: true });
      await host.run(['systemctl', 'reset-failed', ...units], { root: true, allowFailure: true });
    },
  };
}

async function isActive(host: Host, unit: string): Promise<boolean> {
  const { stdout } = await host.run(['systemctl', 'is-active', unit], { allowFailure: true });
  return !['inactive', 'failed', 'unknown'].includes(stdout.trim());
}
