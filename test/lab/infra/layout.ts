// Where everything of a lab is: names, addresses, folders. All of them derive from the lab's name,
// so that two labs (one for a person, one for the tests) can be up at the same time.
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** A machine that boots a Debian of its own. */
export type HostName = 'a' | 'b' | 'proxy';

/** The pair, which `up` boots; the proxy is booted on request. */
export const PAIR_HOSTS: readonly HostName[] = ['a', 'b'];
export const ALL_HOSTS: readonly HostName[] = ['a', 'b', 'proxy'];

/** The same in every lab: each lab's network is sealed off, so they never meet. */
export const ADDRESSES = {
  /** Serves the package mirror; sits in the switch's own namespace. */
  mirror: '192.168.37.1',
  ops: '192.168.37.7',
  a: '192.168.37.17',
  b: '192.168.37.27',
  proxy: '192.168.37.37',
} as const;

export const PREFIX_LENGTH = 24;

/** The lab that a person gets by `npm run lab -- up`. */
export const DEFAULT_LAB_NAME = 'rcl';
/** The lab of `npm run test:lab`, which is thrown away without asking: never the name of a person's. */
export const TEST_LAB_NAME = process.env.REPCACHECTL_TEST_LAB ?? 'rct';

export const REPOSITORY_DIR = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

export interface LabLayout {
  /** Prefix of every namespace and machine name. */
  readonly name: string;
  /** Holds all that `down` removes. */
  readonly stateDir: string;
  /** Holds the root file system and the packages; survives `down`, is shared by all labs. */
  readonly cacheDir: string;
}

/**
 * The layout of one lab. `REPCACHECTL_LAB_CACHE` and `REPCACHECTL_LAB_STATE` move its folders.
 * @throws when the name could not be part of a network namespace's or interface's name.
 */
export function labLayout(name: string): LabLayout {
  if (!/^[a-z][a-z0-9]{0,7}$/.test(name)) {
    throw new Error(`a lab's name is 1 to 8 lower-case letters and digits, not '${name}'`);
  }
  const stateRoot = process.env.REPCACHECTL_LAB_STATE ?? '/var/lib/repcachectl-lab';
  return {
    name,
    stateDir: path.join(stateRoot, name),
    cacheDir: process.env.REPCACHECTL_LAB_CACHE ?? '/var/cache/repcachectl-lab',
  };
}

/** Network namespace of a host, of `ops`, or of the `switch` that joins them. */
export function namespaceOf(layout: LabLayout, member: HostName | 'ops' | 'switch'): string {
  return `${layout.name}-${member}`;
}

/** Every namespace that a lab can have. */
export function namespacesOf(layout: LabLayout): string[] {
  return [...ALL_HOSTS, 'ops' as const, 'switch' as const].map((member) => namespaceOf(layout, member));
}

export interface HostDirs {
  readonly base: string;
  /** What the host has written over the image. */
  readonly upper: string;
  readonly work: string;
  /** The host's `/`. */
  readonly root: string;
  readonly console: string;
  /** Exists once the disk has been made to its end. */
  readonly complete: string;
}

export function hostDirs(layout: LabLayout, host: HostName): HostDirs {
  const base = path.join(layout.stateDir, 'hosts', host);
  return {
    base,
    upper: path.join(base, 'upper'),
    work: path.join(base, 'work'),
    root: path.join(base, 'root'),
    console: path.join(base, 'console.log'),
    complete: path.join(base, 'complete'),
  };
}

/** HOME of whoever works on the ops machine: its SSH keys, known_hosts, repcache.yaml. */
export function opsHome(layout: LabLayout): string {
  return path.join(layout.stateDir, 'ops');
}
