// ProcessService over a node's whole life, with a small real program in the engine's place.
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LocalHost } from '../../../src/host/local-host.js';
import { ProcessService } from '../../../src/service/process-service.js';
import type { NodeSpec, Release } from '../../../src/service/service.js';
import { fakeRelease } from '../../helpers/fake-release.js';
import { freePort } from '../../helpers/free-port.js';
import { groupRuns, processRuns } from '../../helpers/processes.js';

/** A name for an extension, as a script without one is CommonJS. */
const ENGINE = new URL('./fixtures/engine.mjs', import.meta.url);

let root: string;
let directory: string;
let port: number;
let release: Release;
let service: ProcessService;
const host = new LocalHost({ name: 'a' });

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'repcachectl-process-'));
  directory = join(root, 'state', 'a');
  port = await freePort();
  release = await fakeRelease(root, `import(${JSON.stringify(ENGINE.href)});\n`);
  service = new ProcessService(host, 'a', directory);
});
afterEach(async () => {
  await service.stop();
  await rm(root, { recursive: true, force: true });
});

function spec(changes: Partial<NodeSpec> = {}): NodeSpec {
  return {
    name: 'a',
    port,
    replicationPort: 2,
    listenAddresses: ['127.0.0.1'],
    replicationAddress: '127.0.0.1',
    peerAddress: '127.0.0.1',
    peerReplicationPort: 3,
    memoryMb: 64,
    connections: 100,
    threads: 1,
    replicationFlags: [],
    pairId: 'p1',
    secretText: 'not for the log\n',
    release,
    ...changes,
  };
}

/** Runs what differs, as deploy does; returns what differed. */
async function install(changes: Partial<NodeSpec> = {}): Promise<string[]> {
  const differences: string[] = [];
  for (const step of service.installSteps(spec(changes))) {
    const difference = await step.check();
    if (difference === undefined) continue;
    differences.push(difference);
    await step.apply();
    expect(await step.check()).toBeUndefined();
  }
  return differences;
}

/** What the running node says of itself; undefined when nobody answers. */
async function ask(): Promise<{ args: string[]; env: Record<string, string>; pid: number } | undefined> {
  return await new Promise((resolve) => {
    let text = '';
    const socket = net.connect(port, '127.0.0.1');
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.once('error', () => resolve(undefined));
    socket.once('end', () => resolve(JSON.parse(text)));
  });
}

async function answers(): Promise<NonNullable<Awaited<ReturnType<typeof ask>>>> {
  await expect.poll(ask, { timeout: 10_000 }).toBeDefined();
  return (await ask())!;
}

describe('installing', () => {
  it('changes nothing the second time, and only what differs after a change', async () => {
    expect(await install()).not.toEqual([]);
    expect(await install()).toEqual([]);
    expect(await install({ memoryMb: 128 })).toEqual([expect.stringContaining('command.json differs')]);
    await writeFile(join(directory, 'secret'), 'tampered');
    expect(await install({ memoryMb: 128 })).toEqual([expect.stringContaining('secret differs')]);
  });

  it('mends a release that was cut short or altered', async () => {
    await install();
    const path = join(directory, 'current', 'repcached');
    await truncate(path, 10);
    expect(await install()).toEqual([expect.stringContaining('wrong size')]);
    await writeFile(path, Buffer.alloc(release.sizeBytes));
    expect(await install()).toEqual([expect.stringContaining('wrong checksum')]);
  });

  it('does not disturb a running node by a new release', async () => {
    await install();
    await service.start();
    const before = await answers();
    const newer = await fakeRelease(root, `import(${JSON.stringify(ENGINE.href)}); // newer\n`, '0.0.2');
    expect(await install({ release: newer })).toHaveLength(2);
    expect((await answers()).pid).toBe(before.pid);
    expect((await service.status()).releaseId).toBe(newer.id);
  });

  it('keeps the secret to the user, and out of the arguments', async () => {
    await install();
    expect((await stat(join(directory, 'secret'))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(directory, 'secret'), 'utf8')).toBe('not for the log\n');
    expect(await readFile(join(directory, 'command.json'), 'utf8')).not.toContain('not for the log');
  });
});

describe('running', () => {
  it('starts with the arguments of the node and an empty environment, and stops', async () => {
    await install();
    expect(await service.status()).toMatchObject({ state: 'stopped', releaseId: release.id });
    await service.start();
    const { args, env, pid } = await answers();
    expect(await service.status()).toMatchObject({ state: 'running', pid, uptimeSec: expect.any(Number) });
    expect(env).toEqual({});
    expect(args.join(' ')).toBe(
      `-p ${port} -l 127.0.0.1 -m 64 -c 100 -t 1 -U 0 -x 127.0.0.1 -X 2:3 --repl-listen 127.0.0.1 ` +
        `--repl-pair p1 --repl-secret-file ${join(directory, 'secret')}${process.getuid?.() === 0 ? ' -u root' : ''}`,
    );
    await service.stop();
    expect(await service.status()).toMatchObject({ state: 'stopped' });
    expect(await ask()).toBeUndefined();
    expect(await service.logs({ lines: 2 })).toBe(
      `repcached: listening on 127.0.0.1:${port}\nrepcached: stopped\n`,
    );
  });

  it('starts once, however often it is told to', async () => {
    await install();
    await service.start();
    const { pid } = await answers();
    await service.start();
    expect((await answers()).pid).toBe(pid);
    await service.restart();
    expect((await answers()).pid).not.toBe(pid);
  });

  it('says that a node died, and its last words', async () => {
    release = await fakeRelease(root, 'console.error("repcached: port is taken"); process.exit(71);\n');
    await install();
    await service.start();
    await expect
      .poll(() => service.status(), { timeout: 5_000 })
      .toMatchObject({ state: 'failed', detail: 'repcached: port is taken' });
  });

  it('never takes another process that has got the same pid for the node', async () => {
    await install();
    const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    await writeFile(join(directory, 'pid'), `${process.pid} 1 ${bootId}\n`);
    expect(await service.status()).toMatchObject({ state: 'failed' });
    await service.stop();
    await service.uninstallSteps()[0].check();
  });

  it('turns the log over when it has grown', async () => {
    await install();
    await writeFile(join(directory, 'log'), `${'x'.repeat(99)}\n`.repeat(11_000));
    await service.start();
    await answers();
    expect((await stat(join(directory, 'log'))).size).toBeLessThan(1000);
    expect((await stat(join(directory, 'log.1'))).size).toBe(1_100_000);
    expect(await service.logs({ lines: 2 })).toBe(
      `${'x'.repeat(99)}\nrepcached: listening on 127.0.0.1:${port}\n`,
    );
  });

  it('says that it is not installed', async () => {
    expect(await service.status()).toEqual({ state: 'absent' });
    await expect(service.start()).rejects.toMatchObject({ code: 'NODE_ABSENT' });
  });
});

describe('a crash on purpose', () => {
  it('kills the node and brings it back by itself', async () => {
    await install();
    await service.start();
    const { pid } = await answers();
    await service.crash({ restoreAfterSec: 1 });
    expect(processRuns(pid)).toBe(false);
    expect((await answers()).pid).not.toBe(pid);
    expect(await service.status()).toMatchObject({ state: 'running' });
    expect(await readdir(directory)).not.toContain('restore');
  });

  it('is undone at once by recover, which leaves nobody waiting', async () => {
    await install();
    await service.start();
    await answers();
    await service.crash({ restoreAfterSec: 600 });
    const waiting = Number((await readFile(join(directory, 'restore'), 'utf8')).split(' ')[0]);
    expect(await service.status()).toMatchObject({ state: 'failed' });
    await service.recover();
    await answers();
    expect(groupRuns(waiting)).toBe(false);
    expect(await readdir(directory)).not.toContain('restore');
    const { pid } = await answers();
    await service.recover();
    expect((await answers()).pid).toBe(pid);
  });
});

describe('uninstalling', () => {
  it('leaves nothing, not even a crash that would have been undone later', async () => {
    await install();
    await service.start();
    await answers();
    await service.crash({ restoreAfterSec: 600 });
    const waiting = Number((await readFile(join(directory, 'restore'), 'utf8')).split(' ')[0]);
    await uninstall();
    expect(await readdir(join(root, 'state'))).toEqual([]);
    expect(groupRuns(waiting)).toBe(false);
    expect(await uninstall()).toEqual([]);
  });

  it('leaves the releases to the other node, and works on what is half installed', async () => {
    const other = new ProcessService(host, 'b', join(root, 'state', 'b'));
    for (const step of other.installSteps(spec())) if ((await step.check()) !== undefined) await step.apply();
    await service.installSteps(spec())[2].apply();
    await uninstall();
    expect((await readdir(join(root, 'state'))).sort()).toEqual(['b', 'releases']);
  });

  async function uninstall(): Promise<string[]> {
    const titles: string[] = [];
    for (const step of service.uninstallSteps()) {
      if ((await step.check()) === undefined) continue;
      titles.push(step.title);
      await step.apply();
      expect(await step.check()).toBeUndefined();
    }
    return titles;
  }
});
