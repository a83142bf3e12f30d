// What is written to hosts of foreign engines: settings, firewall rules, the stock memcached's configuration.
import { describe, expect, it } from 'vitest';
import { firewalldRule, nftRules, ufwRule } from '../../../src/legacy/firewall.js';
import { legacySettings } from '../../../src/legacy/legacy-service.js';
import { stockConfig } from '../../../src/legacy/stock-config.js';
import { readTemplate } from '../../../src/service/templates.js';

const SPEC = {
  name: 'a',
  port: 11211,
  replicationPort: 16000,
  peerAddress: '192.168.37.27',
  peerReplicationPort: 16000,
  memoryMb: 2048,
  connections: 2048,
} as const;

function commandLine(template: string, settings: string): string {
  const command = template.split('\n').findLast((line) => /^ExecStart=./.test(line)) ?? '';
  const values = new Map([...settings.matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]));
  return command
    .replace('ExecStart=', '')
    .replaceAll('%i', '11211')
    .replaceAll(/\$\{(\w+)\}/g, (_, name: string) => values.get(name) ?? `unset ${name}`);
}

describe('the legacy unit', () => {
  it('runs in the foreground, not as root, without UDP, and comes back after a failure', async () => {
    const unit = await readTemplate('repcached-legacy@.service');
    expect(commandLine(unit, legacySettings(SPEC))).toBe(
      '/usr/local/repcached/bin/memcached -p 11211 -m 2048 -c 2048 -U 0 -x 192.168.37.27 -X 16000',
    );
    expect(unit).toMatch(/^User=repcached-legacy$/m);
    expect(unit).toMatch(/^Restart=on-failure$/m);
  });

  it('is the command of the old recipe, word for word, with --verbatim', async () => {
    const dropIn = await readTemplate('legacy-verbatim.conf');
    expect(commandLine(dropIn, legacySettings(SPEC))).toBe(
      '/usr/local/repcached/bin/memcached -d -m 2048 -p 11211 -u root -c 2048 -x 192.168.37.27 -X 16000',
    );
  });

  it('names both replication ports where they differ, and refuses a peer that systemd would misread', () => {
    expect(legacySettings({ ...SPEC, peerReplicationPort: 16001 })).toContain(
      'REPLICATION_PORTS=16000:16001',
    );
    expect(() => legacySettings({ ...SPEC, peerAddress: 'x y' })).toThrow('the peer cannot be "x y"');
  });
});

describe('firewall rules', () => {
  it('let the peer in, by IPv4 and IPv6', () => {
    expect(firewalldRule(SPEC)).toBe(
      'rule family="ipv4" source address="192.168.37.27" port port="16000" protocol="tcp" accept',
    );
    expect(firewalldRule({ ...SPEC, peerAddress: 'fd00::2' })).toContain('family="ipv6"');
    expect(ufwRule(SPEC).join(' ')).toBe('allow proto tcp from 192.168.37.27 to any port 16000');
    expect(nftRules(SPEC)).toContain(
      'tcp dport 16000 ip saddr 192.168.37.27 accept\n    tcp dport 16000 drop',
    );
    expect(nftRules({ ...SPEC, peerAddress: 'fd00::2' })).toContain('ip6 saddr fd00::2 accept');
  });
});

describe("the stock memcached's configuration", () => {
  const settings = {
    port: 11311,
    memoryMb: 512,
    connections: 4096,
    listenAddresses: ['10.0.0.1', '127.0.0.1'],
  };

  it('is set in shell variables, keeping the rest', () => {
    const text =
      '# memcached\nPORT="11211"\nUSER="memcached"\nMAXCONN="1024"\nCACHESIZE="64"\nOPTIONS="-l 127.0.0.1,::1"\nEXTRA=1\n';
    const changed = stockConfig('/etc/sysconfig/memcached', text, settings);
    expect(changed).toBe(
      '# memcached\nPORT="11311"\nUSER="memcached"\nMAXCONN="4096"\nCACHESIZE="512"\nOPTIONS="-U 0 -l 10.0.0.1,127.0.0.1"\nEXTRA=1\n',
    );
    expect(stockConfig('/etc/sysconfig/memcached', changed, settings)).toBe(changed);
  });

  it('adds the variables that are missing', () => {
    expect(stockConfig('/etc/sysconfig/memcached', '', settings)).toMatch(
      /^PORT="11311"\nUSER="memcached"\n/,
    );
  });

  it('is set in lines of options, each once, keeping comments', () => {
    const text =
      '# -m is memory\n-d\nlogfile /var/log/memcached.log\n-m 64\n-p 11211\n-u memcache\n-l 127.0.0.1\n-l ::1\n';
    const changed = stockConfig('/etc/memcached.conf', text, settings);
    expect(changed).toBe(
      '# -m is memory\n-d\nlogfile /var/log/memcached.log\n-m 512\n-p 11311\n-u memcache\n-l 10.0.0.1,127.0.0.1\n-c 4096\n-U 0\n',
    );
    expect(stockConfig('/etc/memcached.conf', changed, settings)).toBe(changed);
  });
});
