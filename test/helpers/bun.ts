// The engine's own runtime, for test programs that need its threads.
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const PACKAGES: Readonly<Record<string, string>> = {
  x64: '@oven/bun-linux-x64',
  arm64: '@oven/bun-linux-aarch64',
};

/** Path of the runtime. */
export function bunPath(): string {
  const manifest = createRequire(import.meta.url).resolve(`${PACKAGES[process.arch]}/package.json`);
  return join(dirname(manifest), 'bin', 'bun');
}

/** Runs a TypeScript program. @returns what it printed. Rejects when it ends with anything but 0, or not in time */
export async function runWithBun(
  program: string,
  args: readonly string[],
  timeoutMs: number,
): Promise<string> {
  const { stdout } = await promisify(execFile)(bunPath(), [program, ...args], {
    env: {},
    timeout: timeoutMs,
  });
  return stdout;
}
