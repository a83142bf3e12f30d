// LocalHost against real programs and real files.
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LocalHost } from '../../../src/host/local-host.js';
import { processRuns } from '../../helpers/processes.js';

const host = new LocalHost({ name: 'a' });
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'repcachectl-local-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

describe('run', () => {
  it('passes arguments, input, environment and output through untouched', async () => {
    const result = await host.run(['sh', '-c', 'cat; printf "%s|%s" "$0" "$X" >&2', "it's $HOME"], {
      stdin: 'ä\n\n',
      env: { X: 'a b' },
    });
    expect(result).toEqual({ stdout: 'ä\n\n', stderr: "it's $HOME|a b", exitCode: 0 });
  });

  it('says how a command failed, with the end of its standard error', async () => {
    await expect(host.run(['sh', '-c', 'echo first >&2; echo second >&2; exit 3'])).rejects.toMatchObject({
      code: 'COMMAND_FAILED',
      exitName: 'stepFailed',
      message: expect.stringMatching(/^a: sh -c .* exited with 3\nfirst\nsecond$/s),
      suggestions: [expect.stringMatching(/run the same command again/)],
    });
  });

  it('returns a failure that was allowed for', async () => {
    expect(await host.run(['false'], { allowFailure: true })).toMatchObject({ exitCode: 1 });
  });

  it('says that a program is not there', async () => {
    await expect(host.run(['no-such-program-here'])).rejects.toMatchObject({
      code: 'COMMAND_FAILED',
      message: expect.stringContaining('no-such-program-here'),
    });
  });

  it('ends a step that overruns its limit, with all it started, and calls the outcome unknown', async () => {
    const marker = join(directory, 'pid');
    const script = `sleep 600 & echo $! >${marker}; wait`;
    await expect(host.run(['sh', '-c', script], { timeoutMs: 400 })).rejects.toMatchObject({
      code: 'COMMAND_TIMED_OUT',
      exitName: 'unknownOutcome',
    });
    const pid = Number(await readFile(marker, 'utf8'));
    await expect.poll(() => processRuns(pid)).toBe(false);
  });

  it('does not take exit status 124 for a time-out', async () => {
    expect(await host.run(['sh', '-c', 'exit 124'], { allowFailure: true })).toMatchObject({ exitCode: 124 });
  });

  it('does not mind a program that leaves its input unread', async () => {
    expect(await host.run(['true'], { stdin: 'x'.repeat(1 << 20) })).toMatchObject({ exitCode: 0 });
  });
});

describe('files', () => {
  it('reads what is there, and undefined what is not', async () => {
    await writeFile(join(directory, 'f'), 'x\n');
    expect(await host.readFile(join(directory, 'f'))).toBe('x\n');
    expect(await host.readFile(join(directory, 'g'))).toBeUndefined();
  });

  it('writes with the mode asked for, whatever the umask, and leaves nothing beside', async () => {
    const path = join(directory, "it's a file");
    await host.writeFile(path, 'old', { mode: 0o600 });
    await host.writeFile(path, 'new', { mode: 0o664 });
    expect(await readFile(path, 'utf8')).toBe('new');
    expect((await stat(path)).mode & 0o7777).toBe(0o664);
    expect(await readdir(directory)).toEqual(["it's a file"]);
  });

  it('replaces a file that is open or running, rather than writing into it', async () => {
    const path = join(directory, 'f');
    await writeFile(path, 'old');
    const before = await stat(path);
    await host.writeFile(path, 'new', { mode: 0o644 });
    expect((await stat(path)).ino).not.toBe(before.ino);
  });

  it('copies a file of several megabytes', async () => {
    const content = Buffer.alloc(5_000_001, 'abcdefg');
    await writeFile(join(directory, 'from'), content);
    await host.putFile(join(directory, 'from'), join(directory, 'to'), { mode: 0o755 });
    expect((await readFile(join(directory, 'to'))).equals(content)).toBe(true);
    expect((await stat(join(directory, 'to'))).mode & 0o777).toBe(0o755);
  });

  it('says when the folder is missing, and leaves nothing behind when it fails', async () => {
    await expect(host.writeFile(join(directory, 'no/f'), 'x', { mode: 0o600 })).rejects.toMatchObject({
      code: 'COMMAND_FAILED',
      message: expect.stringContaining('no such folder'),
    });
    await expect(
      host.writeFile(join(directory, 'f'), 'x', { mode: 0o600, owner: 'no-such-user-here' }),
    ).rejects.toMatchObject({ code: 'COMMAND_FAILED' });
    expect(await readdir(directory)).toEqual([]);
  });

  it('refuses with both numbers, before the copy, when the disk has no room', async () => {
    const path = join(directory, 'huge');
    await writeFile(path, '');
    // Sparse: it takes no room here, but no disk has room for a copy of it.
    await truncate(path, 7e12);
    await expect(host.putFile(path, join(directory, 'copy'), { mode: 0o600 })).rejects.toMatchObject({
      code: 'DISK_FULL',
      exitName: 'unsuitable',
      message: expect.stringMatching(/needs \d+ KiB, \d+ KiB are free/),
    });
    expect(await readdir(directory)).toEqual(['huge']);
  });
});

describe('connect', () => {
  it('opens a byte stream, or says why not', async () => {
    const server = createServer((socket) => socket.end('hello'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const stream = await host.connect('127.0.0.1', port);
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toBe('hello');
    await new Promise((resolve) => server.close(resolve));
    await expect(host.connect('127.0.0.1', port)).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      exitName: 'connection',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });
});
