// The engine as a process: how it refuses to start, how it ends, and how it treats its connections.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { ENGINE_PATH, EngineProcess, withNode } from '../../helpers/engine.js';
import { freePort } from '../../helpers/free-port.js';

const isRoot = process.getuid?.() === 0;
const MIB = 1024 * 1024;

function startup(...flags: string[]): { status: number | null; stderr: string } {
  const { status, stderr } = spawnSync(ENGINE_PATH, flags, { env: {}, encoding: 'utf8', timeout: 10_000 });
  return { status, stderr };
}

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

/** Leaves with RST as soon as the kernel has connected. */
async function connectAndReset(port: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' });
  await new Promise((resolve) => {
    socket.on('connect', () => socket.resetAndDestroy());
    socket.on('close', resolve);
    socket.on('error', resolve);
  });
}

describe('a start that can not succeed', () => {
  it('ends with 64 and one line for a command line', () => {
    expect(startup('-N', '2')).toEqual({
      status: 64,
      stderr: 'repcached: -N (threads by network queue) does not work in this version: leave it out\n',
    });
  });

  it.runIf(isRoot)('needs -u for root', () => {
    const { status, stderr } = startup('-l', '127.0.0.1', '-p', '20000');
    expect(status).toBe(64);
    expect(stderr).toBe("repcached: can't run as root without the -u switch: name a user, as in -u nobody\n");
  });

  it.runIf(isRoot)('needs a user that exists', async () => {
    const { status, stderr } = startup(
      '-u',
      'no-such-user',
      '-l',
      '127.0.0.1',
      '-p',
      String(await freePort()),
    );
    expect(status).toBe(71);
    expect(stderr).toContain('-u no-such-user: there is no such user');
  });

  it('ends with 71 and names the port that is in use', async () => {
    const other = createServer();
    const port = await freePort();
    await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
    const { status, stderr } = startup('-u', 'root', '-l', '127.0.0.1', '-p', String(port));
    await new Promise((resolve) => other.close(resolve));
    expect(status).toBe(71);
    expect(stderr).toBe(
      `repcached: can't listen on 127.0.0.1:${port}: the port is in use, stop the other program or choose another port (EADDRINUSE)\n`,
    );
  });

  it('ends with 71 when -c does not fit into the open files', () => {
    const command = `ulimit -n 256; exec ${ENGINE_PATH} -u root -l 127.0.0.1 -p 20000 -c 1024`;
    const { status, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8', timeout: 10_000 });
    expect(status).toBe(71);
    expect(stderr).toContain('-c 1024 needs 1088 open files and the limit is 256');
    expect(stderr).toContain('choose -c 192 or less');
  });

  it('ends with 64 without the secret that it was told to use', async () => {
    const port = String(await freePort());
    const { status, stderr } = startup(
      '-u',
      'root',
      '-l',
      '127.0.0.1',
      '-p',
      port,
      '-X',
      port,
      '--repl-secret-file',
      '/nowhere',
    );
    expect(status).toBe(64);
    expect(stderr).toBe("repcached: --repl-secret-file /nowhere: can't be read (ENOENT)\n");
  });
});

describe('its end', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('is status 0 on %s', async (signal) => {
    await withNode([], async (node) => {
      await node.connect();
      expect(await node.process.end(signal)).toEqual({ status: 0, signal: null });
      expect(node.process.log).toContain(`repcached: stopping (${signal})\n`);
    });
  });

  it('survives SIGHUP, as memcached does', async () => {
    await withNode([], async (node) => {
      node.process.signal('SIGHUP');
      const client = await node.connect();
      expect(await client.command('version')).toMatch(/^VERSION /);
    });
  });

  it('answers what has come in before it goes', async () => {
    await withNode([], async (node) => {
      const client = await node.connect();
      await client.set('big', 'x'.repeat(MIB / 2));
      client.socket.pause();
      client.send('get big\r\n'.repeat(20));
      // The node is blocked on this client: its replies are larger than what the sockets hold.
      const other = await node.connect();
      await other.command('version');
      node.process.signal('SIGTERM');
      await node.process.waitForLog(/stopping/);
      client.socket.resume();
      const replies = await client.readToEnd();
      expect(replies.match(/END\r\n/g)).toHaveLength(20);
      expect(await node.process.exited).toEqual({ status: 0, signal: null });
    });
  });

  it('comes at once with a second signal', async () => {
    await withNode([], async (node) => {
      const client = await node.connect();
      await client.set('big', 'x'.repeat(MIB / 2));
      client.socket.pause();
      client.send('get big\r\n'.repeat(20));
      const other = await node.connect();
      await other.command('version');
      node.process.signal('SIGTERM');
      await node.process.waitForLog(/stopping/);
      expect(await node.process.end('SIGTERM')).toEqual({ status: 0, signal: null });
    });
  });
});

describe('connections', () => {
  it('beyond -c get an error and are counted', async () => {
    await withNode(['-c', '2'], async (node) => {
      const client = await node.connect();
      await client.command('version');
      const second = await node.connect();
      await second.command('version');
      const third = await node.connect();
      expect(await third.readToEnd()).toBe('ERROR Too many open connections\r\n');
      expect((await client.stats()).get('rejected_connections')).toBe('1');
    });
  });

  it('leave room when they end', async () => {
    await withNode(['-c', '1', '-t', '4'], async (node) => {
      for (let round = 0; round < 200; round += 1) {
        const client = await node.connect();
        client.send('version\r\nquit\r\n');
        expect(await client.readToEnd()).toMatch(/^VERSION .*\r\n$/);
      }
    });
  });

  it('that are closed half are answered in full', async () => {
    await withNode([], async (node) => {
      const client = await node.connect();
      await client.set('big', 'x'.repeat(MIB / 2));
      client.socket.end('get big\r\n'.repeat(20));
      expect((await client.readToEnd()).match(/END\r\n/g)).toHaveLength(20);
    });
  });

  it('that do not read cost bounded memory and hold up nobody', async () => {
    await withNode([], async (node) => {
      const client = await node.connect();
      await client.set('big', 'x'.repeat(MIB / 2));
      const beforeBytes = residentBytes(node.process.pid);
      const slow = await Promise.all(Array.from({ length: 10 }, () => node.connect()));
      for (const reader of slow) {
        reader.socket.pause();
        reader.send('get big\r\n'.repeat(10_000));
      }
      for (let round = 0; round < 100; round += 1)
        expect(await client.command('touch big 0')).toBe('TOUCHED');
      expect(residentBytes(node.process.pid) - beforeBytes).toBeLessThan(10 * 4 * MIB);
    });
  });

  it('that are reset before they are looked at do no harm, on either port', async () => {
    const replicationPort = await freePort();
    await withNode(['-v', '-X', String(replicationPort)], async (node) => {
      // The kernel connects for a frozen process, so every one of these is gone when it is accepted.
      node.process.signal('SIGSTOP');
      for (const port of [node.port, replicationPort]) {
        await Promise.all(Array.from({ length: 50 }, () => connectAndReset(port)));
      }
      node.process.signal('SIGCONT');
      const client = await node.connect();
      expect(await client.command('version')).toMatch(/^VERSION /);
      await vi.waitFor(async () => expect((await client.stats()).get('curr_connections')).toBe('1'));
    });
  });

  it('are taken on IPv6 and on several addresses', async () => {
    const [first, second] = [await freePort(), await freePort()];
    const node = new EngineProcess(['-u', 'root', '-l', `127.0.0.1:${first},[::1]:${second}`]);
    await node.waitForLog(new RegExp(`listening on 127.0.0.1:${first}`));
    await node.waitForLog(new RegExp(`listening on \\[::1\\]:${second}`));
    expect(await node.end()).toEqual({ status: 0, signal: null });
  });
});

describe.runIf(isRoot)('-u', () => {
  it('gives up root for good, groups included', async () => {
    const node = new EngineProcess(['-u', 'nobody', '-l', '127.0.0.1', '-p', String(await freePort())]);
    await node.waitForLog(/listening on/);
    const status = readFileSync(`/proc/${node.pid}/status`, 'utf8');
    expect(status).toMatch(/^Uid:\t(?!0)(\d+)\t\1\t\1\t\1$/m);
    expect(status).toMatch(/^Gid:\t(?!0)(\d+)\t\1\t\1\t\1$/m);
    expect(status).not.toMatch(/^Groups:.*\b0\b/m);
    expect(status).toMatch(/^CapEff:\t0+$/m);
    expect(await node.end()).toEqual({ status: 0, signal: null });
  });
});
