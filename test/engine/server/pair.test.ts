// Two real processes that replicate: every kind of write in both directions, and what each kind of failure leaves.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { answersFor, storeMany } from '../../helpers/bulk.js';
import { startPair, type TestNode, withPair } from '../../helpers/engine.js';
import { type Item, TextClient } from '../../helpers/text-client.js';

const SOON = { timeout: 10_000, interval: 5 };

/** Waits until the other node shows what this one was told. */
async function shows(
  client: TextClient,
  key: string,
  expected: Partial<{ value: string; flags: number }> | undefined,
) {
  await vi.waitFor(async () => {
    const item = await client.getItem(key);
    expect(item && { value: item.value.toString(), flags: item.flags }).toEqual(
      expected && { flags: 0, ...expected },
    );
  }, SOON);
}

async function isAcknowledged(client: TextClient): Promise<void> {
  await vi.waitFor(async () => {
    const stats = await client.stats('replication');
    expect([stats.get('repl_state'), stats.get('repl_unacked')]).toEqual(['synced', '0']);
  }, SOON);
}

async function itemOf(client: TextClient, key: string): Promise<Item> {
  const item = await client.getItem(key);
  if (item === undefined) throw new Error(`no ${key}`);
  return item;
}

describe('a pair in sync', () => {
  it.each(['from A to B', 'from B to A'])('carries every kind of write %s', async (direction) => {
    await withPair(async ({ a, b }) => {
      const [from, to] = await Promise.all(
        (direction === 'from A to B' ? [a, b] : [b, a]).map((node) => node.connect()),
      );

      expect(await from.set('k', 'one', { flags: 4_294_967_295 })).toBe('STORED');
      await shows(to, 'k', { value: 'one', flags: 4_294_967_295 });
      expect((await itemOf(to, 'k')).cas).toBe((await itemOf(from, 'k')).cas);

      from.send('add added 7 0 1\r\na\r\n');
      expect(await from.readLine()).toBe('STORED');
      await shows(to, 'added', { value: 'a', flags: 7 });

      from.send('replace added 8 0 1\r\nb\r\nappend added 0 0 1\r\nc\r\nprepend added 0 0 1\r\n_\r\n');
      for (let reply = 0; reply < 3; reply += 1) expect(await from.readLine()).toBe('STORED');
      await shows(to, 'added', { value: '_bc', flags: 8 });

      from.send(`cas k 1 0 3 ${(await itemOf(from, 'k')).cas}\r\ntwo\r\n`);
      expect(await from.readLine()).toBe('STORED');
      await shows(to, 'k', { value: 'two', flags: 1 });

      await from.set('n', '10');
      expect(await from.command('incr n 5')).toBe('15');
      await shows(to, 'n', { value: '15' });
      expect(await from.command('decr n 6')).toBe('9');
      await shows(to, 'n', { value: '9 ' });

      expect(await from.command('touch n -1')).toBe('TOUCHED');
      await shows(to, 'n', undefined);
      await from.set('g', 'v');
      await shows(to, 'g', { value: 'v' });
      from.send('gat -1 g\r\n');
      expect((await from.readItems()).get('g')?.value.toString()).toBe('v');
      await shows(to, 'g', undefined);

      from.send('set quiet 0 0 2 noreply\r\nok\r\n');
      await shows(to, 'quiet', { value: 'ok' });
      expect(await from.command('delete quiet')).toBe('DELETED');
      await shows(to, 'quiet', undefined);

      const binary = Buffer.from(Array.from({ length: 1024 }, (_, index) => index & 0xff));
      await from.set('binary', binary);
      await vi.waitFor(async () => expect((await to.getItem('binary'))?.value).toEqual(binary), SOON);
      const large = Buffer.alloc(1024 * 1024 - 1024, 'L');
      expect(await from.set('large', large)).toBe('STORED');
      await vi.waitFor(async () => expect((await to.getItem('large'))?.value.equals(large)).toBe(true), SOON);

      expect(await from.command('flush_all')).toBe('OK');
      await shows(to, 'k', undefined);
      expect(await from.set('after', 'flush')).toBe('STORED');
      await shows(to, 'after', { value: 'flush' });
      expect(await to.getItem('large')).toBeUndefined();
    });
  });

  it('expires an item on both nodes', async () => {
    await withPair(async ({ a, b }) => {
      const [onA, onB] = [await a.connect(), await b.connect()];
      await onA.set('brief', 'x', { exptime: 1 });
      await onA.set('touched', 'x');
      expect(await onA.command('touch touched 1')).toBe('TOUCHED');
      await shows(onB, 'touched', { value: 'x' });
      await shows(onB, 'brief', undefined);
      await shows(onB, 'touched', undefined);
    });
  });

  it('agrees when both nodes write the same keys at once', async () => {
    await withPair(async ({ a, b }) => {
      await Promise.all([storeMany(a.port, 0, 5_000, 1), storeMany(b.port, 0, 5_000, 2)]);
      for (const node of [a, b]) await isAcknowledged(await node.connect());
      const [fromA, fromB] = await Promise.all(
        [a, b].map((node) => answersFor(node.port, 0, 5_000, { cas: true })),
      );
      expect(fromA.hits).toBe(5_000);
      expect(fromB).toEqual(fromA);
    });
  });

  it('says so in its statistics', async () => {
    await withPair(async ({ a, b }) => {
      const client = await a.connect();
      await client.set('k', 'v');
      await isAcknowledged(client);
      const stats = await client.stats('replication');
      expect(stats.get('repl_serving')).toBe('1');
      expect(stats.get('repl_peer')).toMatch(/^127\.0\.0\.1:\d+$/);
      const other = await (await b.connect()).stats('replication');
      expect([stats.get('repl_node_bit'), other.get('repl_node_bit')].sort()).toEqual(['0', '1']);
    });
  });
});

describe('a node that dies', () => {
  it('gets all it missed: 200,000 keys while it is killed and restarted', { timeout: 60_000 }, async () => {
    await withPair(
      async ({ a, b }) => {
        await storeMany(a.port, 0, 80_000);
        const writing = storeMany(a.port, 80_000, 200_000);
        expect(await b.process.end('SIGKILL')).toEqual({ status: null, signal: 'SIGKILL' });
        await a.process.waitForLog(/link down/);
        await b.start();
        await writing;
        const onA = await a.connect();
        // What was there before changes once more, and some of it goes, while the nodes are in touch again.
        await storeMany(a.port, 0, 1_000, 1);
        for (let index = 0; index < 100; index += 1)
          expect(await onA.command(`delete bulk:${index}`)).toBe('DELETED');
        await isAcknowledged(onA);
        await isAcknowledged(await b.connect());
        const [fromA, fromB] = await Promise.all(
          [a, b].map((node) => answersFor(node.port, 0, 200_000, { cas: true })),
        );
        expect(fromA.hits).toBe(199_900);
        expect(fromB).toEqual(fromA);
      },
      { flags: ['-m', '256'] },
    );
  });

  it('comes back with an empty memory and does not bring deleted keys back', async () => {
    await withPair(async ({ a, b }) => {
      const onA = await a.connect();
      await onA.set('kept', '1');
      await onA.set('gone', '1');
      await shows(await b.connect(), 'gone', { value: '1' });
      await a.process.end('SIGKILL');
      const onB = await b.connect();
      expect(await onB.command('delete gone')).toBe('DELETED');
      expect(await onB.set('new', '2')).toBe('STORED');
      await a.start();
      const again = await a.connect();
      expect(await again.get('kept')).toBe('1');
      expect(await again.get('new')).toBe('2');
      expect(await again.get('gone')).toBeUndefined();
    });
  });

  it('keeps its client port closed until it holds what its peer has', { timeout: 60_000 }, async () => {
    await withPair(
      async ({ a, b }) => {
        await a.start();
        await storeMany(a.port, 0, 100_000);
        const expected = await answersFor(a.port, 0, 100_000, { cas: true });
        b.launch();
        // The first connection that is taken must find everything.
        const first = await vi.waitFor(() => TextClient.connect(b.port), { timeout: 20_000, interval: 1 });
        first.close();
        expect(await answersFor(b.port, 0, 100_000, { cas: true })).toEqual(expected);
      },
      { start: false, flags: ['-m', '256'] },
    );
  });
});

describe('a peer that hangs', () => {
  it('holds up nobody, is noticed, and gets all it missed when it wakes', { timeout: 60_000 }, async () => {
    await withPair(
      async ({ a, b }) => {
        b.process.signal('SIGSTOP');
        // More than all socket buffers hold.
        await storeMany(a.port, 0, 100_000);
        await a.process.waitForLog(/link down/);
        const onA = await a.connect();
        expect(await onA.set('k', 'v')).toBe('STORED');
        b.process.signal('SIGCONT');
        await a.process.waitForLog(/sync done/);
        await isAcknowledged(onA);
        expect(await answersFor(b.port, 0, 100_000)).toEqual(await answersFor(a.port, 0, 100_000));
      },
      { flags: ['-m', '256'] },
    );
  });
});

describe('a node that is stopped', () => {
  it('hands over what it has acknowledged', async () => {
    await withPair(async ({ a, b }) => {
      await storeMany(a.port, 0, 20_000);
      expect(await a.process.end('SIGTERM')).toEqual({ status: 0, signal: null });
      expect((await answersFor(b.port, 0, 20_000)).hits).toBe(20_000);
    });
  });
});

describe('the secret', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'repcached-pair-'));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  function withSecret(node: TestNode, name: string, secret: string): void {
    const path = join(folder, name);
    writeFileSync(path, secret);
    chmodSync(path, 0o600);
    node.flags = [...node.flags, '--repl-secret-file', path, '--repl-ready-timeout', '1'];
  }

  it('lets nodes that share it pair', async () => {
    await withPair(
      async ({ a, b }) => {
        withSecret(a, 'a', 'the same secret on both\n');
        withSecret(b, 'b', 'the same secret on both');
        await startPair(a, b);
        await (await a.connect()).set('k', 'v');
        await shows(await b.connect(), 'k', { value: 'v' });
      },
      { start: false },
    );
  });

  it('keeps nodes with different ones apart, and both say why', async () => {
    await withPair(
      async ({ a, b }) => {
        withSecret(a, 'a', 'one secret of ours ....');
        withSecret(b, 'b', 'another secret of ours');
        const processes = [a.launch(), b.launch()];
        await Promise.all(processes.map((process) => process.waitForLog(/secret/)));
        await Promise.all(
          [a, b].map((node) => vi.waitFor(async () => (await TextClient.connect(node.port)).close(), SOON)),
        );
        const onA = await a.connect();
        await onA.set('k', 'v');
        expect((await onA.stats('replication')).get('repl_state')).not.toBe('synced');
        expect(await (await b.connect()).get('k')).toBeUndefined();
        expect(a.process.log + b.process.log).not.toContain('link up');
      },
      { start: false },
    );
  });
});
