// Becoming root through sudo: the password goes where it is asked for, and nowhere else.
import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Launch } from '../../../src/host/program.js';
import { Runner } from '../../../src/host/runner.js';

const FIXTURES = dirname(fileURLToPath(new URL('./fixtures/sudo', import.meta.url)));

/** A login that is not root on a machine whose sudo asks for `password`, or lets everyone in when it is `open`. */
function login(password: string, known?: string): { runner: Runner; seen: string[][]; asked: () => number } {
  const seen: string[][] = [];
  let asked = 0;
  const launch: Launch = async (argv) => {
    seen.push([...argv]);
    const env = { ...process.env, PATH: `${FIXTURES}:${process.env.PATH}`, FAKE_SUDO: password };
    const child = spawn(argv[0], argv.slice(1), { env });
    const ended = new Promise<{ kind: 'exit'; exitCode: number }>((resolve) =>
      child.once('close', (code) => resolve({ kind: 'exit', exitCode: code ?? 128 })),
    );
    return {
      stdin: child.stdin,
      stdout: child.stdout,
      stderr: child.stderr,
      ended,
      kill: () => child.kill('SIGKILL'),
    };
  };
  const sudoPassword = async (): Promise<string | undefined> => {
    asked++;
    return known;
  };
  const runner = new Runner({
    hostName: 'a',
    launch,
    isRoot: async () => false,
    sudoPassword: known === undefined ? undefined : sudoPassword,
  });
  return { runner, seen, asked: () => asked };
}

describe('sudo', () => {
  it('gives the password on standard input when asked, and then the program its own input', async () => {
    const { runner, seen, asked } = login('correct horse', 'correct horse');
    for (const stdin of ['first\n', 'second\n']) {
      expect(await runner.run(['cat'], { root: true, stdin })).toEqual({
        stdout: stdin,
        stderr: '',
        exitCode: 0,
      });
    }
    expect(asked()).toBe(1);
    expect(seen.flat().join(' ')).not.toContain('correct horse');
  });

  it('does not send the password to a program when sudo asks for none', async () => {
    const { runner, asked } = login('open', 'correct horse');
    expect((await runner.run(['cat'], { root: true, stdin: 'input' })).stdout).toBe('input');
    expect(asked()).toBe(0);
  });

  it.each([
    ['wants a password that nobody has', 'correct horse', undefined, 'a password is required'],
    ['does not take the password', 'correct horse', 'wrong', 'Sorry, try again.'],
  ])('says so when sudo %s', async (_, password, known, said) => {
    const { runner } = login(password, known);
    await expect(runner.run(['true'], { root: true, allowFailure: true })).rejects.toMatchObject({
      code: 'SUDO_REFUSED',
      exitName: 'unsuitable',
      message: expect.stringContaining(said),
    });
  });

  it("does not take a program's own words for sudo's", async () => {
    const { runner } = login('open');
    await expect(
      runner.run(['sh', '-c', 'echo "sudo: a password is required" >&2; exit 1'], { root: true }),
    ).rejects.toMatchObject({ code: 'COMMAND_FAILED' });
  });

  it('is not used for what needs no root', async () => {
    const { runner, seen } = login('correct horse');
    await runner.run(['true']);
    expect(seen.flat()).not.toContain('sudo');
  });
});
