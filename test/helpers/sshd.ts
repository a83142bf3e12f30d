// A real sshd on 127.0.0.1 for the current user, with its own host key, known_hosts and client configuration.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.js';

const SSHD = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/usr/bin/sshd'].find(existsSync);

/** Why tests against a real sshd must be skipped here; undefined when they need not be. */
export const sshdMissing: string | undefined = SSHD === undefined ? 'sshd is not installed' : undefined;

export type KeyType = 'ed25519' | 'rsa' | 'ecdsa';

export interface TestSshd {
  readonly port: number;
  readonly user: string;
  /** A folder of its own, removed with it. */
  readonly directory: string;
  /** Private key that it lets in. */
  readonly clientKey: string;
  /** Public half of a host key, as `type base64`. */
  hostKey(type: KeyType): Promise<string>;
  /** Cuts all connections as a crash of the host would, and goes on listening. */
  dropConnections(): Promise<void>;
  close(): Promise<void>;
}

export interface SshdOptions {
  /** Default: ed25519 only. */
  readonly hostKeyTypes?: readonly KeyType[];
  /** Further lines for sshd_config. */
  readonly config?: readonly string[];
}

/** Makes a key pair; `path` gets the private half. */
export function makeKey(path: string, type: KeyType = 'ed25519', passphrase = ''): void {
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-C', 'test', '-f', path]);
}

/** Starts an sshd and waits until it listens. */
export async function startSshd(options: SshdOptions = {}): Promise<TestSshd> {
  const directory = await mkdtemp(join(tmpdir(), 'repcachectl-sshd-'));
  const types = options.hostKeyTypes ?? ['ed25519'];
  for (const type of types) makeKey(join(directory, `host_${type}`), type);
  const clientKey = join(directory, 'client');
  makeKey(clientKey);
  await appendFile(join(directory, 'authorized_keys'), await readFile(`${clientKey}.pub`));

  const port = await freePort();
  const configFile = join(directory, 'sshd_config');
  const config = [
    'ListenAddress 127.0.0.1',
    `Port ${port}`,
    ...types.map((type) => `HostKey ${join(directory, `host_${type}`)}`),
    'PidFile none',
    `AuthorizedKeysFile ${join(directory, 'authorized_keys')}`,
    'StrictModes no',
    'UsePAM no',
    'PermitRootLogin yes',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    ...(options.config ?? []),
  ];
  await writeFile(configFile, `${config.join('\n')}\n`);
  // As root, sshd insists on the folder that the distribution's unit makes for it.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const child = spawn(SSHD!, ['-D', '-e', '-f', configFile], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  await listening(port, child, () => log);

  return {
    port,
    user: userInfo().username,
    directory,
    clientKey,
    hostKey: async (type) =>
      (await readFile(join(directory, `host_${type}.pub`), 'utf8')).split(' ').slice(0, 2).join(' '),
    dropConnections: async () => {
      for (const pid of await descendants(child.pid!)) if (await isSshd(pid)) killIfThere(pid);
    },
    close: async () => {
      for (const pid of await descendants(child.pid!)) killIfThere(pid);
      const exited = new Promise((resolve) => child.once('exit', resolve));
      if (child.exitCode === null && child.kill('SIGKILL')) await exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Client side of a test: a folder with a known_hosts and a configuration file that names it. */
export interface TestSshClient {
  readonly directory: string;
  readonly configFile: string;
  readonly knownHosts: string;
  close(): Promise<void>;
}

/** Writes a client configuration; nothing of the real user's ~/.ssh is read through it. */
export async function makeSshClient(lines: readonly string[], knownHosts = ''): Promise<TestSshClient> {
  const directory = await mkdtemp(join(tmpdir(), 'repcachectl-ssh-'));
  const knownHostsFile = join(directory, 'known_hosts');
  if (knownHosts !== '') await writeFile(knownHostsFile, knownHosts);
  const configFile = join(directory, 'config');
  const common = [
    'Host *',
    `UserKnownHostsFile ${knownHostsFile}`,
    'GlobalKnownHostsFile /dev/null',
    'IdentityAgent none',
    // Named here so that no key of the user who runs the tests is tried.
    `IdentityFile ${join(directory, 'no-such-key')}`,
  ];
  // ssh takes the first value that it finds, so the test's own lines come first.
  await writeFile(configFile, `${[...lines, ...common].join('\n')}\n`);
  return {
    directory,
    configFile,
    knownHosts: knownHostsFile,
    close: () => rm(directory, { recursive: true, force: true }),
  };
}

async function listening(port: number, child: ChildProcess, log: () => string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (child.exitCode === null && Date.now() < deadline) {
    const up = await new Promise<boolean>((resolve) => {
      const socket = net.connect(port, '127.0.0.1');
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (up) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`sshd does not listen on ${port}: ${log()}`);
}

async function descendants(pid: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for (const entry of await readdir('/proc')) {
    const stat = /^\d+$/.test(entry) ? await readFile(`/proc/${entry}/stat`, 'latin1').catch(() => '') : '';
    const match = /\) . (\d+) /.exec(stat);
    if (match !== null) parents.set(Number(entry), Number(match[1]));
  }
  const found: number[] = [];
  for (let generation = [pid]; generation.length > 0; ) {
    generation = [...parents].filter(([, parent]) => generation.includes(parent)).map(([child]) => child);
    found.push(...generation);
  }
  return found;
}

async function isSshd(pid: number): Promise<boolean> {
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
  return name.startsWith('sshd');
}

/** It may have ended since it was listed. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
