// Two real processes that both speak the legacy protocol, and what a stranger hears from one.
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { answersFor, storeMany } from '../../helpers/bulk.js';
import { contentsOf, differences } from '../../helpers/contents.js';
import { startPair, type TestNode, withPair } from '../../helpers/engine.js';
import type { TextClient } from '../../helpers/text-client.js';
import { AcknowledgedWriters } from './acknowledged-writers.js';

const SOON = { timeout: 10_000, interval: 5 };
const KEYS = 20_000;
/** Beside those that are written under load. */
const KEYS_UNDER_LOAD = 5_000;
const LEGACY = ['--repl-protocol', 'legacy'];

async function shows(client: TextClient, key: string, value: string | undefined): Promise<void> {
  await vi.waitFor(async () => expect((await client.getItem(key))?.value.toString()).toBe(value), SOON);
}

async function statOf(node: TestNode, name: string): Promise<string | undefined> {
  const client = await node.connect();
  return (await client.stats('replication')).get(name);
}

describe.each([1, 4])('a pair that speaks the legacy protocol, with -t %s', (threads) => {
  const flags = [...LEGACY, '-t', String(threads)];

  it('carries what is written on either node', async () => {
    await withPair(
      async ({ a, b }) => {
        const [onA, onB] = await Promise.all([a.connect(), b.connect()]);
        for (const [from, to] of [
          [onA, onB],
          [onB, onA],
        ]) {
          await from.set('k', 'one', { flags: 4_294_967_295 });
          await shows(to, 'k', 'one');
          expect((await to.getItem('k'))?.flags).toBe(4_294_967_295);
          await from.set('n', '10');
          expect(await from.command('incr n 5')).toBe('15');
          await shows(to, 'n', '15');
          expect(await from.command('delete n')).toBe('DELETED');
          await shows(to, 'n', undefined);
          expect(await from.command('flush_all')).toBe('OK');
          await shows(to, 'k', undefined);
        }
        expect(await statOf(a, 'repl_protocol')).toBe('legacy');
        expect(await statOf(b, 'repl_state')).toBe('synced');
      },
      { flags },
    );
  });

  it('forms again after either node was killed, with what the other holds', async () => {
    await withPair(
      async ({ a, b }) => {
        await storeMany(a.port, 0, KEYS);
        for (const [killed, survivor] of [
          [b, a],
          [a, b],
        ]) {
          await killed.process.end('SIGKILL');
          await survivor.process.waitForLog(/link down/);
          const onSurvivor = await survivor.connect();
          await onSurvivor.set('meanwhile', killed === a ? 'of b' : 'of a');
          await killed.start();
          await shows(await killed.connect(), 'meanwhile', killed === a ? 'of b' : 'of a');
          const answers = await answersFor(killed.port, 0, KEYS);
          expect(answers).toEqual(await answersFor(survivor.port, 0, KEYS));
          expect(answers.hits).toBe(KEYS);
        }
      },
      { flags },
    );
  });
});

describe.each([1, 4])('a node of ours beside a legacy one, with -t %s', (threads) => {
  const flags = ['-t', String(threads)];

  it('goes over to our own protocol when the other one does, with all it holds and with its clients', async () => {
    await withPair(
      async ({ a, b }) => {
        const { flags: own } = a;
        for (const node of [a, b]) node.flags = [...node.flags, ...LEGACY];
        await startPair(a, b);
        await storeMany(a.port, 0, KEYS);
        const onB = await b.connect();
        await vi.waitFor(
          async () => expect(await answersFor(b.port, 0, KEYS)).toMatchObject({ hits: KEYS }),
          SOON,
        );
        await a.process.end();
        await onB.set('meanwhile', 'of b');
        a.flags = own;
        await a.start();
        await vi.waitFor(async () => expect(await statOf(b, 'repl_state')).toBe('synced'), SOON);
        expect(await statOf(b, 'repl_protocol')).toBe('own');
        expect(await answersFor(a.port, 0, KEYS)).toEqual(await answersFor(b.port, 0, KEYS));
        await shows(await a.connect(), 'meanwhile', 'of b');
        await (await a.connect()).set('afterwards', 'of a');
        await shows(onB, 'afterwards', 'of a');
      },
      { flags, start: false },
    );
  });
});

/** Waits until both hold the same of each key; uniques are each node's own. */
async function areAlike(a: TestNode, b: TestNode, { uniques = false } = {}): Promise<void> {
  await vi.waitFor(
    async () => {
      const [fromA, fromB] = await Promise.all([a, b].map((node) => contentsOf(node.port, { uniques })));
      expect(fromA.size).toBeGreaterThan(KEYS_UNDER_LOAD);
      expect(differences(fromA, fromB)).toEqual([]);
    },
    { timeout: 20_000, interval: 200 },
  );
}

async function wrote(writers: readonly AcknowledgedWriters[]): Promise<void> {
  const before = writers.map(({ writes }) => writes);
  await vi.waitFor(() => {
    for (const [at, { writes }] of writers.entries()) expect(writes).toBeGreaterThan(before[at] + 1_000);
  }, SOON);
}

describe.each(['dials', 'only listens'])(
  'a node of ours that %s, beside one with -t 4 and under load',
  (role) => {
    const start = ({ port }: TestNode, name: string): Promise<AcknowledgedWriters> =>
      AcknowledgedWriters.start(port, name, { count: 6, valueBytes: 200 });

    /** Both with the legacy protocol, and A in the role. */
    function withLegacyPair(
      callback: (pair: { a: TestNode; b: TestNode; own: readonly string[] }) => Promise<void>,
    ) {
      return withPair(
        async ({ a, b }) => {
          if (role === 'only listens') a.flags = ['-X', String(a.replicationPort), '-t', '4'];
          const { flags: own } = a;
          for (const node of [a, b]) node.flags = [...node.flags, ...LEGACY];
          await startPair(a, b);
          await storeMany(a.port, 0, KEYS);
          await callback({ a, b, own });
        },
        { flags: ['-t', '4'], start: false },
      );
    }

    it('has the same of every key, also once either was killed', { timeout: 60_000 }, async () => {
      await withLegacyPair(async ({ a, b }) => {
        const writers = await Promise.all([start(a, 'a'), start(b, 'b')]);
        await wrote(writers);
        for (const writer of writers) await writer.stop();
        await areAlike(a, b);
        for (const [victim, survivor] of [
          [b, a],
          [a, b],
        ]) {
          const name = victim === a ? 'a' : 'b';
          const [doomed, lucky] = await Promise.all([
            start(victim, `doomed-${name}`),
            start(survivor, `lucky-${name}`),
          ]);
          await wrote([doomed, lucky]);
          await victim.process.end('SIGKILL');
          await doomed.ended();
          await survivor.process.waitForLog(/link down/);
          await victim.start();
          await wrote([lucky]);
          await lucky.stop();
          await areAlike(a, b);
          expect(await lucky.lostOn(await victim.connect())).toEqual([]);
        }
      });
    });

    it('goes over to our own protocol, and has all that was written meanwhile', {
      timeout: 60_000,
    }, async () => {
      await withLegacyPair(async ({ a, b, own }) => {
        const lucky = await start(b, 'lucky');
        const leaving = await start(a, 'leaving');
        await wrote([lucky, leaving]);
        await leaving.stop();
        await a.process.end();
        await wrote([lucky]);
        a.flags = own;
        const { process } = b;
        await Promise.all([a.start(), process.waitForLog(/changing over to it/)]);
        const after = await start(a, 'after');
        await wrote([lucky, after]);
        for (const writers of [lucky, after]) await writers.stop();
        await vi.waitFor(async () => expect(await statOf(b, 'repl_state')).toBe('synced'), SOON);
        expect(await statOf(b, 'repl_protocol')).toBe('own');
        await areAlike(a, b, { uniques: true });
        expect(await leaving.lostOn(await b.connect())).toEqual([]);
        expect(await lucky.lostOn(await a.connect())).toEqual([]);
        expect(await after.lostOn(await b.connect())).toEqual([]);
      });
    });
  },
);

describe('a stranger at the replication port', () => {
  it('gets nothing from another address than that of -x', async () => {
    await withPair(
      async ({ a }) => {
        a.flags = ['-X', String(a.replicationPort), '-x', '127.0.0.2', ...LEGACY];
        await a.start();
        await (await a.connect()).set('secret', 'value');
        const stranger = connect({ port: a.replicationPort, host: '127.0.0.1' });
        let heard = '';
        stranger.on('data', (data) => {
          heard += data;
        });
        await once(stranger, 'close');
        expect(heard).toBe('');
        await a.process.waitForLog(/it is not the peer of -x/);
      },
      { start: false },
    );
  });
});
