// A pair of the C program on two real hosts that begin with neither a compiler nor libevent. What is built there is a
// stand-in of ours (test/fixtures/legacy-source), with the same trap: it does not compile unless it is patched.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { type HostName, PAIR_HOSTS } from './infra/layout.js';
import { waitUntil } from './infra/processes.js';
import { packSource } from './legacy-source.js';
import { type Lab, useLab } from './use-lab.js';

const PAIR = ['--a', '192.168.37.17', '--b', '192.168.37.27', '--memory', '64'];
const ARCHIVE = 'memcached-1.2.8-repcached-2.2.1.tar.gz';
const UNIT = 'repcached-legacy@11211';

describe('a legacy pair', () => {
  const lab = useLab();
  const source = ['--engine', 'legacy', '--source', ARCHIVE];

  beforeAll(() => packSource(lab, ARCHIVE));

  it('is refused when the archive is not the one that was meant, before anything is built', async () => {
    const { exitCode, stderr } = await lab.cli(['deploy', ...PAIR, ...source, '--sha256', '0'.repeat(64)]);
    expect(exitCode).toBe(5);
    expect(stderr).toContain('has SHA-256');
    expect((await lab.on('a', 'ls -d /usr/local/repcached')).exitCode).not.toBe(0);
  });

  it('is deployed from nothing: packages, patch, build, unit, start', async () => {
    expect((await lab.on('a', 'command -v gcc make; ls /usr/include/event.h')).stdout).toBe('');
    const archive = readFileSync(lab.homePath(ARCHIVE));
    const sha256 = createHash('sha256').update(archive).digest('hex');
    const { stdout } = await succeeds(lab, ['deploy', ...PAIR, ...source, '--sha256', sha256], 300_000);
    expect(stdout).toMatch(/THE REPLICATION PORT 16000 IS OPEN TO EVERYBODY/);
    for (const host of PAIR_HOSTS) {
      expect((await lab.on(host, `systemctl is-active ${UNIT}`)).stdout).toBe('active');
      expect((await lab.on(host, `systemctl is-enabled ${UNIT}`)).stdout).toBe('enabled');
      expect(await running(lab, host)).toMatch(/^repcached-legacy .*memcached -p 11211 -m 64 -c 4096 -U 0 /);
      expect((await lab.on(host, 'grep -c "=== configure" /var/log/repcached-legacy-build.log')).stdout).toBe(
        '1',
      );
      expect(
        (await lab.on(host, 'ls -A /var/tmp /usr/local | grep -E "^[.]?repcached-(build|staging)"')).stdout,
      ).toBe('');
    }
  });

  it('replicates, and says so', async () => {
    expect(await json(lab, ['status', '--json'])).toMatchObject({ ok: true });
    expect(await lab.ask('a', 'set greeting 0 0 2\r\nhi\r\n')).toBe('STORED');
    await has(lab, 'b', 'greeting');
  });

  it('has nothing to change when it is deployed again, and needs no source for it', async () => {
    expect(await json(lab, ['deploy', '--json'])).toMatchObject({ changed: false });
  });

  it('restarts node after node and keeps the data', async () => {
    await succeeds(lab, ['restart']);
    await has(lab, 'a', 'greeting');
    await has(lab, 'b', 'greeting');
  });

  it('starts again in the order that it needs', async () => {
    await succeeds(lab, ['stop', '--yes']);
    await succeeds(lab, ['start']);
    expect(await json(lab, ['status', '--json'])).toMatchObject({ ok: true });
  });

  it('is healed when both nodes wait for a peer that never dials', async () => {
    await lab.on('a', `systemctl stop ${UNIT}`);
    await lab.on('b', `systemctl restart ${UNIT}`);
    await lab.shortenDials('a');
    await lab.cut('b');
    await lab.on('a', `systemctl start ${UNIT}`);
    await waitUntil(
      async () => (await lab.on('a', 'grep -c ":2BCB 00000000:0000 0A" /proc/net/tcp')).stdout === '1',
      30_000,
      () => 'a did not open its client port',
    );
    await lab.heal('b');
    expect(await lab.ask('b', 'set only-b 0 0 2\r\nhi\r\n')).toBe('STORED');

    const status = await lab.cli(['status', '--json']);
    expect(status.exitCode).toBe(7);
    expect(status.stdout).toContain('a legacy node dials once');
    expect(status.stdout).toContain('repcachectl heal');

    await lab.cli(['heal', '--yes']);
    expect(await json(lab, ['status', '--json'])).toMatchObject({ ok: true });
    await has(lab, 'a', 'only-b');
    expect((await lab.cli(['heal', '--yes'])).stdout).toContain('Nothing to heal');
  });

  it('runs as in the old recipe with --verbatim', async () => {
    await succeeds(lab, ['deploy', '--verbatim']);
    expect(await running(lab, 'a')).toBe(
      'root /usr/local/repcached/bin/memcached -d -m 64 -p 11211 -u root -c 4096 -x 192.168.37.27 -X 16000',
    );
    expect(await json(lab, ['deploy', '--json'])).toMatchObject({ changed: false });
  });

  it('leaves what stands alone when a build fails, and says at which step', async () => {
    execFileSync('sed', ['-i', '$ a #error broken on purpose', `${lab.homePath('src')}/memcached.c`]);
    const { exitCode, stderr } = await lab.cli(['deploy', '--source', 'src'], { timeoutMs: 200_000 });
    expect(exitCode).toBe(6);
    expect(stderr).toContain('failed at "make"');
    expect(stderr).toContain('broken on purpose');
    expect((await lab.on('a', `systemctl is-active ${UNIT}`)).stdout).toBe('active');
    expect(
      (await lab.on('a', 'ls -A /usr/local /var/tmp | grep -E "staging|repcached-build|\\.old"')).stdout,
    ).toBe('');
    expect((await lab.on('a', 'tail -n 3 /var/log/repcached-legacy-build.log')).stdout).toContain('Error');
  });

  it('leaves nothing of itself behind', async () => {
    await succeeds(lab, ['destroy', '--yes']);
    for (const host of PAIR_HOSTS) {
      const left =
        'ls -d /usr/local/repcached* /etc/repcached-legacy /etc/systemd/system/*legacy* /var/log/*legacy*';
      expect((await lab.on(host, left)).stdout).toBe('');
      expect((await lab.on(host, 'id repcached-legacy; cat /proc/[0-9]*/comm | grep memcached')).stdout).toBe(
        '',
      );
    }
  });

  it("gives way to the distribution's memcached, which replicates nothing and says so", async () => {
    const { stdout } = await succeeds(lab, ['deploy', '--engine', 'stock'], 200_000);
    expect(stdout).toContain('replicates nothing');
    expect(await lab.ask('a', 'version\r\n')).toContain('VERSION 1.6');
    const status = await lab.cli(['status']);
    expect(status.exitCode).toBe(7);
    expect(status.stdout).toContain('nothing is replicated');
    expect((await lab.cli(['verify'])).exitCode).toBe(7);
    expect(await json(lab, ['deploy', '--json'])).toMatchObject({ changed: false });
    expect((await lab.on('a', 'grep -E "^-[mplc] " /etc/memcached.conf | sort')).stdout).toBe(
      '-c 4096\n-l 192.168.37.17,127.0.0.1\n-m 64\n-p 11211',
    );
    await succeeds(lab, ['destroy', '--yes']);
    expect((await lab.on('a', 'command -v memcached; ls /etc/memcached.conf*')).stdout).toBe('');
  });
});

/** User and command line of the node's process. */
async function running(lab: Lab, host: HostName): Promise<string> {
  const pid = `pid=$(systemctl show --property=MainPID --value ${UNIT})`;
  const { stdout } = await lab.on(
    host,
    `${pid}; echo "$(stat -c %U /proc/$pid) $(tr '\\0' ' ' </proc/$pid/cmdline)"`,
  );
  return stdout.trim();
}

async function has(lab: Lab, host: HostName, key: string): Promise<void> {
  await waitUntil(
    async () => (await lab.ask(host, `get ${key}\r\n`)).includes('hi'),
    5000,
    () => `${host} never got ${key}`,
  );
}

/** Runs the CLI and fails with all that it said when it does not exit with 0. */
async function succeeds(lab: Lab, args: readonly string[], timeoutMs = 120_000) {
  const result = await lab.cli(args, { timeoutMs });
  expect(result.exitCode, `repcachectl ${args.join(' ')}\n${result.stdout}\n${result.stderr}`).toBe(0);
  return result;
}

async function json(lab: Lab, args: readonly string[]): Promise<unknown> {
  const { stdout } = await succeeds(lab, args);
  return JSON.parse(stdout);
}
