// A pair of the C program on hosts that filter with nftables; and a node of it that dies and comes back by itself.
import { beforeAll, describe, expect, it } from 'vitest';
import { ADDRESSES, PAIR_HOSTS } from './infra/layout.js';
import { waitUntil } from './infra/processes.js';
import { packSource } from './legacy-source.js';
import { type Lab, useLab } from './use-lab.js';

const PAIR = ['--a', '192.168.37.17', '--b', '192.168.37.27', '--memory', '64'];
const ARCHIVE = 'memcached-1.2.8-repcached-2.2.1.tar.gz';
const UNIT = 'repcached-legacy@11211';
const TABLE = 'table inet repcached_legacy_11211';
/** What the operator had set up: a host that filters, and lets everything in so far. */
const FIREWALL = `nft -f - <<'END'
table inet filter {
  chain input {
    type filter hook input priority 0; policy accept;
  }
}
END`;

describe('a legacy pair behind nftables', () => {
  const lab = useLab();

  beforeAll(async () => {
    packSource(lab, ARCHIVE);
    for (const host of PAIR_HOSTS) {
      const install = 'apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -qy install nftables';
      const { exitCode, stderr } = await lab.on(host, `${install} && ${FIREWALL}`);
      expect(exitCode, stderr).toBe(0);
    }
  });

  it('lets only the peer reach the replication port', async () => {
    expect(await knockFromOps(lab)).toBe('refused');
    const args = ['deploy', ...PAIR, '--engine', 'legacy', '--source', ARCHIVE];
    const { stdout } = await succeeds(lab, args, 300_000);
    expect(stdout).not.toContain('IS OPEN TO EVERYBODY');
    expect(await knockFromOps(lab)).toBe('silence');
    expect((await lab.on('a', `nft list ${TABLE}`)).stdout).toContain('ip saddr 192.168.37.27 accept');
    expect(await json(lab, ['status', '--json'])).toMatchObject({ ok: true });
    expect(await json(lab, ['deploy', '--json'])).toMatchObject({ changed: false });
  });

  it('is linked again after a node died, without anybody', async () => {
    expect(await lab.ask('a', 'set greeting 0 0 2\r\nhi\r\n')).toBe('STORED');
    const pid = `systemctl show --property=MainPID --value ${UNIT}`;
    const { stdout: before } = await lab.on('b', pid);
    await lab.on('b', `systemctl kill --signal=KILL ${UNIT}`);
    await waitUntil(
      async () => (await lab.cli(['status'])).exitCode === 0 && (await lab.on('b', pid)).stdout !== before,
      60_000,
      () => 'the node that was killed did not come back to its peer',
    );
    expect(await lab.ask('b', 'get greeting\r\n')).toContain('hi');
    expect((await lab.on('b', `systemctl show --property=NRestarts --value ${UNIT}`)).stdout).toBe('1');
  });

  it('has its rule before its node after a reboot', async () => {
    await lab.reboot('a');
    await waitUntil(
      async () => (await lab.on('a', `systemctl is-active ${UNIT}`)).stdout === 'active',
      60_000,
      () => 'the node did not start at boot',
    );
    expect((await lab.on('a', `nft list ${TABLE}`)).stdout).toContain('tcp dport 16000 drop');
    expect(await knockFromOps(lab)).toBe('silence');
  });

  it('takes its rule along when it goes, and leaves the others', async () => {
    await succeeds(lab, ['destroy', '--yes']);
    for (const host of PAIR_HOSTS) {
      expect((await lab.on(host, 'nft list ruleset')).stdout).not.toContain('repcached');
    }
    expect((await lab.on('b', 'nft list ruleset')).stdout).toContain('table inet filter');
    expect(await knockFromOps(lab)).toBe('refused');
  });
});

/** What somebody who is not the peer gets from the replication port of host A. */
async function knockFromOps(lab: Lab): Promise<'answer' | 'refused' | 'silence'> {
  const script = 'exec 3<>"/dev/tcp/$1/16000"';
  const { exitCode } = await lab.ops(['timeout', '3', 'bash', '-c', script, 'bash', ADDRESSES.a]);
  if (exitCode === 124) return 'silence';
  return exitCode === 0 ? 'answer' : 'refused';
}

/** Runs the CLI and fails with all that it said when it does not exit with 0. */
async function succeeds(lab: Lab, args: readonly string[], timeoutMs = 120_000) {
  const result = await lab.cli(args, { timeoutMs });
  expect(result.exitCode, `repcachectl ${args.join(' ')}\n${result.stdout}\n${result.stderr}`).toBe(0);
  return result;
}

async function json(lab: Lab, args: readonly string[]): Promise<unknown> {
  return JSON.parse((await succeeds(lab, args)).stdout);
}
