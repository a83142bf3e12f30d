// The client programs of programs/, in their languages: how each is run, and whether its library is installed.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Debian's own; another python3 may come first in PATH, without Debian's packages. */
const PYTHON = '/usr/bin/python3';
const LIMIT_MS = 25_000;

/** The path of a program. */
export function programPath(name: string): string {
  return fileURLToPath(new URL(`programs/${name}`, import.meta.url));
}

export function hasPhpExtension(name: string): boolean {
  const { stdout } = spawnSync('php', ['-m'], { encoding: 'utf8' });
  return (stdout ?? '').split('\n').includes(name);
}

function succeeds(program: string, args: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

/** One run of the common script, complete but for the port, which follows `before`. */
export interface ClientProgram {
  readonly name: string;
  readonly program: string;
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly isInstalled: boolean;
  /** The steps of the script that this client can do, in order. */
  readonly steps: readonly string[];
}

const ALL_STEPS = ['store', 'fetch', 'cas', 'incr', 'multi', 'expiry', 'stats'];

function without(...missing: readonly string[]): string[] {
  return ALL_STEPS.filter((step) => !missing.includes(step));
}

function php(extension: string, file: string, ...after: string[]): Omit<ClientProgram, 'name' | 'steps'> {
  return { program: 'php', before: [programPath(file)], after, isInstalled: hasPhpExtension(extension) };
}

function python(module: string, file: string): Omit<ClientProgram, 'name' | 'steps'> {
  // -B: no compiled files beside the sources.
  return {
    program: PYTHON,
    before: ['-B', programPath(file)],
    after: [],
    isInstalled: succeeds(PYTHON, ['-c', `import ${module}`]),
  };
}

function perl(module: string, ...after: string[]): Omit<ClientProgram, 'name' | 'steps'> {
  return {
    program: 'perl',
    before: [programPath('cache-memcached.pl')],
    after,
    isInstalled: succeeds('perl', [`-M${module}`, '-e1']),
  };
}

function libmemcached(protocol: string): Omit<ClientProgram, 'name' | 'steps'> {
  return {
    program: programPath('libmemcached-tools.sh'),
    before: [],
    after: [protocol],
    isInstalled: spawnSync('memccp', ['--version'], { stdio: 'ignore' }).error === undefined,
  };
}

function npm(file: string): Omit<ClientProgram, 'name' | 'steps'> {
  return { program: process.execPath, before: [programPath(file)], after: [], isInstalled: true };
}

export const CLIENT_PROGRAMS: readonly ClientProgram[] = [
  { name: 'php-memcached, text', ...php('memcached', 'php-memcached.php', 'text'), steps: ALL_STEPS },
  { name: 'php-memcached, binary', ...php('memcached', 'php-memcached.php', 'binary'), steps: ALL_STEPS },
  { name: 'pecl-memcache', ...php('memcache', 'php-memcache.php'), steps: ALL_STEPS },
  { name: 'libmemcached-tools, text', ...libmemcached('text'), steps: without('cas', 'incr') },
  { name: 'libmemcached-tools, binary', ...libmemcached('binary'), steps: without('cas', 'incr') },
  { name: 'pymemcache', ...python('pymemcache', 'pymemcache_script.py'), steps: ALL_STEPS },
  { name: 'python-memcached', ...python('memcache', 'python_memcached_script.py'), steps: ALL_STEPS },
  { name: 'Cache::Memcached', ...perl('Cache::Memcached'), steps: without('cas') },
  { name: 'Cache::Memcached::Fast', ...perl('Cache::Memcached::Fast', 'Fast'), steps: without('stats') },
  { name: 'memjs (npm)', ...npm('npm-memjs.mjs'), steps: without('cas') },
  { name: 'memcached (npm)', ...npm('npm-memcached.mjs'), steps: ALL_STEPS },
  { name: 'memcache-client (npm)', ...npm('npm-memcache-client.mjs'), steps: ALL_STEPS },
];

/** A program that runs: what it has printed can be awaited, and it can be told to go on. */
export class Running {
  output = '';
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #hasEnded = false;
  #wake: () => void = () => {};

  constructor(program: string, args: readonly string[]) {
    this.#child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: LIMIT_MS });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
        this.#wake();
      });
    }
    this.#ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject).once('close', (status) => {
        this.#hasEnded = true;
        this.#wake();
        resolve(status);
      });
    });
  }

  /** Resolves once a line is printed. @throws Error when the program ends without it */
  async waitForLine(line: string): Promise<void> {
    while (!this.output.split('\n').slice(0, -1).includes(line)) {
      if (this.#hasEnded) throw new Error(`the program ended without "${line}":\n${this.output}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Sends it a line. */
  goOn(): void {
    this.#child.stdin?.write('\n');
  }

  /** Waits for its end. @returns the lines it printed @throws Error with its output unless it succeeded */
  async lines(): Promise<string[]> {
    const status = await this.#ended;
    if (status !== 0) throw new Error(`the program failed (${status ?? 'killed'}):\n${this.output}`);
    return this.output.trimEnd().split('\n');
  }

  /** Ends it if it still runs. */
  async stop(): Promise<void> {
    if (!this.#hasEnded) this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
