// Runs the real binary, bin/run.js, in a folder of its own: nothing of the developer's state is read or touched.
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

export const ENGINE = join(ROOT, 'dist', 'engine', `repcached-linux-${process.arch}`);
export const CLI_IS_BUILT = existsSync(join(ROOT, 'dist', 'commands', 'deploy.js'));
export const ENGINE_IS_BUILT = existsSync(ENGINE);

export interface CliResult {
  stdout: string;
  stderr: string;
  exitCode: number;
}

export class CliFolder {
  readonly path: string;
  readonly stateHome: string;

  private constructor(path: string) {
    this.path = path;
    this.stateHome = join(path, 'state');
  }

  static async make(): Promise<CliFolder> {
    return new CliFolder(await mkdtemp(join(tmpdir(), 'repcachectl-cli-')));
  }

  /** Output is pinned to 80 columns, and nobody can be asked anything. */
  async run(...args: string[]): Promise<CliResult> {
    const { stdout, stderr, exitCode } = await this.start(...args);
    return { stdout, stderr, exitCode: exitCode ?? -1 };
  }

  /** The same, as a process that can be signalled. */
  start(...args: string[]) {
    return execa(process.execPath, [join(ROOT, 'bin', 'run.js'), ...args], {
      cwd: this.path,
      env: { XDG_STATE_HOME: this.stateHome, HOME: this.path, COLUMNS: '80', NO_COLOR: '1' },
      stdin: 'ignore',
      reject: false,
      timeout: 120_000,
    });
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}
