// What can be wrong with hosts, keys and configuration: each gives one clear message and the documented exit status,
// and the same command works once the cause is gone.
import { readFile, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { EXIT, type ExitName } from '../../src/errors.js';
import { ADDRESSES } from './infra/layout.js';
import { knownHostsPath } from './infra/ops.js';
import { waitUntil } from './infra/processes.js';
import { useFreshLab } from './use-lab.js';

const lab = useFreshLab();
const DEPLOY = ['deploy', '--a', '192.168.37.17', '--b', '192.168.37.27'];

it('a host name that nobody knows', async () => {
  await refuses(['deploy', '--a', '192.168.37.17', '--b', 'no-such-host'], 'connection', /no-such-host/);
  await succeeds(DEPLOY);
});

it('a host that is off', async () => {
  await lab.powerOff('b');
  await refuses(DEPLOY, 'connection', /192\.168\.37\.27/);
  await lab.powerOn('b');
  await succeeds(DEPLOY);
});

it('a key that opens nothing', async () => {
  await lab.ops(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', lab.homePath('other')]);
  await refuses([...DEPLOY, '--identity', lab.homePath('other')], 'connection', /does not let us in/);
  await succeeds(DEPLOY);
});

it('a key file that is not there', async () => {
  await refuses([...DEPLOY, '--identity', lab.homePath('nowhere')], 'config', /nowhere/);
});

it('a host that known_hosts does not have', async () => {
  await writeFile(knownHostsPath(lab.layout), '');
  await refuses(DEPLOY, 'connection', /known_hosts.*SHA256:/s);
  await succeeds([...DEPLOY, '--accept-new-host-keys']);
  await succeeds(['status']);
});

it('a host key that has changed, even where new ones are accepted', async () => {
  const known = await readFile(knownHostsPath(lab.layout), 'utf8');
  const keyOfA = /^a,\S+ (\S+ \S+)$/m.exec(known)?.[1];
  const changed = known.replace(/^(b,\S+) .*$/m, `$1 ${keyOfA}`);
  await writeFile(knownHostsPath(lab.layout), changed);
  await refuses([...DEPLOY, '--accept-new-host-keys'], 'connection', /has changed/);
  await writeFile(knownHostsPath(lab.layout), known);
  await succeeds(DEPLOY);
});

it('a login without sudo', async () => {
  await refuses([...DEPLOY, '--user', 'nosudo'], 'unsuitable', /sudo/);
  expect((await lab.on('a', 'ls /opt/repcached')).exitCode, 'something was installed').not.toBe(0);
  await succeeds([...DEPLOY, '--user', 'operator']);
});

it('a sudo that wants a password which nobody can be asked for', async () => {
  await refuses([...DEPLOY, '--user', 'sudopw'], 'unsuitable', /password/);
});

it('a port that another program on B has', async () => {
  await lab.on('b', 'systemd-run --unit=squatter systemd-socket-activate --listen=11211 /bin/cat');
  await waitUntil(
    async () => (await lab.on('b', 'grep -q :2BCB /proc/net/tcp /proc/net/tcp6')).exitCode === 0,
    5000,
    () => 'nothing listens on 11211',
  );
  await refuses(DEPLOY, 'unsuitable', /b: port 11211 is taken by systemd-socket/);
  expect((await lab.on('a', 'ls /opt/repcached')).exitCode, 'a was changed although b is not fit').not.toBe(
    0,
  );
  await lab.on('b', 'systemctl stop squatter');
  await succeeds(DEPLOY);
});

it('one host given as both', async () => {
  await refuses(['deploy', '--a', '192.168.37.17', '--b', 'root@192.168.37.17'], 'unsuitable', /same host/);
  expect((await lab.on('a', 'ls /opt/repcached')).exitCode, 'something was installed').not.toBe(0);
  await succeeds(DEPLOY);
  await refuses(['deploy', '--a', '192.168.37.17', '--b', '192.168.37.17'], 'unsuitable', /same host/);
  await succeeds(['verify']);
});

it('a disk of B without room for the upload', async () => {
  const restore = await lab.limitDisk('b', '/opt', 40);
  await refuses(DEPLOY, 'unsuitable', /no room on the disk/);
  await restore();
  await succeeds(DEPLOY);
});

it('host B going down half way through', async () => {
  const deploying = lab.startCli(DEPLOY);
  let ended = false;
  void deploying.finally(() => {
    ended = true;
  });
  await waitUntil(
    async () => ended || (await lab.on('b', 'ls -A /opt/repcached/releases/*')).exitCode === 0,
    60_000,
    () => 'the upload to b never began',
  );
  await lab.powerOff('b');
  const result = await deploying;
  expect([EXIT.connection, EXIT.unknownOutcome], result.stderr).toContain(result.exitCode);
  expectOneMessage(result.stderr, /\bb\b/);
  await lab.powerOn('b');
  await succeeds(DEPLOY);
  await succeeds(['verify']);
});

it('a typo in repcache.yaml', async () => {
  await succeeds(DEPLOY);
  const file = lab.homePath('repcache.yaml');
  const right = await readFile(file, 'utf8');
  await writeFile(file, right.replace(/^port:/m, 'prot:'));
  await refuses(['status'], 'config', /repcache\.yaml:\d+:\d+.*prot/s);
  await refuses(['deploy'], 'config', /repcache\.yaml:\d+:\d+.*prot/s);
  await writeFile(file, right);
  await succeeds(['status']);
});

it('no pair at all', async () => {
  await refuses(['status'], 'config', /repcache\.yaml/);
  await refuses(['deploy', '--a', ADDRESSES.a], 'usage', /--b/);
});

async function refuses(args: readonly string[], exit: ExitName, message: RegExp): Promise<void> {
  const result = await lab.cli(args);
  expect(result.exitCode, `repcachectl ${args.join(' ')}\n${result.stdout}\n${result.stderr}`).toBe(
    EXIT[exit],
  );
  expectOneMessage(result.stderr, message);
}

/** One error, with its remedy, and no stack. */
function expectOneMessage(stderr: string, message: RegExp): void {
  expect(stderr).toMatch(message);
  expect(stderr.match(/^Error:/gm), stderr).toHaveLength(1);
  expect(stderr).toMatch(/^Try/m);
  expect(stderr).not.toMatch(/^\s+at .*:\d+:\d+/m);
}

async function succeeds(args: readonly string[]): Promise<void> {
  const result = await lab.cli(args);
  expect(result.exitCode, `repcachectl ${args.join(' ')}\n${result.stdout}\n${result.stderr}`).toBe(0);
}
