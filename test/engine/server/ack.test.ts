// --repl-ack on real pairs: what a reply means, what becomes of those who wait, and that no acknowledged write is lost.
import { describe, expect, it, vi } from 'vitest';
import { startPair, type TestNode, withPair } from '../../helpers/engine.js';
import { freePort } from '../../helpers/free-port.js';
import { TextClient } from '../../helpers/text-client.js';
import { packet, readReplies, storing } from '../protocol/binary/packets.js';
import { AcknowledgedWriters } from './acknowledged-writers.js';

const SOON = { timeout: 10_000, interval: 5 };
const THREADS = ['1', '4'];
const DEGRADED = /acknowledgement degraded/;
const WORKS = /acknowledgement works/;

function withAckPair(
  mode: 'peer' | 'strict',
  threads: string,
  callback: (pair: { a: TestNode; b: TestNode }) => Promise<void>,
  flags: readonly string[] = [],
): Promise<void> {
  return withPair(callback, { flags: ['--repl-ack', mode, '-t', threads, ...flags] });
}

/** Each node has said for the last time that it waits for the other. */
async function bothWait(...nodes: TestNode[]): Promise<void> {
  for (const node of nodes) {
    const stats = await (await node.connect()).stats('replication');
    if (stats.get('repl_ack_degraded') === '1')
      await node.process.waitForLog(/acknowledgement works|writes are taken/);
  }
}

async function ackStats(client: TextClient): Promise<Record<string, string | undefined>> {
  const stats = await client.stats('replication');
  return {
    mode: stats.get('repl_ack_mode'),
    degraded: stats.get('repl_ack_degraded'),
    degradations: stats.get('repl_ack_degradations'),
  };
}

describe.each(THREADS)('--repl-ack peer, -t %s', (threads) => {
  it('answers a write once the peer has it, whatever was said and in whichever protocol', async () => {
    await withAckPair('peer', threads, async ({ a, b }) => {
      await bothWait(a, b);
      const [onA, onB] = [await a.connect(), await b.connect()];
      for (let round = 0; round < 50; round += 1) {
        const value = `${round}`;
        expect(await onA.set('k', value)).toBe('STORED');
        expect(await onB.get('k')).toBe(value);
        // Nothing is said of the first two, but what is said next comes after them.
        onA.send(`set quiet 0 0 ${value.length} noreply\r\n${value}\r\nincr n 1 noreply\r\nget nothing\r\n`);
        expect(await onA.readLine()).toBe('END');
        expect(await onB.get('quiet')).toBe(value);
        expect(await onA.command(`ms meta ${value.length}\r\n${value}`)).toBe('HD');
        expect(await onB.get('meta')).toBe(value);
        expect(await onA.command('md meta q\r\nmn')).toBe('MN');
        expect(await onB.get('meta')).toBeUndefined();
      }
      expect(await onA.command('flush_all')).toBe('OK');
      expect(await onB.get('k')).toBeUndefined();
      expect(await ackStats(onA)).toEqual({ mode: 'peer', degraded: '0', degradations: '0' });

      const binary = await a.connect();
      const setQuietly = storing(0x11, 'binary', 'x'.repeat(100_000));
      binary.send(Buffer.concat([setQuietly, packet({ opcode: 0x0a })]));
      const [noop] = readReplies(await binary.readBytes(24));
      expect(noop).toMatchObject({ opcode: 0x0a, status: 0 });
      expect((await onB.get('binary'))?.length).toBe(100_000);
    });
  });

  it('serves others while one waits, and lets all go when the peer is gone', {
    timeout: 30_000,
  }, async () => {
    await withAckPair(
      'peer',
      threads,
      async ({ a, b }) => {
        await bothWait(a, b);
        const [plain, quitting, leaving, piping, reader] = await Promise.all(
          Array.from({ length: 5 }, () => a.connect()),
        );
        await plain.set('before', '1');
        b.process.signal('SIGSTOP');
        plain.send('set plain 0 0 1\r\n1\r\n');
        quitting.send('set quitting 0 0 1\r\n1\r\nget quitting\r\nquit\r\n');
        leaving.send('set leaving 0 0 1\r\n1\r\n');
        leaving.socket.end();
        // More than a turn of input, and more of it behind.
        const large = 'x'.repeat(100_000);
        piping.send(
          `set piped 0 0 100000\r\n${large}\r\nget before\r\ndelete piped\r\nset turn 0 0 1\r\n1\r\n`,
        );
        expect(await reader.get('before')).toBe('1');
        for (const key of ['plain', 'quitting', 'leaving', 'turn'])
          await vi.waitFor(async () => expect(await reader.get(key)).toBeDefined(), SOON);
        piping.send('set piped 0 0 1\r\n2\r\nget piped\r\n');
        expect(await ackStats(reader)).toMatchObject({ degraded: '0' });
        expect(await reader.get('piped')).toBeUndefined();
        // Nobody was answered yet; idle_timeout is a second, and the peer is given up after three.
        await a.process.waitForLog(DEGRADED);
        expect(await plain.readLine()).toBe('STORED');
        expect(await quitting.readToEnd()).toBe('STORED\r\nVALUE quitting 0 1\r\n1\r\nEND\r\n');
        expect(await leaving.readToEnd()).toBe('STORED\r\n');
        expect(await piping.readLine()).toBe('STORED');
        expect((await piping.readItems()).get('before')?.value.toString()).toBe('1');
        expect(await piping.readLine()).toBe('DELETED');
        for (let reply = 0; reply < 2; reply += 1) expect(await piping.readLine()).toBe('STORED');
        expect((await piping.readItems()).get('piped')?.value.toString()).toBe('2');
        const later = await a.connect();
        expect(await ackStats(later)).toEqual({ mode: 'peer', degraded: '1', degradations: '1' });
        expect(await later.set('alone', '1')).toBe('STORED');

        b.process.signal('SIGCONT');
        await a.process.waitForLog(WORKS);
        const again = await a.connect();
        expect(await ackStats(again)).toEqual({ mode: 'peer', degraded: '0', degradations: '1' });
        expect(await again.set('together', '1')).toBe('STORED');
        const onB = await b.connect();
        expect(await onB.get('together')).toBe('1');
        expect(await onB.get('alone')).toBe('1');
      },
      ['-o', 'idle_timeout=1'],
    );
  });

  it('loses no acknowledged write when either node is killed under load', { timeout: 60_000 }, async () => {
    await withAckPair('peer', threads, async ({ a, b }) => {
      await bothWait(a, b);
      for (let round = 0; round < 4; round += 1) {
        const [victim, survivor] = round % 2 === 0 ? [a, b] : [b, a];
        const doomed = await AcknowledgedWriters.start(victim.port, `doomed-${round}`, { count: 6 });
        const lucky = await AcknowledgedWriters.start(survivor.port, `lucky-${round}`, { count: 3 });
        await wrote(doomed, 2_000);
        await victim.process.end('SIGKILL');
        await doomed.ended();
        const onSurvivor = await survivor.connect();
        expect(await doomed.lostOn(onSurvivor)).toEqual([]);

        // The other one works on alone; once both say that they wait again, what it was told then is on both.
        await survivor.process.waitForLog(DEGRADED);
        const works = survivor.process.waitForLog(WORKS);
        await victim.start();
        await works;
        const promised = lucky.promised();
        await bothWait(victim);
        expect(await lucky.lostOn(await victim.connect(), promised)).toEqual([]);
        await lucky.stop();
        expect(await lucky.lostOn(await victim.connect())).toEqual([]);
      }
    });
  });

  it('acknowledges nothing that a frozen peer has not read, and loses nothing when killed then', async () => {
    await withAckPair('peer', threads, async ({ a, b }) => {
      await bothWait(a, b);
      const writers = await AcknowledgedWriters.start(a.port, 'w', { count: 6, valueBytes: 10_000 });
      await wrote(writers, 500);
      b.process.signal('SIGSTOP');
      // Were they answered, this would be more than the sockets between the two hold.
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      await a.process.end('SIGKILL');
      await writers.ended();
      b.process.signal('SIGCONT');
      await b.process.waitForLog(DEGRADED);
      expect(await writers.lostOn(await b.connect())).toEqual([]);
    });
  });

  it('answers who waits before it stops', async () => {
    await withAckPair('peer', threads, async ({ a, b }) => {
      await bothWait(a, b);
      const writers = await AcknowledgedWriters.start(a.port, 'w', { count: 8 });
      await wrote(writers, 2_000);
      expect(await a.process.end('SIGTERM')).toEqual({ status: 0, signal: null });
      await writers.ended();
      expect(await writers.lostOn(await b.connect())).toEqual([]);
    });
  });

  it('does not answer who waits when it has to stop while the peer hangs', { timeout: 20_000 }, async () => {
    await withAckPair('peer', threads, async ({ a, b }) => {
      await bothWait(a, b);
      const client = await a.connect();
      await client.set('before', '1');
      b.process.signal('SIGSTOP');
      client.send('set k 0 0 1\r\n1\r\n');
      const other = await a.connect();
      await vi.waitFor(async () => expect(await other.get('k')).toBe('1'), SOON);
      expect(await a.process.end('SIGTERM')).toEqual({ status: 0, signal: null });
      expect(await client.readToEnd()).toBe('');
    });
  });
});

describe.each(THREADS)('a port with its own acknowledgement, -t %s', (threads) => {
  it.each([
    { node: 'peer', port: 'none' },
    { node: 'none', port: 'peer' },
  ] as const)(
    'waits or does not, next to one that does otherwise: --repl-ack $node, ack[$port]',
    async (modes) => {
      await withPair(
        async ({ a, b }) => {
          const otherPort = await freePort();
          a.flags = [...a.flags, '--repl-ack', modes.node, '-l', `ack[${modes.port}]:127.0.0.1:${otherPort}`];
          await startPair(a, b);
          const listens = `listening on 127.0.0.1:${otherPort}, acknowledgement ${modes.port}\n`;
          await vi.waitFor(() => expect(a.process.log).toContain(listens), SOON);
          await bothWait(a);
          const onOther = await TextClient.connect(otherPort);
          try {
            const [onNode, reader] = [await a.connect(), await a.connect()];
            const [waiting, plain] = modes.port === 'peer' ? [onOther, onNode] : [onNode, onOther];
            expect(await waiting.set('together', '1')).toBe('STORED');
            expect(await (await b.connect()).get('together')).toBe('1');
            expect(await ackStats(reader)).toEqual({ mode: 'mixed', degraded: '0', degradations: '0' });

            b.process.signal('SIGSTOP');
            waiting.send('set waits 0 0 1\r\n1\r\n');
            let isAnswered = false;
            const answer = waiting.readLine().finally(() => {
              isAnswered = true;
            });
            await vi.waitFor(async () => expect(await reader.get('waits')).toBe('1'), SOON);
            for (let round = 0; round < 50; round += 1) {
              expect(await plain.set('plain', `${round}`)).toBe('STORED');
              expect(await plain.get('plain')).toBe(`${round}`);
            }
            expect(await ackStats(reader)).toEqual({ mode: 'mixed', degraded: '0', degradations: '0' });
            expect(isAnswered).toBe(false);

            await a.process.waitForLog(DEGRADED);
            expect(await answer).toBe('STORED');
            expect(await ackStats(reader)).toEqual({ mode: 'mixed', degraded: '1', degradations: '1' });
            b.process.signal('SIGCONT');
            await a.process.waitForLog(WORKS);
            expect(await waiting.set('again', '1')).toBe('STORED');
            expect(await (await b.connect()).get('again')).toBe('1');
          } finally {
            onOther.close();
          }
        },
        { flags: ['-t', threads], start: false },
      );
    },
  );
});

describe.each(THREADS)('--repl-ack strict, -t %s', (threads) => {
  it('takes writes only while there is a peer, and says nothing of what it does not know', async () => {
    await withAckPair('strict', threads, async ({ a, b }) => {
      await bothWait(a, b);
      const [client, other] = [await a.connect(), await a.connect()];
      expect(await client.set('k', '1')).toBe('STORED');
      expect(await (await b.connect()).get('k')).toBe('1');
      b.process.signal('SIGSTOP');
      client.send('set k 0 0 1\r\n2\r\nget k\r\n');
      await vi.waitFor(async () => expect(await other.get('k')).toBe('2'), SOON);
      await b.process.end('SIGKILL');
      await a.process.waitForLog(/no peer is in sync: writes are refused/);
      expect(await client.readToEnd()).toBe('');
      expect(await other.set('k', '3')).toBe('SERVER_ERROR no peer in sync');
      expect(await other.command('delete k')).toBe('SERVER_ERROR no peer in sync');
      expect(await other.get('k')).toBe('2');
      expect(await ackStats(other)).toEqual({ mode: 'strict', degraded: '1', degradations: '1' });
      await b.start();
      await a.process.waitForLog(/writes are taken/);
      expect(await other.set('k', '4')).toBe('STORED');
      expect(await (await b.connect()).get('k')).toBe('4');
    });
  });

  it('refuses writes from the start while it is alone', async () => {
    const flags = ['--repl-ack', 'strict', '-t', threads];
    await withPair(
      async ({ a }) => {
        await a.start();
        const client = await a.connect();
        expect(await client.set('k', '1')).toBe('SERVER_ERROR no peer in sync');
        expect(await client.get('k')).toBeUndefined();
        expect(await ackStats(client)).toEqual({ mode: 'strict', degraded: '1', degradations: '0' });
      },
      { flags, start: false },
    );
  });
});

describe.each(THREADS)('an admin command that moves items, -t %s', (threads) => {
  // Of these some pages are taken; every other one goes, so that what a page holds finds room elsewhere.
  const keys = Array.from({ length: 48 }, (_, number) => `k${number}`);
  const value = 'x'.repeat(100_000);

  it.each(['peer', 'strict'] as const)(
    'is answered while there is no peer, as it writes nothing, with --repl-ack %s',
    async (mode) => {
      await withAckPair(mode, threads, async ({ a, b }) => {
        await bothWait(a, b);
        const [client, admin] = [await a.connect(), await a.connect()];
        for (const key of keys) expect(await client.set(key, value)).toBe('STORED');
        for (let at = 0; at < keys.length; at += 2)
          expect(await client.command(`delete ${keys[at]}`)).toBe('DELETED');
        const { repl_log_seq: before } = Object.fromEntries(await admin.stats('replication'));
        await b.process.end('SIGKILL');
        await a.process.waitForLog(/acknowledgement degraded|writes are refused/);
        expect(await admin.command('slabs reassign -1 1')).toBe('OK');
        const { repl_log_seq: after } = Object.fromEntries(await admin.stats('replication'));
        // Else nothing was moved.
        expect(Number(after)).toBeGreaterThan(Number(before));
        expect(await admin.get(keys[1])).toBe(value);
      });
    },
  );

  it('does not wait for a peer that hangs', async () => {
    await withAckPair('peer', threads, async ({ a, b }) => {
      await bothWait(a, b);
      const [client, admin] = [await a.connect(), await a.connect()];
      for (const key of keys) expect(await client.set(key, value)).toBe('STORED');
      for (let at = 0; at < keys.length; at += 2)
        expect(await client.command(`delete ${keys[at]}`)).toBe('DELETED');
      const logBytes = a.process.log.length;
      b.process.signal('SIGSTOP');
      expect(await admin.command('slabs reassign -1 1')).toBe('OK');
      expect(a.process.log.slice(logBytes)).not.toContain('link down');
    });
  });
});

/** Waits until so many more of their writes were acknowledged. */
async function wrote(writers: AcknowledgedWriters, count: number): Promise<void> {
  const { writes } = writers;
  await vi.waitFor(() => expect(writers.writes).toBeGreaterThan(writes + count), SOON);
}
