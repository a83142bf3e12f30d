// A remote machine as a Host, over one SSH connection.
import type { Duplex } from 'node:stream';
import type { ClientChannel } from 'ssh2';
import { OperatorError } from '../errors.js';
import { putHostFile, readHostFile, writeHostFile } from './files.js';
import type { FileOptions, Host, RunOptions, RunResult } from './host.js';
import type { HostKeyQuestion } from './host-key-policy.js';
import type { Program, ProgramEnd } from './program.js';
import { quoteCommand } from './quote.js';
import { Runner } from './runner.js';
import { Semaphore } from './semaphore.js';
import { resolveSshTarget } from './ssh-config.js';
import { openForward, openSshConnection, type SshConnection } from './ssh-connection.js';
import { CONNECT_TIMEOUT_MS, connectFailed } from './tcp.js';

export interface SshHostOptions {
  /** `a` or `b` in a pair; the name in messages. */
  readonly name: string;
  /** Host name, address, or alias of ~/.ssh/config; `user@host` and `ssh://` forms as ssh takes them. */
  readonly target: string;
  readonly user?: string | undefined;
  readonly port?: number | undefined;
  readonly identityFile?: string | undefined;
  /** The address by which peer and clients reach it. Default: what ssh resolves the target to. */
  readonly address?: string | undefined;
  /** Instead of ~/.ssh/config. */
  readonly configFile?: string | undefined;
  /** Accept a host that is not in known_hosts yet, and add it. */
  readonly acceptNewHostKeys?: boolean | undefined;
  /** Asks the operator about a new host; absent without a terminal. Two hosts may well ask at the same time. */
  readonly confirmHostKey?: ((question: HostKeyQuestion) => Promise<boolean>) | undefined;
  /** Gives the password if sudo wants one; called at most once. */
  readonly sudoPassword?: (() => Promise<string | undefined>) | undefined;
  readonly connectTimeoutMs?: number | undefined;
}

/** sshd allows 10 sessions on one connection by default (MaxSessions), and counts some that have just ended. */
const MAX_SESSIONS = 6;
/** How long to go on asking for a session that sshd refuses; nothing has been started then, so asking is safe. */
const SESSION_LIMIT_MS = 5_000;
const SESSION_RETRY_MS = 50;

export class SshHost implements Host {
  readonly name: string;
  readonly address: string;
  readonly #connection: SshConnection;
  readonly #runner: Runner;
  readonly #sessions = new Semaphore(MAX_SESSIONS);

  private constructor(options: SshHostOptions, address: string, connection: SshConnection) {
    this.name = options.name;
    this.address = address;
    this.#connection = connection;
    this.#runner = new Runner({
      hostName: options.name,
      launch: (argv) => this.#launch(argv),
      isRoot: async () => (await this.run(['id', '-u'])).stdout.trim() === '0',
      sudoPassword: options.sudoPassword,
    });
  }

  /**
   * Connects and logs in.
   * @throws OperatorError as openSshConnection does; nothing is ever retried, a changed host key least of all.
   */
  static async connect(options: SshHostOptions): Promise<SshHost> {
    const target = await resolveSshTarget(options);
    const connection = await openSshConnection(target, {
      hostKeys: { acceptNew: options.acceptNewHostKeys, confirm: options.confirmHostKey },
      identityFile: options.identityFile,
      configFile: options.configFile,
      timeoutMs: options.connectTimeoutMs,
    });
    return new SshHost(options, options.address ?? target.hostName, connection);
  }

  run(argv: readonly [string, ...string[]], options: RunOptions = {}): Promise<RunResult> {
    return this.#runner.run(argv, options);
  }

  readFile(path: string, options: { root?: boolean } = {}): Promise<string | undefined> {
    return readHostFile(this.#runner, path, options);
  }

  writeFile(path: string, content: string, options: FileOptions): Promise<void> {
    return writeHostFile(this.#runner, this.name, path, content, options);
  }

  putFile(localPath: string, path: string, options: FileOptions): Promise<void> {
    return putHostFile(this.#runner, this.name, localPath, path, options);
  }

  async connect(address: string, port: number): Promise<Duplex> {
    try {
      return await openForward(this.#connection.ssh, address, port, CONNECT_TIMEOUT_MS);
    } catch (error) {
      throw connectFailed(this.name, address, port, error);
    }
  }

  async close(): Promise<void> {
    this.#connection.close();
  }

  async #launch(argv: readonly string[]): Promise<Program> {
    const release = await this.#sessions.acquire();
    try {
      const { channel, ended } = await this.#openSession(quoteCommand(argv));
      void ended.then(release);
      return { stdin: channel, stdout: channel, stderr: channel.stderr, ended, kill: () => kill(channel) };
    } catch (error) {
      release();
      throw error;
    }
  }

  async #openSession(command: string): Promise<Session> {
    const deadline = performance.now() + SESSION_LIMIT_MS;
    for (;;) {
      try {
        return await exec(this.#connection, command);
      } catch (cause) {
        // A reason is what sshd gives when it refuses a session; without one the connection is gone.
        const refused = (cause as { reason?: unknown }).reason !== undefined;
        if (!refused) throw this.#nothingStarted('the SSH connection is gone', cause);
        if (performance.now() > deadline) throw this.#nothingStarted('sshd refuses a session', cause);
        await new Promise((resolve) => setTimeout(resolve, SESSION_RETRY_MS));
      }
    }
  }

  #nothingStarted(why: string, cause: unknown): OperatorError {
    return new OperatorError(`${this.name}: ${why}, nothing was started`, {
      code: 'CONNECTION_LOST',
      exit: 'connection',
      suggestions: [
        'Once the host can be reached, run the same command again: it takes up where it stopped.',
      ],
      cause,
    });
  }
}

interface Session {
  readonly channel: ClientChannel;
  readonly ended: Promise<ProgramEnd>;
}

function exec(connection: SshConnection, command: string): Promise<Session> {
  return new Promise((resolve, reject) => {
    // Throws, rather than calls back, when the connection is closed already: the promise takes both alike.
    connection.client.exec(command, (error, channel) => {
      // Listened to here and not a turn later: a quick program's exit status may be in the same packet.
      if (error === undefined) resolve({ channel, ended: whenEnded(channel, connection) });
      else reject(error);
    });
  });
}

/** Waits for the channel to close; a close without an exit status means that nobody knows how the program ended. */
function whenEnded(channel: ClientChannel, connection: SshConnection): Promise<ProgramEnd> {
  return new Promise((resolve) => {
    let end: ProgramEnd = { kind: 'lost' };
    let cause: unknown;
    const broke = (error: unknown): void => {
      cause = error;
    };
    const finish = (): void => {
      connection.client.off('error', broke);
      connection.client.off('close', finish);
      resolve(end.kind === 'lost' ? { kind: 'lost', cause } : end);
    };
    connection.client.on('error', broke);
    connection.client.once('close', finish);
    channel.on('error', broke);
    channel.on('exit', (code: number | null, signal?: string) => {
      end =
        code === null ? { kind: 'signal', signal: signal ?? 'a signal' } : { kind: 'exit', exitCode: code };
    });
    channel.once('close', finish);
  });
}

/** Asks sshd to kill what is left (OpenSSH 7.9 and later do so) and forgets about it. */
function kill(channel: ClientChannel): void {
  channel.signal('KILL');
  channel.close();
}
