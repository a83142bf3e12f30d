// What clients can do to a node: stay, say nothing, ask for a lot at once, read slowly, come in hordes.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { type TestNode, withNode } from '../../helpers/engine.js';

/** Machines that are busy take their time. */
const EVENTUALLY = { timeout: 10_000 };

const KIB = 1024;
const MIB = 1024 * KIB;

function residentBytes(node: TestNode): number {
  const status = readFileSync(`/proc/${node.process.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * KIB;
}

/** How many sockets the process holds. */
function socketCount(node: TestNode): number {
  const folder = `/proc/${node.process.pid}/fd`;
  const targets = readdirSync(folder).map((fd) => {
    try {
      return readlinkSync(`${folder}/${fd}`);
    } catch {
      return 'closed meanwhile';
    }
  });
  return targets.filter((target) => target.startsWith('socket:')).length;
}

/** A connection that stays open after the server has closed its side, as an ill-behaved client's would. */
async function stubborn(port: number): Promise<{ socket: Socket; ended: Promise<void> }> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => {});
  const ended = new Promise<void>((resolve) => {
    socket.on('end', resolve);
    socket.on('close', () => resolve());
  });
  socket.resume();
  await new Promise((resolve) => socket.on('connect', resolve));
  return { socket, ended };
}

describe('idle_timeout', () => {
  it('closes who asks for nothing, and counts it', async () => {
    await withNode(['-o', 'idle_timeout=1'], async (node) => {
      const silent = await node.connect();
      const busy = await node.connect();
      const isOver = silent.readToEnd();
      let isClosed = false;
      void isOver.then(() => {
        isClosed = true;
      });
      while (!isClosed) {
        expect(await busy.command('version')).toMatch(/^VERSION /);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      expect(await isOver).toBe('');
      const stats = await busy.stats();
      expect(stats.get('idle_kicks')).toBe('1');
      expect(stats.get('curr_connections')).toBe('1');
      expect((await busy.stats('settings')).get('idle_timeout')).toBe('1');
    });
  });

  it('lets the client see an end, not a reset, and runs nothing that comes after it', async () => {
    await withNode(['-o', 'idle_timeout=1'], async (node) => {
      const { socket, ended } = await stubborn(node.port);
      const errors: Error[] = [];
      socket.on('error', (error) => errors.push(error));
      socket.write('set a 0 0 1\r\n');
      await ended;
      expect(errors).toEqual([]);
      socket.write('x\r\n');
      const other = await node.connect();
      await expect.poll(async () => (await other.stats()).get('curr_connections'), EVENTUALLY).toBe('1');
      expect(await other.command('get a')).toBe('END');
      expect((await other.stats()).get('idle_kicks')).toBe('1');
      socket.destroy();
    });
  });

  it('is off by default', async () => {
    await withNode([], async (node) => {
      const client = await node.connect();
      expect((await client.stats('settings')).get('idle_timeout')).toBe('0');
      expect((await client.stats()).has('idle_kicks')).toBe(false);
    });
  });
});

describe('connections above -c', () => {
  it('that do not go are dropped, so that files never run out', async () => {
    await withNode(['-c', '2'], async (node) => {
      const client = await node.connect();
      await client.command('version');
      await (await node.connect()).command('version');
      const sockets = socketCount(node);
      const rejected = await Promise.all(Array.from({ length: 200 }, () => stubborn(node.port)));
      await Promise.all(rejected.map(({ ended }) => ended));
      expect((await client.stats()).get('rejected_connections')).toBe('200');
      await vi.waitFor(() => expect(socketCount(node)).toBe(sockets), { timeout: 5_000 });
      for (const { socket } of rejected) socket.destroy();
    });
  });

  it('find room again as soon as others have gone', async () => {
    await withNode(['-c', '50'], async (node) => {
      for (let round = 0; round < 3; round += 1) {
        const clients = await Promise.all(Array.from({ length: 50 }, () => node.connect()));
        for (const client of clients) expect(await client.command('version')).toMatch(/^VERSION /);
        for (const client of clients) client.close();
        await vi.waitFor(async () => {
          const client = await node.connect();
          try {
            expect((await client.stats()).get('curr_connections')).toBe('1');
          } finally {
            client.close();
          }
        }, EVENTUALLY);
      }
    });
  });
});

describe('a client that does not close after quit', () => {
  it('is dropped', async () => {
    await withNode([], async (node) => {
      const client = await node.connect();
      await client.command('version');
      const sockets = socketCount(node);
      const { socket, ended } = await stubborn(node.port);
      socket.write('version\r\nquit\r\n');
      await ended;
      await vi.waitFor(() => expect(socketCount(node)).toBe(sockets), EVENTUALLY);
      socket.destroy();
    });
  });

  it('does not get around -c, however many of them there are', async () => {
    await withNode(['-c', '2', '-t', '4'], async (node) => {
      const client = await node.connect();
      await client.command('version');
      const sockets = socketCount(node);
      const stayed: Socket[] = [];
      for (let round = 0; round < 100; round += 1) {
        const { socket, ended } = await stubborn(node.port);
        socket.write('quit\r\n');
        await ended;
        stayed.push(socket);
      }
      // 1 beside ours by -c, 16 that have ended, 32 that were turned away.
      expect(socketCount(node)).toBeLessThanOrEqual(sockets + 1 + 16 + 32);
      for (const socket of stayed) socket.destroy();
    });
  });
});

describe('large requests', () => {
  it('10 MB of pipelined gets are answered, in turns with others', { timeout: 120_000 }, async () => {
    await withNode([], async (node) => {
      const client = await node.connect();
      await client.set('k', 'x');
      const count = Math.floor((10 * MIB) / 'get k\r\n'.length);
      const reply = 'VALUE k 0 1\r\nx\r\nEND\r\n';
      // Counted from the first byte on: replies arrive while the other client is being answered.
      let receivedBytes = 0;
      client.socket.removeAllListeners('data');
      const everything = new Promise<void>((resolve) => {
        client.socket.on('data', (chunk: Buffer) => {
          receivedBytes += chunk.length;
          if (receivedBytes >= count * reply.length) resolve();
        });
      });
      client.socket.write('get k\r\n'.repeat(count));
      const other = await node.connect();
      expect(await other.command('version')).toMatch(/^VERSION /);
      await everything;
      expect(receivedBytes).toBe(count * reply.length);
      expect(Number((await other.stats()).get('conn_yields'))).toBeGreaterThan(0);
      expect((await other.stats()).get('get_hits')).toBe(String(count));
    });
  });

  it('a get of 1 MB of keys is answered, and one key of it too long refuses it all', async () => {
    await withNode([], async (node) => {
      const client = await node.connect();
      await client.set('key-7', 'seven');
      await client.set('key-77777', 'last');
      const keys = Array.from({ length: 110_000 }, (_, at) => `key-${at}`);
      expect(`get ${keys.join(' ')}\r\n`.length).toBeGreaterThan(MIB);
      client.send(`get ${keys.join(' ')}\r\n`);
      expect([...(await client.readItems()).keys()]).toEqual(['key-7', 'key-77777']);
      client.send(`get ${keys.join(' ')} ${'k'.repeat(251)}\r\n`);
      expect(await client.readLine()).toBe('CLIENT_ERROR bad command line format');
      expect(await client.command('version')).toMatch(/^VERSION /);
    });
  });

  it('a get of many large values costs no more memory than what the sockets hold', async () => {
    await withNode(['-m', '128'], async (node) => {
      const client = await node.connect();
      const value = Buffer.alloc(900 * KIB, 'v');
      await client.set('big', value);
      // What the runtime takes for a first large reply is not what is looked for.
      await client.getMany(['big', 'big', 'big']);
      const beforeBytes = residentBytes(node);
      const slow = await node.connect();
      slow.socket.pause();
      slow.send(`get${' big'.repeat(2000)}\r\n`);
      for (let round = 0; round < 50; round += 1) expect(await client.command('touch big 0')).toBe('TOUCHED');
      expect(residentBytes(node) - beforeBytes).toBeLessThan(16 * MIB);
    });
  });

  it('a slow reader gets every byte in the end', async () => {
    await withNode([], async (node) => {
      const client = await node.connect();
      const value = Buffer.alloc(300 * KIB, 'abc');
      await client.set('big', value);
      client.socket.pause();
      client.send('get big\r\n'.repeat(50));
      await (await node.connect()).command('version');
      client.socket.resume();
      for (let round = 0; round < 50; round += 1) {
        expect((await client.readItems()).get('big')?.value.equals(value)).toBe(true);
      }
    });
  });

  it('a slow writer holds up nobody, and leaves nothing when it goes', async () => {
    await withNode([], async (node) => {
      const slow = await node.connect();
      slow.send(`set key 0 0 ${MIB / 2}\r\n`);
      slow.send('x'.repeat(1000));
      const client = await node.connect();
      expect(await client.get('key')).toBeUndefined();
      slow.close();
      await vi.waitFor(
        async () => expect((await client.stats()).get('curr_connections')).toBe('1'),
        EVENTUALLY,
      );
      expect(await client.get('key')).toBeUndefined();
      expect((await client.stats()).get('curr_items')).toBe('0');
    });
  });
});
