// Runs the built engine in tests: real processes on free loopback ports, awaited by what they say on stderr.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.js';
import { TextClient } from './text-client.js';

/** The artifact; `npm run build:engine` makes it, and `npm test` does so first. */
export const ENGINE_PATH = fileURLToPath(
  new URL(`../../dist/engine/repcached-linux-${process.arch}`, import.meta.url),
);

const LINE_TIMEOUT_MS = 15_000;
const EXIT_TIMEOUT_MS = 10_000;

export interface Exit {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One engine process. */
export class EngineProcess {
  /** Everything said on stderr so far. */
  log = '';
  readonly exited: Promise<Exit>;
  hasExited = false;
  readonly #child: ChildProcess;
  /** Up to where `waitForLog` has read: each wait looks for something new. */
  #readTo = 0;
  #wake: () => void = () => {};

  constructor(flags: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) {
    if (!existsSync(ENGINE_PATH)) throw new Error(`${ENGINE_PATH} is missing: run npm run build:engine`);
    this.#child = spawn(ENGINE_PATH, flags, { stdio: ['ignore', 'pipe', 'pipe'], env: {}, ...options });
    this.#child.stdout?.resume();
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.log += text;
      this.#wake();
    });
    this.exited = new Promise((resolve) => {
      this.#child.on('close', (status, signal) => {
        this.hasExited = true;
        this.#wake();
        resolve({ status, signal });
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Waits for a log line that no earlier wait has passed. @returns the line */
  async waitForLog(pattern: RegExp, timeoutMs = LINE_TIMEOUT_MS): Promise<string> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      for (const line of this.log.slice(this.#readTo).split(/(?<=\n)/)) {
        if (!line.endsWith('\n')) break;
        this.#readTo += line.length;
        if (pattern.test(line)) return line.trimEnd();
      }
      if (this.hasExited) throw new Error(`the engine ended before it said ${pattern}:\n${this.log}`);
      const leftMs = deadline - Date.now();
      if (leftMs <= 0)
        throw new Error(`the engine did not say ${pattern} within ${timeoutMs} ms:\n${this.log}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.hasExited) this.#child.kill(signal);
  }

  /** Sends the signal and waits for the end. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.signal(signal);
    const timer = setTimeout(() => this.signal('SIGKILL'), EXIT_TIMEOUT_MS);
    const exit = await this.exited;
    clearTimeout(timer);
    return exit;
  }
}

/** A place for one node: its ports stay the same over restarts. */
export class TestNode {
  readonly port: number;
  readonly replicationPort: number;
  /** Flags of every start, without those for the client port. */
  flags: readonly string[];
  #process: EngineProcess | undefined;
  readonly #clients: TextClient[] = [];

  constructor(ports: { port: number; replicationPort: number }, flags: readonly string[]) {
    this.port = ports.port;
    this.replicationPort = ports.replicationPort;
    this.flags = flags;
  }

  /** The process that runs, or ran last. */
  get process(): EngineProcess {
    if (this.#process === undefined) throw new Error('the node was never started');
    return this.#process;
  }

  /** Starts the process without waiting for it. */
  launch(): EngineProcess {
    if (this.#process !== undefined && !this.#process.hasExited) throw new Error('the node runs already');
    this.#process = new EngineProcess([
      '-u',
      'root',
      '-l',
      '127.0.0.1',
      '-p',
      String(this.port),
      ...this.flags,
    ]);
    return this.#process;
  }

  /** Starts the process and waits until it serves clients. */
  async start(): Promise<void> {
    await this.launch().waitForLog(/listening on /);
  }

  /** A new connection; the helper closes it at the end. */
  async connect(): Promise<TextClient> {
    const client = await TextClient.connect(this.port);
    this.#clients.push(client);
    return client;
  }

  /** Closes the clients, stops the process if it runs, and fails if that did not end in good order. */
  async release(): Promise<void> {
    for (const client of this.#clients) client.close();
    const running = this.#process;
    if (running === undefined || running.hasExited) return;
    running.signal('SIGCONT');
    const { status, signal } = await running.end();
    if (status !== 0)
      throw new Error(`the engine ended with ${signal ?? `status ${status}`}:\n${running.log}`);
  }
}

/** One node without replication, serving; `flags` come after those for its port. */
export async function withNode(
  flags: readonly string[],
  callback: (node: TestNode) => Promise<void>,
): Promise<void> {
  const node = new TestNode({ port: await freePort(), replicationPort: await freePort() }, flags);
  await releasing([node], async () => {
    await node.start();
    await callback(node);
  });
}

export interface PairOptions {
  /** More flags for both nodes. */
  readonly flags?: readonly string[];
  /** False leaves the start to the callback. */
  readonly start?: boolean;
}

/** Two nodes that replicate with each other, both serving and in sync unless `start` is false. */
export async function withPair(
  callback: (pair: { a: TestNode; b: TestNode }) => Promise<void>,
  { flags = [], start = true }: PairOptions = {},
): Promise<void> {
  const [portA, portB, replicationA, replicationB] = await Promise.all([
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ]);
  const replicate = (own: number, peer: number): string[] => [
    '-x',
    '127.0.0.1',
    '-X',
    `${own}:${peer}`,
    ...flags,
  ];
  const a = new TestNode(
    { port: portA, replicationPort: replicationA },
    replicate(replicationA, replicationB),
  );
  const b = new TestNode(
    { port: portB, replicationPort: replicationB },
    replicate(replicationB, replicationA),
  );
  await releasing([a, b], async () => {
    if (start) await startPair(a, b);
    await callback({ a, b });
  });
}

/** Starts both nodes and waits until each says that it is in sync with the other. */
export async function startPair(a: TestNode, b: TestNode): Promise<void> {
  const processes = [a.launch(), b.launch()];
  await Promise.all(processes.map((process) => process.waitForLog(/sync done/)));
  for (const node of [a, b]) {
    if (!node.process.log.includes('listening on')) await node.process.waitForLog(/listening on/);
  }
}

/** Runs the callback, releases every node, and reports the callback's own error first. */
async function releasing(nodes: readonly TestNode[], callback: () => Promise<void>): Promise<void> {
  const errors: unknown[] = [];
  await callback().catch((error) => {
    const logs = nodes.map((node, index) => `--- node ${index}\n${logOf(node)}`).join('');
    errors.push(
      error instanceof Error ? Object.assign(error, { message: `${error.message}\n${logs}` }) : error,
    );
  });
  for (const result of await Promise.allSettled(nodes.map((node) => node.release()))) {
    if (result.status === 'rejected') errors.push(result.reason);
  }
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, errors.map(String).join('\n'));
}

function logOf(node: TestNode): string {
  try {
    return node.process.log;
  } catch {
    return '(not started)\n';
  }
}
