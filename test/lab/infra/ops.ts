// The ops machine: this machine's Node and this repository, in a namespace that reaches the hosts by SSH alone,
// with a HOME of its own. `ip netns exec` puts the files below /etc/netns over those of /etc: names are looked up
// in a hosts file alone, and root's home is the lab's, as ssh asks passwd rather than $HOME.
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { type CommandResult, hostPublicKey } from './hosts.js';
import {
  ADDRESSES,
  ALL_HOSTS,
  type HostName,
  type LabLayout,
  namespaceOf,
  opsHome,
  REPOSITORY_DIR,
} from './layout.js';
import { addMember, namespaceExists, processesIn, removeMember } from './network.js';
import { killProcesses } from './processes.js';

/** Makes the ops machine: network, name resolution, HOME with an SSH key. */
export async function createOps(layout: LabLayout): Promise<void> {
  const namespace = namespaceOf(layout, 'ops');
  await addMember(layout, 'ops');
  const etc = `/etc/netns/${namespace}`;
  await mkdir(etc, { recursive: true });
  const hosts = ALL_HOSTS.map((host) => `${ADDRESSES[host]} ${host}`);
  await writeFile(path.join(etc, 'hosts'), ['127.0.0.1 localhost', ...hosts, ''].join('\n'));
  await writeFile(path.join(etc, 'resolv.conf'), '');
  await writeFile(path.join(etc, 'passwd'), `root:x:0:0:root:${opsHome(layout)}:/bin/bash\n`);
  await writeFile(
    path.join(etc, 'nsswitch.conf'),
    'passwd: files\ngroup: files\nshadow: files\nhosts: files\n',
  );

  const ssh = path.join(opsHome(layout), '.ssh');
  await mkdir(ssh, { recursive: true, mode: 0o700 });
  await execa('ssh-keygen', [
    '-q',
    '-t',
    'ed25519',
    '-N',
    '',
    '-C',
    'ops',
    '-f',
    path.join(ssh, 'id_ed25519'),
  ]);
}

/** The key that opens every account of every host. */
export async function opsPublicKey(layout: LabLayout): Promise<string> {
  return readFile(path.join(opsHome(layout), '.ssh/id_ed25519.pub'), 'utf8');
}

export function knownHostsPath(layout: LabLayout): string {
  return path.join(opsHome(layout), '.ssh/known_hosts');
}

/** Writes down the hosts' keys, as if the operator had compared the fingerprints. */
export async function trustHosts(layout: LabLayout, hosts: readonly HostName[]): Promise<void> {
  const lines = await Promise.all(
    hosts.map(async (host) => `${host},${ADDRESSES[host]} ${await hostPublicKey(layout, host)}\n`),
  );
  await writeFile(knownHostsPath(layout), lines.join(''), { mode: 0o600 });
}

export interface OpsOptions {
  /** Fed to standard input. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Default 120_000. */
  readonly timeoutMs?: number;
}

/** Starts a program on the ops machine, in its HOME; a subprocess of execa. */
export function spawnOnOps(layout: LabLayout, argv: readonly string[], options: OpsOptions = {}) {
  const home = opsHome(layout);
  return execa('ip', ['netns', 'exec', namespaceOf(layout, 'ops'), ...argv], {
    cwd: home,
    env: {
      HOME: home,
      PATH: `${path.dirname(process.execPath)}:/usr/sbin:/usr/bin:/sbin:/bin`,
      LANG: 'C.UTF-8',
      ...options.env,
    },
    extendEnv: false,
    input: options.input ?? '',
    reject: false,
    timeout: options.timeoutMs ?? 120_000,
  });
}

/**
 * The command line of the repository's own CLI.
 * @throws when it has not been built.
 */
export function cliArgv(args: readonly string[]): string[] {
  if (!existsSync(path.join(REPOSITORY_DIR, 'dist/commands'))) {
    throw new Error('the CLI is not built; run `npm run build`');
  }
  return [process.execPath, path.join(REPOSITORY_DIR, 'bin/run.js'), ...args];
}

/**
 * Runs a program on the ops machine to its end; a non-zero exit is not an error.
 * @throws when it is ended by its time limit or by a signal.
 */
export async function runOnOps(
  layout: LabLayout,
  argv: readonly string[],
  options: OpsOptions = {},
): Promise<CommandResult> {
  const result = await spawnOnOps(layout, argv, options);
  if (result.exitCode === undefined)
    throw new Error(`${result.shortMessage}\n${result.stdout}\n${result.stderr}`);
  return { stdout: result.stdout, stderr: result.stderr, exitCode: result.exitCode };
}

export function opsExists(layout: LabLayout): boolean {
  return (
    namespaceExists(namespaceOf(layout, 'ops')) &&
    existsSync(path.join(opsHome(layout), '.ssh/id_ed25519.pub'))
  );
}

export async function destroyOps(layout: LabLayout): Promise<void> {
  const namespace = namespaceOf(layout, 'ops');
  await killProcesses(await processesIn(namespace));
  await removeMember(layout, 'ops');
  await rm(`/etc/netns/${namespace}`, { recursive: true, force: true });
  await rm(opsHome(layout), { recursive: true, force: true });
}
