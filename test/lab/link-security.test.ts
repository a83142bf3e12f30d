// The security of the link on two real hosts: a new secret, for which nothing restarts and nothing is cut; and TLS.
import { appendFile, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { TestAuthority } from '../helpers/certificates.js';
import { ADDRESSES, type HostName, PAIR_HOSTS } from './infra/layout.js';
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

describe('TLS on the link', () => {
  const lab = useLab();

  it('is turned on while both nodes are stopped, and not before', async () => {
    await succeeds(lab, ['deploy', ...PAIR]);
    expect(await lab.ask('a', 'set kept 0 0 2\r\nhi\r\n')).toBe('STORED');
    await installCertificates(lab);
    await appendFile(
      lab.homePath('repcache.yaml'),
      'replication:\n  tls: { certificate: /etc/tls/node.pem, key: /etc/tls/node.key, authority: /etc/tls/ca.pem }\n',
    );
    const refused = await lab.cli(['deploy']);
    expect(refused.exitCode).toBe(6);
    expect(refused.stderr).toContain('both nodes must change at once');
    expect(await lab.ask('a', 'stats replication\r\n')).toContain('repl_tls 0');

    await succeeds(lab, ['stop', '--yes']);
    await succeeds(lab, ['deploy']);
    for (const host of PAIR_HOSTS) {
      expect(await lab.ask(host, 'stats replication\r\n')).toContain('repl_tls 1');
      expect(await lab.ask(host, 'get kept\r\n')).toContain('hi');
    }
    expect(await json(lab, ['deploy', '--json'])).toMatchObject({ changed: false });
    expect(await json(lab, ['verify', '--json'])).toMatchObject({ ok: true });
  });

  it('stands while the secret is changed, and the certificates with it', async () => {
    await installCertificates(lab);
    expect(await json(lab, ['rotate-secret', '--json'])).toEqual({ resumed: false, linkKept: true });
    for (const host of PAIR_HOSTS) {
      const log = await lab.on(host, 'journalctl --quiet -u repcached@11211');
      expect(log.stdout).toContain("the link's certificates reloaded");
    }
    await succeeds(lab, ['restart']);
    expect(await lab.ask('a', 'stats replication\r\n')).toContain('repl_tls 1');
  });
});

/** New ones of a new authority, in files that only root and the node's user can read. */
async function installCertificates(lab: Lab): Promise<void> {
  const authority = new TestAuthority(lab.homePath('.'), 'authority');
  for (const host of PAIR_HOSTS) {
    const { certificateFile, keyFile } = authority.sign(host, { address: ADDRESSES[host] });
    await lab.on(host, 'install -d -m 0750 -g repcached /etc/tls');
    for (const [name, file] of [
      ['node.pem', certificateFile],
      ['node.key', keyFile],
      ['ca.pem', authority.files.certificateFile],
    ]) {
      const path = `/etc/tls/${name}`;
      const pem = await readFile(file, 'utf8');
      await lab.on(host, `printf '%s' '${pem}' >${path} && chgrp repcached ${path} && chmod 0640 ${path}`);
    }
  }
}

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
