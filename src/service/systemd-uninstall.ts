// The steps that take a node off a systemd host, and with the last node all that the nodes shared.
import type { Host } from '../host/host.js';
import type { Step } from './service.js';
import { removalStep } from './steps.js';
import {
  MEMORY_FOLDER,
  nodeLayout,
  PROGRAM_FOLDER,
  SETTINGS_FOLDER,
  UNIT_DROP_INS,
  UNIT_FILE,
  USER,
} from './systemd-layout.js';

/** In order; each looks for itself at what is still there, so that a half-installed host is cleaned as well. */
export function systemdUninstallSteps(host: Host, port: number): Step[] {
  const layout = nodeLayout(port);
  const { unit } = layout;
  const timer = `${layout.restoreUnit}.timer`;
  const whenLast = (step: Step): Step => ({
    ...step,
    check: async () => ((await hasOtherNodes(host, port)) ? undefined : await step.check()),
  });
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
    whenLast(userRemovalStep(host)),
    forgetStep(host, port),
  ];
}

/** Other nodes on this host, by their settings. */
async function hasOtherNodes(host: Host, port: number): Promise<boolean> {
  const script = 'for file in "$1"/*.env; do [ -e "$file" ] && [ "$file" != "$2" ] && exit 0; done; exit 1';
  const argv = ['sh', '-c', script, 'sh', SETTINGS_FOLDER, nodeLayout(port).environmentFile] as const;
  return (await host.run(argv, { root: true, allowFailure: true })).exitCode === 0;
}

function userRemovalStep(host: Host): Step {
  const exists = async (database: 'passwd' | 'group'): Promise<boolean> =>
    (await host.run(['getent', database, USER], { allowFailure: true })).exitCode === 0;
  return {
    title: `System user ${USER}`,
    check: async () => {
      if (await exists('passwd')) return `user ${USER} is there`;
      return (await exists('group')) ? `group ${USER} is there` : undefined;
    },
    apply: async () => {
      if (await exists('passwd')) await host.run(['/usr/sbin/userdel', USER], { root: true });
      if (await exists('group')) await host.run(['/usr/sbin/groupdel', USER], { root: true });
    },
  };
}

/** systemd remembers units that failed or are gone from the disk until it is told to forget them. */
function forgetStep(host: Host, port: number): Step {
  const { unit, restoreUnit } = nodeLayout(port);
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
