// Who may reach the replication port of the C program: whoever does gets the whole cache, so only the peer should.
// Uses the firewall that the host runs already; starts none.
import type { Host } from '../host/host.js';
import type { Step } from '../service/service.js';
import { fileStep } from '../service/steps.js';
import { legacyLayout } from './layout.js';

export const FIREWALLS = ['firewalld', 'ufw', 'nftables'] as const;
export type Firewall = (typeof FIREWALLS)[number];

export interface FirewallWish {
  readonly port: number;
  readonly replicationPort: number;
  readonly peerAddress: string;
}

/** nftables counts when somebody filters with it; an empty rule set is a host without a firewall. */
const DETECT = `
if systemctl is-active -q firewalld 2>/dev/null; then echo firewalld; exit; fi
if command -v ufw >/dev/null 2>&1 && ufw status 2>/dev/null | grep -q '^Status: active'; then echo ufw; exit; fi
if command -v nft >/dev/null 2>&1 && nft list ruleset 2>/dev/null | grep -q 'hook input'; then echo nftables; fi
`;

/** The firewall that the host runs; undefined when none is found. */
export async function firewallOf(host: Host): Promise<Firewall | undefined> {
  const { stdout } = await host.run(['sh', '-c', DETECT], { root: true, label: 'looking for a firewall' });
  const name = stdout.trim();
  return FIREWALLS.find((firewall) => firewall === name);
}

/** Lets the peer, and nobody else, reach the replication port. */
export function firewallSteps(host: Host, firewall: Firewall, wish: FirewallWish): Step[] {
  switch (firewall) {
    case 'firewalld':
      return [firewalldStep(host, wish)];
    case 'ufw':
      return [ufwStep(host, wish)];
    case 'nftables':
      return nftSteps(host, wish);
  }
}

const family = (address: string): 'ipv4' | 'ipv6' => (address.includes(':') ? 'ipv6' : 'ipv4');

/** firewalld drops what no rule accepts, so accepting the peer is all. */
export function firewalldRule({ peerAddress, replicationPort }: FirewallWish): string {
  return (
    `rule family="${family(peerAddress)}" source address="${peerAddress}" ` +
    `port port="${replicationPort}" protocol="tcp" accept`
  );
}

function firewalldStep(host: Host, wish: FirewallWish): Step {
  const rule = firewalldRule(wish);
  const call = (...args: string[]) => host.run(['firewall-cmd', ...args], { root: true });
  return {
    title: 'Firewall rule for the peer',
    check: async () => {
      const asked = await host.run(['firewall-cmd', '--permanent', `--query-rich-rule=${rule}`], {
        root: true,
        allowFailure: true,
      });
      return asked.exitCode === 0 ? undefined : `firewalld does not let ${wish.peerAddress} in`;
    },
    apply: async () => {
      await call('--permanent', `--add-rich-rule=${rule}`);
      await call('--reload');
    },
  };
}

/** The arguments of ufw that let the peer in. */
export function ufwRule({ peerAddress, replicationPort }: FirewallWish): string[] {
  return ['allow', 'proto', 'tcp', 'from', peerAddress, 'to', 'any', 'port', String(replicationPort)];
}

function ufwStep(host: Host, wish: FirewallWish): Step {
  return {
    title: 'Firewall rule for the peer',
    check: async () => {
      const { stdout } = await host.run(['ufw', 'show', 'added'], { root: true });
      return stdout.includes(`ufw ${ufwRule(wish).join(' ')}`) ||
        stdout.includes(`ufw allow from ${wish.peerAddress} to any port ${wish.replicationPort} proto tcp`)
        ? undefined
        : `ufw does not let ${wish.peerAddress} in`;
    },
    apply: async () => {
      await host.run(['ufw', ...ufwRule(wish)], { root: true });
    },
  };
}

/** A table of our own that drops everybody but the peer; what other tables say still counts. */
export function nftRules({ port, peerAddress, replicationPort }: FirewallWish): string {
  const table = `inet repcached_legacy_${port}`;
  const source = family(peerAddress) === 'ipv6' ? 'ip6 saddr' : 'ip saddr';
  return [
    '# Written by repcachectl: who reaches the replication port gets the whole cache.',
    `table ${table}`,
    `delete table ${table}`,
    `table ${table} {`,
    '  chain input {',
    '    type filter hook input priority -10; policy accept;',
    `    tcp dport ${replicationPort} ${source} ${peerAddress} accept`,
    `    tcp dport ${replicationPort} drop`,
    '  }',
    '}',
    '',
  ].join('\n');
}

/** Loaded by the unit itself before the node starts, so that they are there after a reboot as well. */
function nftSteps(host: Host, wish: FirewallWish): Step[] {
  const { dropIns, nftFile } = legacyLayout(wish.port);
  const owner = { mode: 0o644, owner: 'root:root', root: true, needsRestart: true };
  return [
    fileStep(host, { title: 'Firewall rules', path: nftFile, content: nftRules(wish), ...owner }),
    fileStep(host, {
      title: 'Firewall rules before the start',
      path: `${dropIns}/firewall.conf`,
      content:
        `# Written by repcachectl. The + runs them as root.\n[Service]\n` +
        `ExecStartPre=+/bin/sh -c 'exec nft -f ${nftFile}'\n`,
      ...owner,
    }),
  ];
}

/** Takes away what `firewallSteps` put into the host's firewall. */
export function firewallRemovalStep(host: Host, firewall: Firewall, wish: FirewallWish): Step {
  const [step] = firewallSteps(host, firewall, wish);
  const table = ['inet', `repcached_legacy_${wish.port}`];
  const isThere = async (): Promise<boolean> => {
    if (firewall !== 'nftables') return (await step.check()) === undefined;
    const listed = await host.run(['nft', 'list', 'table', ...table], { root: true, allowFailure: true });
    return listed.exitCode === 0;
  };
  return {
    title: 'Firewall rule for the peer',
    check: async () => ((await isThere()) ? `${firewall} lets ${wish.peerAddress} in` : undefined),
    apply: async () => {
      if (firewall === 'nftables') await host.run(['nft', 'delete', 'table', ...table], { root: true });
      else if (firewall === 'ufw') await host.run(['ufw', 'delete', ...ufwRule(wish)], { root: true });
      else {
        const remove = `--remove-rich-rule=${firewalldRule(wish)}`;
        await host.run(['firewall-cmd', '--permanent', remove], { root: true });
        await host.run(['firewall-cmd', '--reload'], { root: true });
      }
    },
  };
}
