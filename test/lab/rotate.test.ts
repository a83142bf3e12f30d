// A new replication secret for a pair on two real hosts: nothing restarts, nothing is cut, and a half-way stop is no harm.
import { describe, expect, it } from 'vitest';
import { type HostName, PAIR_HOSTS } from './infra/layout.js';
import { waitUntil } from './infra/processes.js';
import { type Lab, useLab } from './use-lab.js';

const PAIR = ['--a', '192.168.37.17', '--b', '192.168.37.27'];
const SECRET = '/etc/repcached/11211.secret';

describe("the pair's secret", () => {
  const lab = useLab();

  it('is changed while the pair works, by a login that needs sudo for it', async () => {
    await succeeds(lab, ['deploy', ...PAIR, '--user', 'operator']);
    const pids = await pidsOf(lab);
    const old = await secretOf(lab, 'a');
    const { stdout, stderr } = await succeeds(lab, ['rotate-secret']);
    expect(stdout).toContain('The pair has a new secret; the link stood all the while.');

    const secret = await secretOf(lab, 'a');
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    expect(secret).not.toBe(old);
    expect(await secretOf(lab, 'b')).toBe(secret);
    expect(stdout + stderr).not.toContain(secret);
    for (const host of PAIR_HOSTS) {
      expect((await lab.on(host, `stat -c '%a %U:%G' ${SECRET}; ls /etc/repcached`)).stdout).toBe(
        '600 repcached:repcached\n11211.env\n11211.secret',
      );
      expect((await lab.on(host, `journalctl --quiet | grep -cF -f ${SECRET}`)).stdout).toBe('0');
    }
    expect(await pidsOf(lab)).toEqual(pids);
    expect(await json(lab, ['deploy', '--json'])).toMatchObject({ changed: false });
    expect(await pidsOf(lab)).toEqual(pids);
  });

  it('counts for the next link, after a reboot', async () => {
    await lab.reboot('b');
    await waitUntil(
      async () => (await lab.cli(['status'])).exitCode === 0,
      60_000,
      () => 'the pair did not get in sync again',
    );
  });

  it('is changed to its end by the next run, when one was stopped half way', async () => {
    const begun = 'c'.repeat(64);
    const old = await secretOf(lab, 'a');
    await lab.on('a', `printf '%s\\n%s\\n' ${begun} ${old} >${SECRET} && systemctl reload repcached@11211`);
    expect(await json(lab, ['rotate-secret', '--json'])).toEqual({ resumed: true, linkKept: true });
    for (const host of PAIR_HOSTS) expect(await secretOf(lab, host)).toBe(begun);
  });

  it('stays what it is while a host is off', async () => {
    const secret = await secretOf(lab, 'a');
    await lab.powerOff('b');
    expect((await lab.cli(['rotate-secret'])).exitCode).not.toBe(0);
    expect(await secretOf(lab, 'a')).toBe(secret);
    await lab.powerOn('b');
    await waitUntil(
      async () => (await lab.cli(['status'])).exitCode === 0,
      60_000,
      () => 'the pair did not get in sync again',
    );
  });
});

async function secretOf(lab: Lab, host: HostName): Promise<string> {
  return (await lab.on(host, `cat ${SECRET}`)).stdout.trim();
}

function pidsOf(lab: Lab): Promise<string[]> {
  const command = 'systemctl show --property=MainPID --value repcached@11211';
  return Promise.all(PAIR_HOSTS.map(async (host) => (await lab.on(host, command)).stdout));
}

/** Runs the CLI and fails with all that it said when it does not exit with 0. */
async function succeeds(lab: Lab, args: readonly string[]) {
  const result = await lab.cli(args);
  expect(result.exitCode, `repcachectl ${args.join(' ')}\n${result.stdout}\n${result.stderr}`).toBe(0);
  return result;
}

async function json(lab: Lab, args: readonly string[]): Promise<unknown> {
  return JSON.parse((await succeeds(lab, args)).stdout);
}
