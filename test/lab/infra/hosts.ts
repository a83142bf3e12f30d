// One lab host over its life: made from the image, booted, run commands on, powered off, removed.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { addCgroup, cgroupOf, processesOfCgroup, removeCgroup } from './cgroups.js';
import { startDaemon } from './daemon.js';
import { CLEAN_ENV, LOGIN_USERS } from './image.js';
import { type HostName, hostDirs, type LabLayout, namespaceOf } from './layout.js';
import { addMember, cutLink, namespaceExists, processesIn, removeMember } from './network.js';
import { childrenOf, killProcesses, listProcesses, type ProcessInfo, waitUntil } from './processes.js';

const SUPERVISOR = fileURLToPath(new URL('./supervise.sh', import.meta.url));
const BOOT_TIMEOUT_MS = 90_000;

/** Gives the host a disk of its own: a writable layer over the image, or a whole copy where overlayfs is refused. */
export async function createHost(
  layout: LabLayout,
  host: HostName,
  image: string,
  publicKey: string,
): Promise<void> {
  const dirs = hostDirs(layout, host);
  await mkdir(dirs.upper, { recursive: true });
  await mkdir(dirs.work, { recursive: true });
  await mkdir(dirs.root, { recursive: true });
  const options = `lowerdir=${image},upperdir=${dirs.upper},workdir=${dirs.work}`;
  const mounted = await execa('mount', ['-t', 'overlay', 'overlay', '-o', options, dirs.root], {
    reject: false,
  });
  if (mounted.failed) await execa('cp', ['-a', '--reflink=auto', `${image}/.`, dirs.root]);

  await writeFile(path.join(dirs.root, 'etc/hostname'), `${host}\n`);
  await writeFile(path.join(dirs.root, 'etc/machine-id'), `${randomBytes(16).toString('hex')}\n`);
  await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path.join(dirs.root, HOST_KEY)]);
  await authorize(dirs.root, publicKey);
  await writeFile(dirs.complete, '');
}

const HOST_KEY = 'etc/ssh/ssh_host_ed25519_key';

/** The public half of the key by which sshd proves who it is. */
export async function hostPublicKey(layout: LabLayout, host: HostName): Promise<string> {
  const file = path.join(hostDirs(layout, host).root, `${HOST_KEY}.pub`);
  return (await readFile(file, 'utf8')).split(' ').slice(0, 2).join(' ');
}

async function authorize(root: string, publicKey: string): Promise<void> {
  const script = LOGIN_USERS.map(
    (user) => `install -d -m 0700 -o ${user} /home/${user}/.ssh
install -m 0600 -o ${user} /root/.ssh/authorized_keys /home/${user}/.ssh/authorized_keys`,
  ).join('\n');
  await mkdir(path.join(root, 'root/.ssh'), { recursive: true, mode: 0o700 });
  await writeFile(path.join(root, 'root/.ssh/authorized_keys'), publicKey, { mode: 0o600 });
  await execa('chroot', [root, '/bin/sh', '-e'], { input: script, env: CLEAN_ENV, extendEnv: false });
}

/**
 * Plugs the host in, boots it and waits until its systemd has started everything.
 * @throws when that takes longer than 90 s.
 */
export async function powerOn(layout: LabLayout, host: HostName): Promise<void> {
  const dirs = hostDirs(layout, host);
  await addMember(layout, host);
  await addCgroup(layout, host);
  const args = [
    ...['--quiet', '--register=no', '--keep-unit', '--boot', '--console=pipe'],
    `--machine=${namespaceOf(layout, host)}`,
    `--hostname=${host}`,
    rootArgument(layout, host),
    `--network-namespace-path=/run/netns/${namespaceOf(layout, host)}`,
    // As on any machine, its root may set up the firewall: of this namespace, which leads nowhere.
    '--capability=CAP_NET_ADMIN',
  ];
  startDaemon(['/bin/bash', SUPERVISOR, cgroupOf(layout, host), ...args], dirs.console);
  await waitForBoot(layout, host);
}

/**
 * Waits until the host's systemd says that everything has started (or that something failed to).
 * @throws after 90 s.
 */
export async function waitForBoot(layout: LabLayout, host: HostName): Promise<void> {
  await waitUntil(
    async () => ['running', 'degraded'].includes(await systemState(layout, host)),
    BOOT_TIMEOUT_MS,
    () => `host ${host} did not boot; see ${hostDirs(layout, host).console}`,
  );
}

/** What `systemctl is-system-running` says; `off` when the host is not powered on. */
export async function systemState(layout: LabLayout, host: HostName): Promise<string> {
  if (findInit(layout, host) === undefined) return 'off';
  const result = await execOnHost(layout, host, ['systemctl', 'is-system-running']).catch(() => undefined);
  return result?.stdout.trim() || 'booting';
}

export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/**
 * Runs a program on the host as root, as from its console: it needs neither network nor sshd.
 * A non-zero exit is not an error. What must go on after it has returned is started with systemd-run.
 * @throws when the host is powered off or the program runs longer than 60 s.
 */
export async function execOnHost(
  layout: LabLayout,
  host: HostName,
  argv: readonly string[],
  input = '',
): Promise<CommandResult> {
  const init = findInit(layout, host);
  if (init === undefined) throw new Error(`host ${host} is powered off`);
  const result = await execa('nsenter', [`--target=${init.pid}`, '--all', ...argv], {
    env: CLEAN_ENV,
    extendEnv: false,
    input,
    reject: false,
    timeout: 60_000,
  });
  if (result.exitCode === undefined) throw new Error(result.shortMessage);
  return { stdout: result.stdout, stderr: result.stderr, exitCode: result.exitCode };
}

/** Reboots the host as an operator would, and waits until it is up again. */
export async function reboot(layout: LabLayout, host: HostName): Promise<void> {
  const before = findInit(layout, host);
  await execOnHost(layout, host, ['systemctl', 'reboot']);
  await waitUntil(
    () => {
      const now = findInit(layout, host);
      return now !== undefined && now.startTicks !== before?.startTicks;
    },
    BOOT_TIMEOUT_MS,
    () => `host ${host} did not come back from its reboot; see ${hostDirs(layout, host).console}`,
  );
  await waitForBoot(layout, host);
}

/** Pulls the plug: no FIN, no RST, nothing written that was not on the disk. `powerOn` boots it again. */
export async function powerOff(layout: LabLayout, host: HostName): Promise<void> {
  const namespace = namespaceOf(layout, host);
  if (namespaceExists(namespace)) await cutLink(layout, host).catch(() => undefined);
  // The supervisor first, so that it can't boot the host again.
  await killProcesses(findSupervisors(layout, host));
  await killProcesses([
    ...processesOfCgroup(layout, host),
    ...findContainers(layout, host),
    ...(await processesIn(namespace)),
  ]);
  await removeMember(layout, host);
  await removeCgroup(layout, host);
  for (const dir of ['locks', 'propagate']) {
    await rm(`/run/systemd/nspawn/${dir}/${namespace}`, { recursive: true, force: true });
  }
}

/** Powers off and throws the disk away. Also clears up after a run that crashed half way. */
export async function destroyHost(layout: LabLayout, host: HostName): Promise<void> {
  const dirs = hostDirs(layout, host);
  await powerOff(layout, host);
  while (await isMountPoint(dirs.root)) await execa('umount', [dirs.root]);
  await rm(dirs.base, { recursive: true, force: true });
}

/** The host's process 1, as a process of this machine. */
export function findInit(layout: LabLayout, host: HostName): ProcessInfo | undefined {
  return findContainers(layout, host)
    .flatMap((container) => childrenOf(container.pid))
    .find((info) => info.argv[0]?.endsWith('/systemd') || info.argv[0]?.endsWith('/init'));
}

function rootArgument(layout: LabLayout, host: HostName): string {
  return `--directory=${hostDirs(layout, host).root}`;
}

function findContainers(layout: LabLayout, host: HostName): ProcessInfo[] {
  const argument = rootArgument(layout, host);
  return listProcesses().filter((info) => info.argv[0] === 'systemd-nspawn' && info.argv.includes(argument));
}

function findSupervisors(layout: LabLayout, host: HostName): ProcessInfo[] {
  const argument = rootArgument(layout, host);
  return listProcesses().filter((info) => info.argv[1] === SUPERVISOR && info.argv.includes(argument));
}

/** Whether the host's disk was made to its end, and is there (its mount does not survive a reboot of this machine). */
export function hasDisk(layout: LabLayout, host: HostName): boolean {
  const dirs = hostDirs(layout, host);
  return existsSync(dirs.complete) && existsSync(path.join(dirs.root, 'etc/machine-id'));
}

async function isMountPoint(dir: string): Promise<boolean> {
  return (await readFile('/proc/self/mounts', 'utf8')).split('\n').some((line) => line.split(' ')[1] === dir);
}
