// The whole life of a pair on two real hosts, from the ops machine over SSH, as the README tells it.
import { describe, expect, it } from 'vitest';
import { type HostName, PAIR_HOSTS } from './infra/layout.js';
import { waitUntil } from './infra/processes.js';
import { type Lab, useFreshLab, useLab } from './use-lab.js';

const PAIR = ['--a', '192.168.37.17', '--b', '192.168.37.27'];

describe('a pair on two hosts', () => {
  const lab = useLab();
  const before = new Map<string, string>();

  it('starts on hosts that have neither Node nor Bun', async () => {
    for (const host of PAIR_HOSTS) {
      expect((await lab.on(host, 'command -v node nodejs bun')).stdout).toBe('');
      before.set(host, await traces(lab, host));
    }
  });

  it('is deployed', async () => {
    await succeeds(lab, ['deploy', ...PAIR]);
    expect((await lab.ops(['cat', 'repcache.yaml'])).stdout).toContain('192.168.37.27');
    for (const host of PAIR_HOSTS) {
      expect((await lab.on(host, 'systemctl is-active repcached@11211')).stdout).toBe('active');
      expect((await lab.on(host, 'systemctl is-enabled repcached@11211')).stdout).toBe('enabled');
    }
  });

  it('serves on both nodes what was written to one', async () => {
    expect(await lab.ask('a', 'set greeting 0 0 2\r\nhi\r\n')).toBe('STORED');
    await waitUntil(
      async () => (await lab.ask('b', 'get greeting\r\n')).includes('hi'),
      5000,
      () => 'b never got the key',
    );
  });

  it('keeps its secret from other users, argv, and the environment', async () => {
    // Searched for by file, so that the search itself does not expose it.
    const secret = '/etc/repcached/11211.secret';
    const found = await lab.on('a', `grep -alsF -f ${secret} /proc/[0-9]*/cmdline /proc/[0-9]*/environ`);
    expect(found.stdout).toBe('');
    expect((await lab.on('a', `journalctl --quiet | grep -cF -f ${secret}`)).stdout).toBe('0');
    expect((await lab.on('a', `su operator -c 'cat ${secret}'`)).stderr).toMatch(/Permission denied/);
    expect((await lab.on('a', `grep -c . ${secret}`)).stdout).toBe('1');
  });

  it('is verified', async () => {
    const report = await json(lab, ['verify', '--json']);
    expect(report).toMatchObject({ ok: true });
  });

  it('is in sync, says status', async () => {
    expect(await json(lab, ['status', '--json'])).toMatchObject({ ok: true, verdict: 'in sync' });
  });

  it('survives the failover drill, key for key', async () => {
    const report = await json(lab, ['failover-drill', '--yes', '--json']);
    expect(report).toMatchObject({ ok: true });
    expect(await lab.ask('b', 'get greeting\r\n')).toContain('hi');
  });

  it('has nothing to change when it is deployed again', async () => {
    const pids = await Promise.all(PAIR_HOSTS.map((host) => mainPid(lab, host)));
    expect(await json(lab, ['deploy', ...PAIR, '--json'])).toMatchObject({ changed: false });
    const { stdout } = await succeeds(lab, ['deploy']);
    expect(stdout).toMatch(/nothing to change/i);
    expect(await Promise.all(PAIR_HOSTS.map((host) => mainPid(lab, host)))).toEqual(pids);
  });

  it('is whole again after a reboot of host B', async () => {
    expect(await lab.ask('b', 'set before-reboot 0 0 2\r\nhi\r\n')).toBe('STORED');
    await lab.reboot('b');
    await waitUntil(
      async () => (await lab.cli(['status'])).exitCode === 0,
      30_000,
      () => 'the pair did not get in sync again',
    );
    expect(await lab.ask('b', 'get greeting\r\n')).toContain('hi');
    expect(await lab.ask('b', 'get before-reboot\r\n')).toContain('hi');
  });

  it('is whole again after a power failure of host A', async () => {
    await lab.powerOff('a');
    expect((await lab.cli(['status'])).exitCode).not.toBe(0);
    expect(await lab.ask('b', 'set while-a-is-off 0 0 2\r\nhi\r\n')).toBe('STORED');
    await lab.powerOn('a');
    await waitUntil(
      async () => (await lab.cli(['status'])).exitCode === 0,
      30_000,
      () => 'the pair did not get in sync again',
    );
    expect(await lab.ask('a', 'get while-a-is-off\r\n')).toContain('hi');
  });

  it('re-forms after the cable of host B was cut', async () => {
    await lab.cut('b');
    await waitUntil(
      async () => !(await lab.ask('a', 'stats replication\r\n')).includes('repl_state synced'),
      15_000,
      () => 'a did not notice that its peer is silent',
    );
    expect(await lab.ask('a', 'set while-cut 0 0 2\r\nhi\r\n')).toBe('STORED');
    await lab.heal('b');
    await waitUntil(
      async () => (await lab.ask('b', 'get while-cut\r\n')).includes('hi'),
      15_000,
      () => 'b never got what it missed',
    );
  });

  it('leaves no trace on the hosts once it is destroyed', async () => {
    await succeeds(lab, ['destroy', '--yes']);
    for (const host of PAIR_HOSTS) {
      expect(await traces(lab, host)).toBe(before.get(host));
      expect((await lab.on(host, 'id repcached; getent group repcached')).stdout).toBe('');
      expect(
        (await lab.on(host, 'systemctl list-units --all --plain --no-legend "*repcached*"')).stdout,
      ).toBe('');
      expect((await lab.on(host, 'cat /proc/[0-9]*/comm')).stdout).not.toContain('repcached');
    }
  });
});

describe('a login that is not root', () => {
  const lab = useFreshLab();

  it('deploys, verifies and destroys through sudo', async () => {
    await succeeds(lab, ['deploy', ...PAIR, '--user', 'operator']);
    await succeeds(lab, ['verify']);
    await succeeds(lab, ['deploy']);
    await succeeds(lab, ['destroy', '--yes']);
    expect((await lab.on('a', 'id repcached')).exitCode).toBe(1);
  });
});

/** Every file where installed things live, the accounts, and what systemd has enabled. */
async function traces(lab: Lab, host: HostName): Promise<string> {
  const command = `find /etc /opt /usr/local /srv /home /root /var/lib /var/tmp -xdev \
    -not -path '/var/lib/systemd/*' -not -path '/var/tmp/*-systemd-logind.service-*' -not -path '/etc/*-' -not -name .pwd.lock | sort; cat /etc/passwd /etc/group`;
  return (await lab.on(host, command)).stdout;
}

async function mainPid(lab: Lab, host: HostName): Promise<string> {
  return (await lab.on(host, 'systemctl show --property=MainPID --value repcached@11211')).stdout;
}

/** Runs the CLI and fails with all that it said when it does not exit with 0. */
async function succeeds(lab: Lab, args: readonly string[]) {
  const result = await lab.cli(args);
  expect(result.exitCode, `repcachectl ${args.join(' ')}\n${result.stdout}\n${result.stderr}`).toBe(0);
  return result;
}

async function json(lab: Lab, args: readonly string[]): Promise<unknown> {
  const { stdout } = await succeeds(lab, args);
  return JSON.parse(stdout);
}
