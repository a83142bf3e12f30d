// The servers under test as processes: started on a free loopback port, pinned, ended by their id.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import getPort from 'get-port';

export interface Contestant {
  readonly name: string;
  readonly command: readonly string[];
  /** Its -t, where that is not the workload's. */
  readonly threads?: number;
}

export interface ServerSettings {
  readonly threads: number;
  readonly memoryMb: number;
  readonly connections: number;
  /** A list for taskset, as in `0,2-3`. */
  readonly cpus: string;
  /** More flags, those of replication. */
  readonly flags?: readonly string[];
  /** How long it may take until it serves; one that is copied to first needs more. */
  readonly startLimitMs?: number;
}

const START_LIMIT_MS = 15_000;
const END_LIMIT_MS = 5000;
const POLL_MS = 20;
/** Files a server has open besides its connections. */
const SPARE_FILES = 200;
const ENGINE = fileURLToPath(new URL(`../dist/engine/repcached-linux-${process.arch}`, import.meta.url));

/** The engine first, then memcached where it is installed: the one that the others are compared with. */
export function installedContestants(): Contestant[] {
  if (!existsSync(ENGINE)) throw new Error(`${ENGINE} is missing: run npm run build:engine`);
  const hasMemcached = spawnSync('memcached', ['-V']).status === 0;
  return [
    { name: 'repcached', command: [ENGINE] },
    ...(hasMemcached ? [{ name: 'memcached', command: ['memcached'] }] : []),
  ];
}

/** What a program says of its version, in one line. */
export function versionOf(contestant: Contestant): string {
  const { stdout } = spawnSync(contestant.command[0], [...contestant.command.slice(1), '-V'], {
    encoding: 'utf8',
  });
  return (stdout ?? '').trim().split('\n')[0];
}

export class BenchServer {
  readonly name: string;
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #hasEnded = false;
  #log = '';

  private constructor(name: string, port: number, child: ChildProcess) {
    this.name = name;
    this.port = port;
    this.#child = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text;
    });
    this.#ended = new Promise<void>((resolve) => {
      child
        .once('close', () => resolve())
        .once('error', (error) => {
          this.#log += `${error.message}\n`;
          resolve();
        });
    }).then(() => {
      this.#hasEnded = true;
    });
  }

  /** Resolves when it accepts connections. @throws Error with what it said, when it does not */
  static async start({ name, command }: Contestant, settings: ServerSettings): Promise<BenchServer> {
    const port = await getPort();
    const files = settings.connections + SPARE_FILES;
    const flags = [
      ...['-l', '127.0.0.1', '-p', String(port), '-t', String(settings.threads)],
      ...['-m', String(settings.memoryMb), '-c', String(settings.connections)],
      ...(process.getuid?.() === 0 ? ['-u', 'root'] : []),
      ...(settings.flags ?? []),
    ];
    // Both replace themselves by what they start: the process id is the server's.
    const child = spawn(
      'taskset',
      ['--cpu-list', settings.cpus, 'prlimit', `--nofile=${files}:${files}`, ...command, ...flags],
      { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: process.env.PATH } },
    );
    const server = new BenchServer(name, port, child);
    try {
      await server.#waitUntilOpen(settings.startLimitMs ?? START_LIMIT_MS);
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.#hasEnded) this.#child.kill(signal);
  }

  /** Resident memory now. */
  residentBytes(): number {
    const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid}/status`, 'latin1'));
    return Number(match?.[1] ?? Number.NaN) * 1024;
  }

  async stop(): Promise<void> {
    if (!this.#hasEnded) this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), END_LIMIT_MS);
    await this.#ended;
    clearTimeout(timer);
  }

  async #waitUntilOpen(limitMs: number): Promise<void> {
    const deadline = Date.now() + limitMs;
    while (!(await accepts(this.port))) {
      if (this.#hasEnded || Date.now() > deadline) {
        throw new Error(`${this.name} did not start:\n${this.#log.trim()}`);
      }
      await sleep(POLL_MS);
    }
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
