// The steps that put a node on a systemd host.
import type { Host } from '../host/host.js';
import type { NodeSpec, Step } from './service.js';
import { folderStep, linkStep, releaseStep } from './steps.js';
import { CURRENT_LINK, nodeLayout, PROGRAM_FOLDER, RELEASES_FOLDER, USER } from './systemd-layout.js';
import { engineSettingsSteps } from './systemd-settings.js';

/** In order; see NodeService.installSteps. */
export function systemdInstallSteps(host: Host, spec: NodeSpec): Step[] {
  return [...systemdFileSteps(host, spec), enableStep(host, nodeLayout(spec.port).unit)];
}

/** All but starting at boot: for a node whose place something else has for now. */
export function systemdFileSteps(host: Host, spec: NodeSpec): Step[] {
  const { unit } = nodeLayout(spec.port);
  const folder = (path: string): Step =>
    folderStep(host, { title: `Folder ${path}`, path, mode: 0o755, owner: 'root:root', root: true });
  return [
    userStep(host, USER),
    folder(PROGRAM_FOLDER),
    folder(RELEASES_FOLDER),
    releaseStep(host, {
      release: spec.release,
      path: `${RELEASES_FOLDER}/${spec.release.id}/repcached`,
      owner: 'root:root',
      root: true,
    }),
    linkStep(host, {
      title: 'Current release',
      path: CURRENT_LINK,
      target: `releases/${spec.release.id}`,
      root: true,
      needsRestart: true,
    }),
    ...engineSettingsSteps(host, spec),
    reloadStep(host, unit),
  ];
}

/** useradd is called by its full path, as logins of ordinary users often have no /usr/sbin in theirs. */
export function userStep(host: Host, user: string): Step {
  return {
    title: `System user ${user}`,
    check: async () => {
      const { exitCode } = await host.run(['getent', 'passwd', user], { allowFailure: true });
      return exitCode === 0 ? undefined : `user ${user} is missing`;
    },
    apply: async () => {
      const { exitCode } = await host.run(['getent', 'group', user], { allowFailure: true });
      // A group that an earlier, interrupted removal left behind.
      const group = exitCode === 0 ? ['--gid', user] : ['--user-group'];
      await host.run(
        [
          '/usr/sbin/useradd',
          '--system',
          ...group,
          '--no-create-home',
          '--home-dir',
          '/nonexistent',
          '--shell',
          '/usr/sbin/nologin',
          user,
        ],
        { root: true },
      );
    },
  };
}

/** systemd reads units only when told to; also mends a run that stopped between writing and telling. */
export function reloadStep(host: Host, unit: string): Step {
  return {
    title: 'Units as systemd has read them',
    check: async () => {
      const { stdout } = await host.run([
        'systemctl',
        'show',
        '-p',
        'LoadState',
        '-p',
        'NeedDaemonReload',
        unit,
      ]);
      if (stdout.includes('NeedDaemonReload=yes')) return `${unit} has changed on disk`;
      return stdout.includes('LoadState=loaded') ? undefined : `${unit} is not loaded`;
    },
    apply: async () => {
      await host.run(['systemctl', 'daemon-reload'], { root: true });
    },
  };
}

export function enableStep(host: Host, unit: string): Step {
  return {
    title: 'Start at boot',
    check: async () => {
      const { stdout } = await host.run(['systemctl', 'is-enabled', unit], { allowFailure: true });
      return stdout.trim() === 'enabled' ? undefined : `${unit} is not enabled`;
    },
    apply: async () => {
      await host.run(['systemctl', 'enable', unit], { root: true });
    },
  };
}
