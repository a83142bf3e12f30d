// The keys to try on a host, in order: named files, the agent, then the files that ssh tries by itself.
import { readFile, stat } from 'node:fs/promises';
import { execa } from 'execa';
import type { AnyAuthMethod } from 'ssh2';
import { OperatorError } from '../errors.js';
import type { SshTarget } from './ssh-config.js';
import { answersOnUnixSocket } from './tcp.js';

/** What will be tried, and what cannot be and why. */
export interface AuthPlan {
  readonly attempts: readonly { readonly label: string; readonly method: AnyAuthMethod }[];
  /** Key files that need a passphrase: only an agent can use them. */
  readonly locked: readonly string[];
}

/**
 * Reads the keys for a target.
 * @throws OperatorError `IDENTITY_UNREADABLE` (exit config) for the key file that a flag or repcache.yaml names.
 */
export async function planAuth(target: SshTarget, namedByFlag: string | undefined): Promise<AuthPlan> {
  if (namedByFlag !== undefined) await mustExist(namedByFlag);
  const locked: string[] = [];
  const fromFiles = async (paths: readonly string[]): Promise<AuthPlan['attempts']> => {
    const attempts = [];
    for (const path of paths) {
      const key = await readFile(path).catch(() => undefined);
      if (key === undefined) continue;
      if (!key.includes('PRIVATE KEY')) continue;
      if (await isLocked(path)) locked.push(path);
      else attempts.push({ label: path, method: { type: 'publickey' as const, username: target.user, key } });
    }
    return attempts;
  };
  const named = await fromFiles(target.identityFiles);
  // IdentitiesOnly keeps the agent's other keys out, but a locked key can only be used through it.
  const wantsAgent = !target.identitiesOnly || named.length < target.identityFiles.length;
  const agent = wantsAgent ? await agentAttempt(target) : [];
  const defaults = await fromFiles(target.defaultIdentityFiles);
  return { attempts: [...named, ...agent, ...defaults], locked };
}

async function agentAttempt(target: SshTarget): Promise<AuthPlan['attempts']> {
  const path = target.agentSocket;
  if (path === undefined || !(await answersOnUnixSocket(path))) return [];
  return [
    {
      label: `the keys of the agent (${path})`,
      method: { type: 'agent', username: target.user, agent: path },
    },
  ];
}

/** Whether a private key needs a passphrase; ssh-keygen knows all formats. */
async function isLocked(path: string): Promise<boolean> {
  const result = await execa('ssh-keygen', ['-y', '-P', '', '-f', path], { reject: false, stdin: 'ignore' });
  return result.exitCode !== 0 && /passphrase/.test(result.stderr);
}

async function mustExist(path: string): Promise<void> {
  try {
    await stat(path);
  } catch (cause) {
    throw new OperatorError(`The key file ${path} cannot be read`, {
      code: 'IDENTITY_UNREADABLE',
      exit: 'config',
      suggestions: [
        'Name the private key by its full path, or leave it out to use ~/.ssh/config and the agent.',
      ],
      cause,
    });
  }
}

/** The error for a login that no key could open. */
export function authFailed(target: SshTarget, plan: AuthPlan, cause: unknown): OperatorError {
  const tried = plan.attempts.map((attempt) => attempt.label);
  const what = tried.length === 0 ? 'there was no key to try' : `tried ${tried.join(', ')}`;
  const where = `${target.user}@${target.hostName}:${target.port}`;
  return new OperatorError(`${target.target}: ${where} does not let us in; ${what}`, {
    code: 'AUTH_FAILED',
    exit: 'connection',
    suggestions: [
      ...plan.locked.map(
        (path) => `${path} is protected by a passphrase; load it into the agent: ssh-add ${path}`,
      ),
      `Bring your public key there: ssh-copy-id -p ${target.port} ${target.user}@${target.hostName}`,
      'Or name another login or key: the user and the identity file, by flags, repcache.yaml or ~/.ssh/config.',
    ],
    cause,
  });
}
