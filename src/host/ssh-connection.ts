// Opens an SSH connection, if need be through other machines, and says what is wrong when that fails.
import type { Duplex } from 'node:stream';
import { NodeSSH } from 'node-ssh';
import type { AnyAuthMethod, Client } from 'ssh2';
import { OperatorError } from '../errors.js';
import { HostKeyPolicy, type HostKeyPolicyOptions } from './host-key-policy.js';
import { type AuthPlan, authFailed, planAuth } from './ssh-auth.js';
import { resolveSshTarget, type SshTarget } from './ssh-config.js';
import { CONNECT_TIMEOUT_MS, openSocket } from './tcp.js';

export interface SshConnectOptions {
  readonly hostKeys: HostKeyPolicyOptions;
  /** The key file that a flag or repcache.yaml names, if any; for the last machine, not for those on the way. */
  readonly identityFile?: string | undefined;
  readonly configFile?: string | undefined;
  /** For the TCP connection and for the handshake each, while nobody is being asked. Default 10_000. */
  readonly timeoutMs?: number | undefined;
}

/** An open connection, and all that must be closed with it. */
export interface SshConnection {
  readonly ssh: NodeSSH;
  readonly client: Client;
  close(): void;
}

/** A dead peer is noticed after 15 to 20 s. */
const KEEPALIVE_INTERVAL_MS = 5_000;
const KEEPALIVES_MISSED = 3;
/** ssh itself has no limit; a longer way than this is a loop in the configuration. */
const MAX_JUMPS = 8;

/**
 * Connects and logs in.
 * @throws OperatorError `HOST_UNKNOWN`, `HOST_UNREACHABLE`, `AUTH_FAILED`, `HOST_KEY_UNKNOWN`, `HOST_KEY_CHANGED`,
 *   `HOST_KEY_REVOKED`, `SSH_HANDSHAKE_FAILED` (exit connection), and those of resolveSshTarget and planAuth.
 */
export async function openSshConnection(
  target: SshTarget,
  options: SshConnectOptions,
): Promise<SshConnection> {
  return await connectThrough(target, target.jumps, options, 0);
}

async function connectThrough(
  target: SshTarget,
  jumps: readonly string[],
  options: SshConnectOptions,
  depth: number,
): Promise<SshConnection> {
  const timeoutMs = options.timeoutMs ?? target.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
  if (depth > MAX_JUMPS) throw unreachable(target, `more than ${MAX_JUMPS} ProxyJumps`, undefined);
  const [plan, policy] = await Promise.all([
    planAuth(target, options.identityFile),
    HostKeyPolicy.read(target, options.hostKeys),
  ]);
  const via = jumps.length === 0 ? undefined : await connectToJump(jumps, options, depth);
  try {
    const socket = await openTransport(target, via, timeoutMs);
    const ssh = await logIn(target, socket, plan, policy, timeoutMs);
    const client = ssh.connection!;
    // Without a listener, a connection that breaks between two steps would end the whole process.
    client.on('error', () => {});
    // Each running step listens for the end of the connection.
    client.setMaxListeners(0);
    const close = (): void => {
      ssh.dispose();
      via?.close();
    };
    client.on('close', () => via?.close());
    return { ssh, client, close };
  } catch (error) {
    via?.close();
    throw error;
  }
}

/** Connects to the last of the jumps, by way of the others; the first one may have a ProxyJump of its own. */
async function connectToJump(
  jumps: readonly string[],
  options: SshConnectOptions,
  depth: number,
): Promise<SshConnection> {
  const last = jumps.at(-1)!;
  const target = await resolveSshTarget({
    target: last.startsWith('ssh://') ? last : `ssh://${last}`,
    configFile: options.configFile,
  });
  const before = jumps.length > 1 ? jumps.slice(0, -1) : target.jumps;
  return await connectThrough(target, before, { ...options, identityFile: undefined }, depth + 1);
}

async function openTransport(
  target: SshTarget,
  via: SshConnection | undefined,
  timeoutMs: number,
): Promise<Duplex> {
  try {
    if (via === undefined) return await openSocket(target.hostName, target.port, timeoutMs);
    const channel = await openForward(via.ssh, target.hostName, target.port, timeoutMs);
    // Unlike a socket, a channel stays half open when the far end is gone, and nobody would ever notice.
    channel.once('end', () => channel.destroy());
    return channel;
  } catch (cause) {
    throw explainTransport(target, cause);
  }
}

/** Opens a TCP connection from the far end of an SSH connection. */
export async function openForward(
  ssh: NodeSSH,
  address: string,
  port: number,
  timeoutMs: number,
): Promise<Duplex> {
  let timer: NodeJS.Timeout | undefined;
  const opening = ssh.forwardOut('127.0.0.1', 0, address, port);
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs);
  });
  try {
    return (await Promise.race([opening, limit])) as unknown as Duplex;
  } catch (error) {
    // Should it still open after we gave up, nobody would ever close it.
    opening.then((late) => late.close()).catch(() => {});
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function logIn(
  target: SshTarget,
  socket: Duplex,
  plan: AuthPlan,
  policy: HostKeyPolicy,
  timeoutMs: number,
): Promise<NodeSSH> {
  const ssh = new NodeSSH();
  let refusal: unknown;
  let overran = false;
  // Our own timer, as ssh2's would also run while the operator is looking at the fingerprint.
  const arm = (): NodeJS.Timeout =>
    setTimeout(() => {
      overran = true;
      socket.destroy();
    }, timeoutMs);
  let timer = arm();
  const hostVerifier = (key: Buffer, done: (trusted: boolean) => void): void => {
    clearTimeout(timer);
    policy.verify(key).then(
      () => {
        timer = arm();
        done(true);
      },
      (error: unknown) => {
        refusal = error;
        done(false);
      },
    );
  };
  const remaining: AnyAuthMethod[] = plan.attempts.map((attempt) => attempt.method);
  try {
    await ssh.connect({
      sock: socket,
      username: target.user,
      readyTimeout: 0,
      keepaliveInterval: KEEPALIVE_INTERVAL_MS,
      keepaliveCountMax: KEEPALIVES_MISSED,
      algorithms: { serverHostKey: policy.algorithms as never },
      hostVerifier,
      authHandler: (_left, _partial, next) => {
        const method = remaining.shift();
        // Its types know only methods, but `false` is how ssh2 is told that there are none left.
        next((method ?? false) as AnyAuthMethod);
      },
    });
    return ssh;
  } catch (cause) {
    socket.destroy();
    if (refusal !== undefined) throw refusal;
    if (overran)
      throw unreachable(target, `it did not finish the SSH handshake within ${timeoutMs / 1000} s`, cause);
    throw explainLogin(target, plan, cause);
  } finally {
    clearTimeout(timer);
  }
}

function explainTransport(target: SshTarget, cause: unknown): OperatorError {
  const code = (cause as { code?: unknown }).code;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new OperatorError(`${target.target}: there is no host called ${target.hostName}`, {
      code: 'HOST_UNKNOWN',
      exit: 'connection',
      suggestions: ['Check the spelling, /etc/hosts, the DNS, and HostName in ~/.ssh/config.'],
      cause,
    });
  }
  return unreachable(target, cause instanceof Error ? cause.message || String(code) : String(cause), cause);
}

function explainLogin(target: SshTarget, plan: AuthPlan, cause: unknown): OperatorError {
  const { level, message } = cause as { level?: string; message?: string };
  if (
    level === 'client-authentication' ||
    level === 'agent' ||
    /authentication failures/i.test(message ?? '')
  ) {
    return authFailed(target, plan, cause);
  }
  return new OperatorError(
    `${target.target}: no SSH session with ${target.hostName}:${target.port}: ${message}`,
    {
      code: 'SSH_HANDSHAKE_FAILED',
      exit: 'connection',
      suggestions: [`See whether ssh gets further, and what it says: ssh -v ${target.target}`],
      cause,
    },
  );
}

function unreachable(target: SshTarget, why: string, cause: unknown): OperatorError {
  return new OperatorError(`${target.target}: cannot reach ${target.hostName}:${target.port}: ${why}`, {
    code: 'HOST_UNREACHABLE',
    exit: 'connection',
    suggestions: [
      `See whether the host is up, its sshd listens on port ${target.port}, and no firewall is in between.`,
      `See whether ssh gets through: ssh -v ${target.target}`,
    ],
    cause,
  });
}
