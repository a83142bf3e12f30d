// The lab itself: what it promises to the other lab tests, and that it leaves nothing on this machine.
import { readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, describe, expect, it } from 'vitest';
import { findInit } from './infra/hosts.js';
import {
  ALL_HOSTS,
  labLayout,
  namespaceOf,
  PAIR_HOSTS,
  REPOSITORY_DIR,
  TEST_LAB_NAME,
} from './infra/layout.js';
import { down, namespacesLeft, status, up } from './infra/lifecycle.js';
import { namespaceExists, processesIn } from './infra/network.js';
import { childrenOf, killProcesses, listProcesses, waitUntil } from './infra/processes.js';
import { Lab, useLab } from './use-lab.js';

const quietly = () => undefined;

describe('a lab that is up', () => {
  const lab = useLab();

  it('reaches the hosts by SSH from the ops machine, as each user', async () => {
    const login = (user: string, command: string) =>
      lab.ops(['ssh', '-o', 'BatchMode=yes', `${user}@b`, command]);
    expect(await login('root', 'hostname')).toMatchObject({ stdout: 'b', exitCode: 0 });
    expect(await login('operator', 'sudo -n id -u')).toMatchObject({ stdout: '0', exitCode: 0 });
    expect(await login('sudopw', 'sudo -n id -u')).toMatchObject({ exitCode: 1 });
    expect(await login('nosudo', 'sudo -n id -u')).toMatchObject({ exitCode: 1 });
  });

  it('boots a systemd in which nothing failed, without Node or Bun', async () => {
    for (const host of PAIR_HOSTS) {
      expect((await lab.on(host, 'systemctl is-system-running')).stdout).toBe('running');
      expect((await lab.on(host, 'command -v node bun')).stdout).toBe('');
    }
  });

  it('installs packages from the mirror of the lab', async () => {
    const { exitCode, stderr } = await lab.on(
      'a',
      'apt-get update && apt-get install --yes rsync && rsync --version',
    );
    expect(stderr).not.toMatch(/^E:/m);
    expect(exitCode).toBe(0);
  });

  it('is sealed off: no route out, no name server', async () => {
    expect((await lab.ops(['ip', 'route', 'show', 'default'])).stdout).toBe('');
    expect((await lab.on('a', 'ip route show default')).stdout).toBe('');
    expect((await lab.ops(['getent', 'hosts', 'host.invalid'])).exitCode).toBe(2);
  });

  it('cuts and heals a cable', async () => {
    const ping = () => lab.on('a', 'timeout 2 bash -c "</dev/tcp/192.168.37.27/22"');
    expect((await ping()).exitCode).toBe(0);
    await lab.cut('b');
    expect((await ping()).exitCode).toBe(124);
    await lab.heal('b');
    expect((await ping()).exitCode).toBe(0);
  });

  it('reboots a host, whose disk keeps its contents', async () => {
    const bootId =
      'cat /proc/sys/kernel/random/boot_id; systemctl show --property=UserspaceTimestampMonotonic';
    await lab.on('b', 'echo kept > /root/mark');
    const before = (await lab.on('b', bootId)).stdout;
    await lab.reboot('b');
    expect((await lab.on('b', bootId)).stdout).not.toBe(before);
    expect((await lab.on('b', 'cat /root/mark')).stdout).toBe('kept');
  });

  it('powers a host off without a goodbye, and on again', async () => {
    await lab.powerOff('b');
    await expect(lab.on('b', 'true')).rejects.toThrow('powered off');
    await lab.powerOn('b');
    expect((await lab.on('b', 'systemctl is-active ssh')).stdout).toBe('active');
  });

  it('gives a host a small disk', async () => {
    const restore = await lab.limitDisk('a', '/opt', 4);
    const write = () =>
      lab.on('a', 'dd if=/dev/zero of=/opt/file bs=1M count=8; status=$?; rm /opt/file; exit $status');
    expect((await write()).stderr).toContain('No space left');
    await restore();
    expect((await write()).exitCode).toBe(0);
  });

  it('is left alone by a second up', async () => {
    const before = PAIR_HOSTS.map((host) => findInit(lab.layout, host)?.pid);
    await up(lab.layout, PAIR_HOSTS, quietly);
    expect(PAIR_HOSTS.map((host) => findInit(lab.layout, host)?.pid)).toEqual(before);
  });
});

describe('a lab that crashed', () => {
  const layout = labLayout(TEST_LAB_NAME);
  afterAll(() => down(layout));

  it('is mended by up: a host whose container died keeps its disk', async () => {
    await up(layout, PAIR_HOSTS, quietly);
    const lab = new Lab(layout);
    await lab.on('a', 'echo kept > /root/mark && sync');
    await killProcesses([findInit(layout, 'a')].filter((info) => info !== undefined));
    await up(layout, PAIR_HOSTS, quietly);
    expect((await lab.on('a', 'cat /root/mark')).stdout).toBe('kept');
  });

  it('is made anew by up when its mirror has died', async () => {
    await killProcesses(await processesIn(namespaceOf(layout, 'switch')));
    await up(layout, PAIR_HOSTS, quietly);
    expect(
      (await status(layout)).filter((member) => member.state !== 'running').map((member) => member.name),
    ).toEqual(['proxy']);
  });

  it('is mended by up after an up that was killed half way', async () => {
    await down(layout);
    const env = { REPCACHECTL_LAB: layout.name };
    const tsx = ['--import', import.meta.resolve('tsx'), path.join(REPOSITORY_DIR, 'test/lab/lab.ts')];
    const halfWay = execa(process.execPath, [...tsx, 'up'], { env, reject: false, stdin: 'ignore' });
    await waitUntil(
      () => namespaceExists(namespaceOf(layout, 'a')),
      60_000,
      () => 'up made no namespace for host a',
    );
    halfWay.kill('SIGKILL');
    await halfWay;
    await up(layout, PAIR_HOSTS, quietly);
    expect((await new Lab(layout).on('a', 'systemctl is-active ssh')).stdout).toBe('active');
  });

  it('leaves nothing after down, even when its folders were lost', async () => {
    await rm(`${layout.stateDir}/ops`, { recursive: true });
    await down(layout);
    expect(leftovers()).toEqual([]);
    await down(layout);
  });

  /** Whatever on this machine carries the lab's name. */
  function leftovers(): string[] {
    const namespaces = namespacesLeft(layout);
    const mounts = readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .filter((line) => line.includes(`/${layout.name}/`) || line.includes(`${layout.name}-`));
    const processes = listProcesses().filter((info) =>
      info.argv.some((arg) => arg.includes(`${layout.stateDir}/`) || arg.includes(`${layout.name}-`)),
    );
    const hostProcesses = ALL_HOSTS.flatMap((host) => childrenOf(findInit(layout, host)?.pid ?? -1));
    const folders = [
      layout.stateDir,
      '/etc/netns',
      '/run/systemd/nspawn/locks',
      '/run/systemd/nspawn/propagate',
      '/sys/fs/cgroup',
      '/sys/fs/cgroup/systemd',
      '/sys/fs/cgroup/unified',
    ];
    const files = folders.flatMap((folder) => {
      try {
        return readdirSync(folder).filter(
          (name) => folder === layout.stateDir || name.includes(`${layout.name}-`),
        );
      } catch {
        return [];
      }
    });
    const devices = readdirSync('/sys/class/net').filter(
      (name) => name.startsWith('to-') || name.startsWith('br0'),
    );
    return [
      ...namespaces,
      ...mounts,
      ...[...processes, ...hostProcesses].map((info) => info.argv.join(' ')),
      ...files,
      ...devices,
    ];
  }
});
