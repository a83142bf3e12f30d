// deploy --copy-build on two real hosts of one system: the C program is built on the first only. What is built is the
// stand-in of test/fixtures/legacy-source.
import { beforeAll, describe, expect, it } from 'vitest';
import { ADDRESSES, PAIR_HOSTS } from './infra/layout.js';
import { packSource } from './legacy-source.js';
import { type Lab, useLab } from './use-lab.js';

const ARCHIVE = 'memcached-1.2.8-repcached-2.2.1.tar.gz';
const PROGRAM = '/usr/local/repcached/bin/memcached';
const DEPLOY = [
  ...['deploy', '--a', ADDRESSES.a, '--b', ADDRESSES.b, '--memory', '64'],
  ...['--engine', 'legacy', '--source', ARCHIVE, '--copy-build'],
];

describe('a build that is copied', () => {
  const lab = useLab();

  beforeAll(() => packSource(lab, ARCHIVE));

  it('is refused between hosts that are not alike, before anything is changed', async () => {
    await lab.on(
      'b',
      'cp -L /etc/os-release /tmp/was && sed -i "s/^VERSION_ID=.*/VERSION_ID=7/" /etc/os-release',
    );
    const { exitCode, stderr } = await lab.cli(DEPLOY);
    await lab.on('b', 'cat /tmp/was >/etc/os-release && rm /tmp/was');
    expect(exitCode).toBe(5);
    expect(stderr).toMatch(/a and b are not alike.*\n.*VERSION_ID of \/etc\/os-release: a \d+, b 7/);
    for (const host of PAIR_HOSTS) {
      expect(
        (await lab.on(host, 'command -v gcc; ls -d /usr/local/repcached /var/log/*legacy*')).stdout,
      ).toBe('');
    }
  });

  it('says what it would do', async () => {
    const { stdout } = await succeeds(lab, [...DEPLOY, '--dry-run']);
    expect(stdout).toContain(
      'Copy of the build: /usr/local/repcached/bin/memcached is missing; copied from a',
    );
    expect(stdout.match(/^ {2}Build of repcached: /gm)).toHaveLength(1);
  });

  it('comes from the one host that has a compiler, with the library that it needs', async () => {
    const { stdout, stderr } = await succeeds(lab, DEPLOY, 300_000);
    expect(stdout + stderr).toContain('copied from a: same system');
    const sums = await Promise.all(PAIR_HOSTS.map((host) => lab.on(host, `sha256sum ${PROGRAM}`)));
    expect(sums[0].stdout).toMatch(/^[0-9a-f]{64} /);
    expect(sums[1].stdout).toBe(sums[0].stdout);
    expect((await lab.on('a', 'command -v gcc')).stdout).toBe('/usr/bin/gcc');
    expect((await lab.on('b', 'command -v gcc make; ls /usr/include/event.h')).stdout).toBe('');
    expect((await lab.on('b', `ldd ${PROGRAM} | grep -c 'libevent.* => /'`)).stdout).toBe('1');
    const left = 'ls -A /var/tmp /usr/local | grep -E "^[.]?repcached-"';
    for (const host of PAIR_HOSTS) expect((await lab.on(host, left)).stdout).toBe('');
  });

  it('is the same node as one that was built there', async () => {
    expect(await json(lab, ['status', '--json'])).toMatchObject({ ok: true });
    expect(await json(lab, [...DEPLOY, '--json'])).toMatchObject({ changed: false });
    expect(await json(lab, ['deploy', '--source', ARCHIVE, '--json'])).toMatchObject({ changed: false });
  });

  it('is copied to the host that lost it, while the other one goes on', async () => {
    expect(await lab.ask('b', 'set greeting 0 0 2\r\nhi\r\n')).toBe('STORED');
    await lab.on('a', 'systemctl stop repcached-legacy@11211; rm -r /usr/local/repcached');
    const { stdout, stderr } = await succeeds(lab, ['deploy', '--copy-build']);
    expect(stdout + stderr).toContain('copied from b: same system');
    expect(await lab.ask('a', 'get greeting\r\n')).toContain('hi');
  });

  it('is taken away with its node', async () => {
    await succeeds(lab, ['destroy', '--yes']);
    for (const host of PAIR_HOSTS) {
      expect((await lab.on(host, 'ls -d /usr/local/repcached* /var/log/*legacy*')).stdout).toBe('');
    }
  });

  it('is copied by build legacy as well, which stands in the way of nothing', async () => {
    const BUILD = ['build', 'legacy', '--source', ARCHIVE, '--on', ADDRESSES.a, '--copy-to', ADDRESSES.b];
    expect(await json(lab, [...BUILD, '--json'], 300_000)).toMatchObject({ built: true, copied: true });
    expect(await json(lab, [...BUILD, '--json'])).toMatchObject({ built: false, copied: false });
    expect((await lab.on('b', `${PROGRAM} -h`)).stdout).toContain('repcached');
  });
});

/** Runs the CLI and fails with all that it said when it does not exit with 0. */
async function succeeds(lab: Lab, args: readonly string[], timeoutMs = 120_000) {
  const result = await lab.cli(args, { timeoutMs });
  expect(result.exitCode, `repcachectl ${args.join(' ')}\n${result.stdout}\n${result.stderr}`).toBe(0);
  return result;
}

async function json(lab: Lab, args: readonly string[], timeoutMs?: number): Promise<unknown> {
  return JSON.parse((await succeeds(lab, args, timeoutMs)).stdout);
}
