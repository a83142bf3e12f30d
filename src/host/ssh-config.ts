// What `ssh TARGET` would do, asked from the system's own OpenSSH: aliases, Match blocks, Include and all.
import { homedir, userInfo } from 'node:os';
import { execa } from 'execa';
import { OperatorError } from '../errors.js';

/** How to reach one machine, after ~/.ssh/config and the flags that override it. */
export interface SshTarget {
  /** As the operator wrote it; the name in messages. */
  readonly target: string;
  readonly hostName: string;
  readonly port: number;
  readonly user: string;
  /** Key files that the operator or the configuration names, in order. */
  readonly identityFiles: readonly string[];
  /** Key files that ssh tries by itself. */
  readonly defaultIdentityFiles: readonly string[];
  /** The agent's socket; undefined when there is no agent, or none shall be used. */
  readonly agentSocket: string | undefined;
  /** Use the named keys only, even if the agent offers more. */
  readonly identitiesOnly: boolean;
  /** Machines to go through, first one first, each in ssh's `[user@]host[:port]` form. */
  readonly jumps: readonly string[];
  /** The name under which known_hosts has the machine: HostKeyAlias, host, or `[host]:port`. */
  readonly hostKeyName: string;
  readonly userKnownHostsFiles: readonly string[];
  readonly globalKnownHostsFiles: readonly string[];
  readonly strictHostKeyChecking: 'ask' | 'yes' | 'accept-new';
  readonly hashKnownHosts: boolean;
  readonly connectTimeoutMs: number | undefined;
}

export interface SshTargetOptions {
  readonly target: string;
  readonly user?: string | undefined;
  readonly port?: number | undefined;
  readonly identityFile?: string | undefined;
  /** Read instead of ~/.ssh/config and the system-wide file, as `ssh -F` does. */
  readonly configFile?: string | undefined;
}

/**
 * Resolves a target as `ssh` would.
 * @throws OperatorError `SSH_MISSING`, `SSH_CONFIG_INVALID`, `SSH_PROXY_COMMAND` (all exit config).
 */
export async function resolveSshTarget(options: SshTargetOptions): Promise<SshTarget> {
  const { target, configFile } = options;
  const flags = [
    ...(configFile === undefined ? [] : ['-F', configFile]),
    ...(options.user === undefined ? [] : ['-l', options.user]),
    ...(options.port === undefined ? [] : ['-p', String(options.port)]),
    ...(options.identityFile === undefined ? [] : ['-i', options.identityFile]),
  ];
  const [settings, defaults] = await Promise.all([
    printedConfig([...flags, '--', target], target),
    printedConfig(['-F', '/dev/null', '--', 'localhost'], target),
  ]);
  return interpret(target, settings, defaults.get('identityfile') ?? []);
}

/** Settings by lower-case name, each with the values of all its lines. */
type Settings = ReadonlyMap<string, readonly string[]>;

async function printedConfig(args: readonly string[], target: string): Promise<Settings> {
  const result = await execa('ssh', ['-G', ...args], { reject: false, stdin: 'ignore' });
  if (result.code === 'ENOENT') {
    throw new OperatorError('The program ssh is not installed here', {
      code: 'SSH_MISSING',
      exit: 'config',
      suggestions: [
        'Install the OpenSSH client: apt install openssh-client, or dnf install openssh-clients.',
      ],
    });
  }
  if (result.exitCode !== 0) {
    throw new OperatorError(`ssh cannot make sense of "${target}": ${result.stderr.trim()}`, {
      code: 'SSH_CONFIG_INVALID',
      exit: 'config',
      suggestions: ['Write the host as for ssh: a name, an address, or an alias of ~/.ssh/config.'],
    });
  }
  const settings = new Map<string, string[]>();
  for (const line of result.stdout.split('\n')) {
    const space = line.indexOf(' ');
    if (space < 0) continue;
    const name = line.slice(0, space).toLowerCase();
    const values = settings.get(name) ?? [];
    values.push(line.slice(space + 1));
    settings.set(name, values);
  }
  return settings;
}

function interpret(target: string, settings: Settings, defaultIdentities: readonly string[]): SshTarget {
  const one = (name: string): string | undefined => settings.get(name)?.[0];
  const hostName = one('hostname') ?? target;
  const port = Number(one('port') ?? 22);
  const user = one('user') ?? userInfo().username;
  const expand = (path: string): string => expandPath(path, { hostName, port, user });

  const proxyCommand = one('proxycommand');
  if (proxyCommand !== undefined && proxyCommand !== 'none') {
    throw new OperatorError(`${target}: ~/.ssh/config reaches it by a ProxyCommand, which is not supported`, {
      code: 'SSH_PROXY_COMMAND',
      exit: 'config',
      suggestions: ['Use ProxyJump for it, or run repcachectl on a machine that reaches the host directly.'],
    });
  }
  const identities = settings.get('identityfile') ?? [];
  // ssh prints its own default files only where nothing else is named.
  const named = identities.join('\n') === defaultIdentities.join('\n') ? [] : identities;
  const strict = one('stricthostkeychecking');
  const connectTimeoutSec = Number(one('connecttimeout'));
  const jump = one('proxyjump');
  return {
    target,
    hostName,
    port,
    user,
    identityFiles: named.filter((path) => path !== 'none').map(expand),
    defaultIdentityFiles: named.length > 0 ? [] : defaultIdentities.map(expand),
    agentSocket: agentSocket(one('identityagent'), expand),
    identitiesOnly: one('identitiesonly') === 'yes',
    jumps: jump === undefined || jump === 'none' ? [] : jump.split(','),
    hostKeyName: one('hostkeyalias') ?? (port === 22 ? hostName : `[${hostName}]:${port}`),
    userKnownHostsFiles: fileList(one('userknownhostsfile')).map(expand),
    globalKnownHostsFiles: fileList(one('globalknownhostsfile')).map(expand),
    // `no` accepts what is new, and ssh would even go on after a change; that much we never do.
    strictHostKeyChecking:
      strict === 'true' || strict === 'yes'
        ? 'yes'
        : strict === 'ask' || strict === undefined
          ? 'ask'
          : 'accept-new',
    hashKnownHosts: one('hashknownhosts') === 'yes',
    connectTimeoutMs: connectTimeoutSec > 0 ? connectTimeoutSec * 1000 : undefined,
  };
}

/** Splits a list of files as ssh prints it: unquoted, so that a blank inside a path must be told from one between. */
function fileList(value: string | undefined): string[] {
  if (value === undefined || value === 'none') return [];
  return value.split(/ +(?=[~/%])/);
}

function agentSocket(configured: string | undefined, expand: (path: string) => string): string | undefined {
  if (configured === 'none') return undefined;
  if (configured === undefined || configured === 'SSH_AUTH_SOCK')
    return process.env.SSH_AUTH_SOCK || undefined;
  if (configured.startsWith('$')) return process.env[configured.replace(/^\$\{?(\w+)\}?$/, '$1')];
  return expand(configured);
}

/** Expands `~` and the tokens of ssh_config(5) that occur in file names. */
function expandPath(path: string, target: { hostName: string; port: number; user: string }): string {
  const home = userInfo().homedir || homedir();
  const tokens: Record<string, string> = {
    '%': '%',
    d: home,
    h: target.hostName,
    p: String(target.port),
    r: target.user,
    u: userInfo().username,
  };
  return path
    .replace(/^~(?=\/|$)/, home)
    .replaceAll(/%(.)/g, (whole, token: string) => tokens[token] ?? whole);
}
