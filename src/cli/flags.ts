// The flags that several commands share, and how they become a PairSelection.
import { Flags } from '@oclif/core';
import type { PairSelection } from '../pair/config/locate.js';
import type { EngineName, NodeName } from '../pair/types.js';

const WHICH = 'WHICH PAIR';
const SSH = 'SSH';

/** What concerns hosts means nothing to the pair on this machine, and must not be silently ignored. */
const OF_HOSTS = { exclusive: ['local'] };

const tcpPort = (description: string, helpGroup: string, more: { exclusive?: string[] } = {}) =>
  Flags.integer({ description, helpGroup, min: 1, max: 65535, helpValue: 'PORT', ...more });

/** How to get to hosts. */
export const sshFlags = {
  user: Flags.string({
    ...OF_HOSTS,
    helpGroup: SSH,
    helpValue: 'NAME',
    description: 'login on both hosts',
  }),
  'ssh-port': tcpPort('SSH port of both hosts', SSH, OF_HOSTS),
  identity: Flags.string({
    ...OF_HOSTS,
    helpGroup: SSH,
    helpValue: 'FILE',
    description: 'private key for both hosts',
  }),
  'accept-new-host-keys': Flags.boolean({
    ...OF_HOSTS,
    helpGroup: SSH,
    description: 'trust a host that known_hosts does not know yet; a changed key is still refused',
  }),
  'ask-sudo-password': Flags.boolean({
    ...OF_HOSTS,
    helpGroup: SSH,
    description: 'sudo on the hosts wants a password: ask for it (or take it from standard input)',
  }),
};

/** Where the source of the C program comes from. */
export const sourceFlags = {
  source: Flags.string({
    helpValue: 'FILE|DIR|URL',
    description: "source of the C program (default: its authors' archive on SourceForge)",
  }),
  sha256: Flags.string({
    helpValue: 'HEX',
    description: 'SHA-256 that the archive must have',
    parse: async (text) => {
      if (!/^[0-9a-fA-F]{64}$/.test(text)) throw new Error('a SHA-256 has 64 hex digits');
      return text;
    },
  }),
};

/** Which pair the command is about and how to get to its hosts. */
export const pairFlags = {
  a: Flags.string({ helpGroup: WHICH, helpValue: 'HOST', description: 'first host: [user@]host[:ssh port]' }),
  b: Flags.string({ helpGroup: WHICH, helpValue: 'HOST', description: 'second host' }),
  config: Flags.string({
    helpGroup: WHICH,
    helpValue: 'FILE',
    env: 'REPCACHECTL_CONFIG',
    description: 'the pair that this file describes; default: repcache.yaml in the current folder',
  }),
  local: Flags.boolean({
    helpGroup: WHICH,
    description: 'the pair of two processes on this machine',
  }),
  port: tcpPort('client port (default 11211; a local node b takes the next free one)', WHICH),
  'replication-port': tcpPort('replication port (default 16000)', WHICH),
  engine: Flags.option({
    options: ['repcached', 'legacy', 'stock'] as const,
    helpGroup: WHICH,
    description:
      "what the nodes run, where no file says so: repcached (default), the C program it replaces, or the distribution's memcached",
  })(),
  ...sshFlags,
};

/** Only deploy decides these. */
export const sizeFlags = {
  memory: Flags.integer({
    min: 64,
    helpValue: 'MB',
    description: 'memory for items (default 1024; --local: 256)',
  }),
  connections: Flags.integer({
    min: 1,
    max: 1_000_000,
    helpValue: 'N',
    description: 'most client connections (default 4096)',
  }),
  'address-a': Flags.string({
    ...OF_HOSTS,
    helpValue: 'IP',
    description: "address on which clients and b reach a's node, when it is not the one SSH uses",
  }),
  'address-b': Flags.string({ ...OF_HOSTS, helpValue: 'IP', description: 'the same for b' }),
};

export const yesFlag = { yes: Flags.boolean({ char: 'y', description: 'do not ask' }) };

export const nodeFlag = {
  node: Flags.option({ options: ['a', 'b'] as const, description: 'only this node' })(),
};

/** What the parser makes of `pairFlags` and, for deploy, `sizeFlags`. */
interface ParsedPairFlags {
  readonly a?: string | undefined;
  readonly b?: string | undefined;
  readonly config?: string | undefined;
  readonly local: boolean;
  readonly port?: number | undefined;
  readonly 'replication-port'?: number | undefined;
  readonly user?: string | undefined;
  readonly 'ssh-port'?: number | undefined;
  readonly identity?: string | undefined;
  readonly memory?: number | undefined;
  readonly connections?: number | undefined;
  readonly engine?: EngineName | undefined;
  readonly verbatim?: boolean | undefined;
  readonly 'address-a'?: string | undefined;
  readonly 'address-b'?: string | undefined;
}

export function selectionOf(flags: ParsedPairFlags): PairSelection {
  return withoutUndefined({
    local: flags.local,
    configFile: flags.config,
    targets: byNode(flags.a, flags.b),
    addresses: byNode(flags['address-a'], flags['address-b']),
    user: flags.user,
    sshPort: flags['ssh-port'],
    identityFile: flags.identity,
    port: flags.port,
    replicationPort: flags['replication-port'],
    memoryMb: flags.memory,
    connections: flags.connections,
    engine: flags.engine,
    // Absent and not false: a second deploy without the flag leaves what the file says.
    verbatim: flags.verbatim || undefined,
  });
}

function byNode(a: string | undefined, b: string | undefined): Partial<Record<NodeName, string>> {
  return withoutUndefined({ a, b });
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function withoutUndefined<T extends object>(object: T): Defined<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Defined<T>;
}
