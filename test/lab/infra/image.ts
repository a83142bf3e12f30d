// The root file system that every lab host boots from: a minimal Debian with systemd, sshd and sudo,
// bootstrapped once from this machine's own package sources and cached. It holds neither Node nor Bun.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { ADDRESSES, ALL_HOSTS, type LabLayout } from './layout.js';
import { bootstrapSource } from './package-sources.js';

const PACKAGES = ['systemd', 'systemd-sysv', 'dbus', 'openssh-server', 'iproute2', 'sudo'];

/** Password of the user `sudopw`, whose sudo asks for it. */
export const SUDO_PASSWORD = 'correct horse';

/** Users beside root, each reached with the same key: sudo without a password, with one, and none at all. */
export const LOGIN_USERS = ['operator', 'sudopw', 'nosudo'] as const;

const SETUP_SCRIPT = `set -eu
for user in ${LOGIN_USERS.join(' ')}; do
  useradd --create-home --shell /bin/bash --no-user-group --gid users "$user"
done
echo 'sudopw:${SUDO_PASSWORD}' | chpasswd
printf 'operator ALL=(ALL:ALL) NOPASSWD: ALL\\nsudopw ALL=(ALL:ALL) ALL\\n' > /etc/sudoers.d/lab
chmod 0440 /etc/sudoers.d/lab
rm -f /etc/ssh/ssh_host_* /etc/apt/sources.list /etc/resolv.conf /var/cache/apt/archives/*.deb
rm -rf /var/lib/apt/lists/*
echo 'deb [trusted=yes] http://${ADDRESSES.mirror}/ ./' > /etc/apt/sources.list.d/lab.list
# The lab has no name server; a look-up fails at once instead of waiting for one.
sed -i 's/^hosts:.*/hosts: files/' /etc/nsswitch.conf
systemctl enable ssh.service
systemctl mask apt-daily.timer apt-daily-upgrade.timer
`;

const HOSTS_FILE = [
  '127.0.0.1 localhost',
  ...ALL_HOSTS.map((host) => `${ADDRESSES[host]} ${host}`),
  `${ADDRESSES.ops} ops`,
  '',
].join('\n');

/**
 * Path of the cached root file system, made first when there is none.
 * A half-built one (power cut, Ctrl-C) has another name and is never taken for a whole one.
 * @throws when the bootstrap fails; the message ends with its last lines.
 */
export async function ensureImage(layout: LabLayout): Promise<string> {
  const source = await bootstrapSource();
  const recipe = JSON.stringify([source.codename, PACKAGES, SETUP_SCRIPT, HOSTS_FILE]);
  const image = path.join(
    layout.cacheDir,
    `root-${createHash('sha256').update(recipe).digest('hex').slice(0, 12)}`,
  );
  if (existsSync(image)) return image;

  await mkdir(layout.cacheDir, { recursive: true });
  const building = await mkdtemp(path.join(layout.cacheDir, 'building-'));
  try {
    const root = path.join(building, 'root');
    await bootstrap(root, source);
    await writeFile(path.join(root, 'etc/hosts'), HOSTS_FILE);
    await execa('chroot', [root, '/bin/sh'], { input: SETUP_SCRIPT, env: CLEAN_ENV, extendEnv: false });
    await publish(root, image);
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  return image;
}

/** What programs in a lab host's file system may see of this machine's environment: nothing. */
export const CLEAN_ENV = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
  HOME: '/root',
};

async function bootstrap(root: string, source: { uri: string; codename: string }): Promise<void> {
  const args = ['--variant=minbase', `--include=${PACKAGES.join(',')}`, source.codename, root, source.uri];
  const result = await execa('debootstrap', args, { all: true, reject: false, stdin: 'ignore' });
  if (result.failed) {
    const tail = (result.all ?? '').split('\n').slice(-15).join('\n');
    throw new Error(`debootstrap ended with ${result.exitCode ?? result.originalMessage}:\n${tail}`);
  }
}

/** Renames into place; when another lab was faster, its result is as good. */
async function publish(root: string, image: string): Promise<void> {
  try {
    await rename(root, image);
  } catch (error) {
    if ((await readdir(image).catch(() => [])).length === 0) throw error;
  }
}
