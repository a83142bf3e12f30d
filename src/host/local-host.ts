// This very machine as a Host: programs are started directly, without a shell and without SSH.
import type { Duplex } from 'node:stream';
import { execa } from 'execa';
import { putHostFile, readHostFile, writeHostFile } from './files.js';
import type { FileOptions, Host, RunOptions, RunResult } from './host.js';
import type { Launch, ProgramEnd } from './program.js';
import { Runner } from './runner.js';
import { connectFailed, openSocket } from './tcp.js';

export interface LocalHostOptions {
  readonly name: string;
  /** Default 127.0.0.1. */
  readonly address?: string;
  readonly sudoPassword?: () => Promise<string | undefined>;
}

export class LocalHost implements Host {
  readonly name: string;
  readonly address: string;
  readonly #runner: Runner;

  constructor(options: LocalHostOptions) {
    this.name = options.name;
    this.address = options.address ?? '127.0.0.1';
    this.#runner = new Runner({
      hostName: options.name,
      launch,
      isRoot: async () => process.getuid?.() === 0,
      sudoPassword: options.sudoPassword,
    });
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
      return await openSocket(address, port);
    } catch (error) {
      throw connectFailed(this.name, address, port, error);
    }
  }

  async close(): Promise<void> {}
}

const launch: Launch = async (argv) => {
  const [file, ...rest] = argv;
  const subprocess = execa(file, rest, { buffer: false, reject: false, stdin: 'pipe' });
  const ended = subprocess.then((result): ProgramEnd => {
    if (result.signal !== undefined) return { kind: 'signal', signal: result.signal };
    // No exit code at all: the program could not even be started; 127 is what a shell says then.
    return { kind: 'exit', exitCode: result.exitCode ?? 127 };
  });
  return {
    stdin: subprocess.stdin,
    stdout: subprocess.stdout,
    stderr: subprocess.stderr,
    ended,
    kill: () => void subprocess.kill('SIGKILL'),
  };
};
