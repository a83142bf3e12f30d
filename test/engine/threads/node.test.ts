// A node with several threads, from outside: that they are one node, how they fail, and that a pair of them agrees.
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { bunPath } from '../../helpers/bun.js';
import { ENGINE_PATH, EngineProcess, type TestNode, withNode, withPair } from '../../helpers/engine.js';
import { freePort } from '../../helpers/free-port.js';
import { TextClient } from '../../helpers/text-client.js';
import { Random } from '../simulation/random.js';
import { hammerNode } from './node-hammer.js';
import { makeValue } from './sound-value.js';

const CRASHING_NODE = fileURLToPath(new URL('crashing-node.ts', import.meta.url));
const THREADS = ['-t', '4'];

async function connectMany(node: TestNode, count: number): Promise<TextClient[]> {
  return await Promise.all(Array.from({ length: count }, () => node.connect()));
}

describe('four threads', () => {
  it('are one node to whoever asks for its figures', async () => {
    await withNode(THREADS, async (node) => {
      const clients = await connectMany(node, 40);
      for (const [index, client] of clients.entries()) await client.set(`k${index}`, 'v');
      for (const client of clients) {
        const stats = await client.stats();
        expect(stats.get('threads')).toBe('4');
        expect(stats.get('curr_connections')).toBe('40');
        expect(stats.get('total_connections')).toBe('40');
        expect(stats.get('cmd_set')).toBe('40');
        expect(stats.get('curr_items')).toBe('40');
      }
      expect(await clients[0].command('stats reset')).toBe('RESET');
      const stats = await clients[1].stats();
      expect(stats.get('total_connections')).toBe('0');
      expect(stats.get('curr_connections')).toBe('40');
    });
  });

  it('list the connections of all of them, and no more', async () => {
    await withNode(THREADS, async (node) => {
      const clients = await connectMany(node, 40);
      for (const client of clients) expect(await client.set('k', 'v')).toBe('STORED');
      const portsOf = (some: readonly TextClient[]): string[] =>
        some.map(({ socket }) => `tcp:127.0.0.1:${socket.localPort}`).sort();
      const listed = async (): Promise<string[]> => {
        const stats = await clients[0].stats('conns');
        return [...stats].flatMap(([name, value]) => (name.endsWith(':addr') ? [value] : [])).sort();
      };
      expect(await listed()).toEqual(portsOf(clients));
      const stats = await clients[0].stats('conns');
      expect([...stats.keys()].filter((name) => name.endsWith(':state'))).toHaveLength(40);
      expect(
        [...stats].filter(([name]) => name.endsWith(':state')).every(([, state]) => state === 'conn_read'),
      ).toBe(true);
      for (const client of clients.slice(20)) client.close();
      await vi.waitFor(async () => expect(await listed()).toEqual(portsOf(clients.slice(0, 20))));
    });
  });

  it('keep -c together', async () => {
    await withNode([...THREADS, '-c', '10'], async (node) => {
      const clients = await connectMany(node, 10);
      for (const client of clients) expect(await client.set('k', 'v')).toBe('STORED');
      const late = await node.connect();
      expect(await late.readToEnd()).toBe('ERROR Too many open connections\r\n');
      expect((await clients[0].stats()).get('rejected_connections')).toBe('1');
      clients[9].close();
      await vi.waitFor(async () => {
        expect((await clients[0].stats()).get('curr_connections')).toBe('9');
      });
      const next = await node.connect();
      expect(await next.get('k')).toBe('v');
    });
  });

  it('do not share their port with a second node', async () => {
    await withNode(THREADS, async ({ port }) => {
      const second = new EngineProcess(['-u', 'root', '-l', '127.0.0.1', '-p', String(port), ...THREADS]);
      expect(await second.exited).toEqual({ status: 71, signal: null });
      expect(second.log).toContain('the port is in use');
    });
  });

  it('answer all that has come in before they stop', async () => {
    await withNode(THREADS, async (node) => {
      const observer = await node.connect();
      const clients = await connectMany(node, 12);
      const value = 'v'.repeat(1000);
      for (const client of clients) expect(await client.set('k', value)).toBe('STORED');
      for (const client of clients) client.send('get k\r\n'.repeat(500));
      await vi.waitFor(async () => {
        expect(Number((await observer.stats()).get('get_hits'))).toBeGreaterThan(0);
      });
      const exit = node.process.end();
      for (const client of clients) {
        const heard = await client.readToEnd();
        // Whole replies only, to as many requests as were read.
        expect(heard.length % `VALUE k 0 1000\r\n${value}\r\nEND\r\n`.length).toBe(0);
      }
      expect(await exit).toEqual({ status: 0, signal: null });
    });
  });

  it('run nothing but what is inside the executable', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'repcached-threads-'));
    try {
      const bait = 'require("fs").writeFileSync("executed", "")';
      for (const name of [basename(ENGINE_PATH), 'main', 'client-thread', 'threads', 'worker']) {
        for (const ending of ['', '.ts', '.js', '.mjs'])
          writeFileSync(join(folder, `${name}${ending}`), bait);
      }
      const port = await freePort();
      const flags = ['-u', 'root', '-l', '127.0.0.1', '-p', String(port), ...THREADS];
      const engine = new EngineProcess(flags, { cwd: folder });
      await engine.waitForLog(/listening on /);
      const client = await TextClient.connect(port);
      expect(await client.set('k', 'v')).toBe('STORED');
      client.close();
      expect(await engine.end()).toEqual({ status: 0, signal: null });
      expect(() => rmSync(join(folder, 'executed'))).toThrow('ENOENT');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('a thread that fails', () => {
  it.each([
    { crash: 'exception', line: /^repcached: internal error: thread \d: Error: a bug \| at crash /m },
    { crash: 'rejection', line: /^repcached: internal error: thread \d: Error: a bug \| at crash /m },
    { crash: 'exit', line: /^repcached: internal error: thread \d ended by itself \(code 0\)$/m },
  ])('takes the process with it, with one line: $crash', async ({ crash, line }) => {
    const port = await freePort();
    const flags = ['-u', 'root', '-l', '127.0.0.1', '-p', String(port), ...THREADS];
    const child = spawn(bunPath(), [CRASHING_NODE, ...flags], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { CRASH: crash },
    });
    let log = '';
    const exited = new Promise<number | null>((resolve) => child.on('close', resolve));
    await new Promise<void>((resolve) => {
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        log += text;
        if (log.includes('listening on')) resolve();
      });
    });
    const client = await TextClient.connect(port);
    client.send('crash\r\n');
    expect(await exited).toBe(70);
    client.close();
    expect(log).toMatch(line);
    expect(log.trimEnd().split('\n')).toHaveLength(2);
  });
});

describe('many connections on the same keys', () => {
  it('see no torn value and lose no count', async () => {
    const seed = randomInt(2 ** 31);
    await withNode(THREADS, async ({ port }) => {
      const report = await hammerNode({ port, connections: 24, seconds: 5, seed });
      expect(report.faults, `seed ${seed}`).toEqual([]);
      expect(report.hits).toBeGreaterThan(0);
      expect(report.casIncrements).toBeGreaterThan(0);
    });
  });
});

describe('a pair with four threads each', () => {
  it('holds the same on both nodes after load on both', async () => {
    const seed = randomInt(2 ** 31);
    await withPair(
      async ({ a, b }) => {
        await Promise.all([...load(a, seed), ...load(b, seed + 100)]);
        const clients = [await a.connect(), await b.connect()];
        for (const client of clients) await untilTold(client);
        const [onA, onB] = await Promise.all(clients.map((client) => client.getMany(KEYS)));
        expect(onA.size, `seed ${seed}`).toBeGreaterThan(0);
        expect([...onB.keys()].sort(), `seed ${seed}`).toEqual([...onA.keys()].sort());
        for (const [key, item] of onA) {
          expect(onB.get(key)?.cas, `seed ${seed}, ${key}`).toBe(item.cas);
          expect(onB.get(key)?.value.equals(item.value), `seed ${seed}, ${key}`).toBe(true);
        }
      },
      { flags: THREADS },
    );
  });
});

const KEYS = Array.from({ length: 60 }, (_, index) => `key${index}`);
const LOAD_MS = 3_000;

/** Writers on one node, ten connections. */
function load(node: TestNode, seed: number): Promise<void>[] {
  return Array.from({ length: 10 }, async (_, index) => {
    const random = new Random(seed + index);
    const client = await node.connect();
    for (const endMs = performance.now() + LOAD_MS; performance.now() < endMs; ) {
      const key = random.pick(KEYS);
      const choice = random.int(0, 9);
      if (choice < 6) await client.set(key, makeValue(random, 5_000));
      else if (choice < 8) await client.command(`delete ${key}`);
      else await client.command(`touch ${key} ${random.int(1000, 2000)}`);
    }
  });
}

/** Waits until the peer has acknowledged all that this node has written. */
async function untilTold(client: TextClient): Promise<void> {
  await vi.waitFor(
    async () => {
      const stats = await client.stats('replication');
      expect(stats.get('repl_state')).toBe('synced');
      expect(stats.get('repl_unacked')).toBe('0');
    },
    { timeout: 10_000, interval: 50 },
  );
}
