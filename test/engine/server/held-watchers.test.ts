// Watchers beside replies that wait for the peer, over a link in TLS: they see what happens meanwhile, and nothing is
// left behind of them.
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { hasOpenssl, TestAuthority } from '../../helpers/certificates.js';
import { type TestNode, withPair } from '../../helpers/engine.js';
import { withFolder } from '../../helpers/temporary-folder.js';

const SOON = { timeout: 10_000, interval: 10 };
/** As many as may watch at a time. */
const WATCHERS_MAX = 20;

interface Client {
  heard: string;
  say(text: string): void;
  hears(pattern: RegExp): Promise<void>;
  close(): Promise<void>;
}

async function openClient(port: number): Promise<Client> {
  const socket = connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  const client: Client = {
    heard: '',
    say: (text) => socket.write(text),
    hears: (pattern) => vi.waitFor(() => expect(client.heard).toMatch(pattern), SOON),
    close: async () => {
      socket.destroy();
      if (!socket.closed) await once(socket, 'close');
    },
  };
  socket.setEncoding('latin1').on('data', (text: string) => {
    client.heard += text;
  });
  socket.on('error', () => {});
  return client;
}

async function statOf(node: TestNode, group: string, name: string): Promise<string | undefined> {
  const client = await node.connect();
  const value = (await client.stats(group)).get(name);
  client.close();
  return value;
}

/** A pair in sync over TLS whose replies wait for the peer. */
async function withHoldingPair(
  threads: number,
  callback: (pair: { a: TestNode; b: TestNode }) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    const authority = new TestAuthority(folder, 'authority');
    const { certificateFile, keyFile } = authority.sign('node');
    const flags = [
      ...['-t', String(threads), '--repl-ack', 'peer', '--repl-insecure', '--repl-tls'],
      ...['--repl-tls-cert', certificateFile, '--repl-tls-key', keyFile],
      ...['--repl-tls-ca', join(folder, 'authority.pem')],
    ];
    await withPair(
      async (pair) => {
        for (const node of [pair.a, pair.b]) {
          await vi.waitFor(
            async () => expect(await statOf(node, 'replication', 'repl_ack_degraded')).toBe('0'),
            SOON,
          );
        }
        await callback(pair);
      },
      { flags },
    );
  });
}

describe.skipIf(!hasOpenssl).each([1, 4])(
  'watchers beside held replies, -t %s (skipped where openssl is not installed)',
  (threads) => {
    it('see what is written while its replies wait, and go on afterwards', async () => {
      await withHoldingPair(threads, async ({ a, b }) => {
        const watchers = await Promise.all(Array.from({ length: 8 }, () => openClient(a.port)));
        for (const watcher of watchers) {
          watcher.say('watch mutations\r\n');
          await watcher.hears(/^OK\r\n/);
        }
        const writers = await Promise.all(Array.from({ length: 12 }, () => openClient(a.port)));
        // One that writes and then watches: it does so once its write is on both nodes.
        const both = await openClient(a.port);
        const logBytes = a.process.log.length;
        b.process.signal('SIGSTOP');
        for (const [at, writer] of writers.entries()) writer.say(`set held${at} 0 0 1\r\nx\r\n`);
        both.say('set both 0 0 1\r\nx\r\nwatch mutations\r\n');
        for (const watcher of watchers) {
          for (const at of writers.keys()) await watcher.hears(new RegExp(`key=held${at} status=stored`));
          await watcher.hears(/key=both status=stored/);
        }
        // Nobody has been answered, and the peer is not given up yet.
        expect([...writers, both].map(({ heard }) => heard).join('')).toBe('');
        expect(await statOf(a, 'replication', 'repl_ack_degraded')).toBe('0');
        b.process.signal('SIGCONT');
        for (const writer of writers) await writer.hears(/^STORED\r\n$/);
        await both.hears(/^STORED\r\nOK\r\n/);
        writers[0].say('set after 0 0 1\r\nx\r\n');
        await writers[0].hears(/^STORED\r\nSTORED\r\n$/);
        for (const watcher of [...watchers, both]) await watcher.hears(/key=after status=stored/);
        expect(a.process.log.slice(logBytes)).not.toContain('link down');
        await Promise.all([...watchers, ...writers, both].map((client) => client.close()));
      });
    });

    it('leave their places when they go while replies wait, also those who wait themselves', async () => {
      await withHoldingPair(threads, async ({ a, b }) => {
        const connections = await statOf(a, '', 'curr_connections');
        const writer = await openClient(a.port);
        for (let round = 0; round < 3; round += 1) {
          b.process.signal('SIGSTOP');
          const watchers = await Promise.all(Array.from({ length: WATCHERS_MAX }, () => openClient(a.port)));
          for (const [at, watcher] of watchers.entries()) {
            // Every other one waits for the peer before it watches.
            watcher.say(at % 2 === 0 ? 'watch mutations\r\n' : 'set k 0 0 1\r\nx\r\nwatch mutations\r\n');
            if (at % 2 === 0) await watcher.hears(/^OK\r\n/);
          }
          writer.say(`set round${round} 0 0 1\r\nx\r\n`);
          await watchers[0].hears(new RegExp(`key=round${round}`));
          // Half of them go before the peer wakes, half after.
          await Promise.all(watchers.slice(0, WATCHERS_MAX / 2).map((watcher) => watcher.close()));
          b.process.signal('SIGCONT');
          await Promise.all(watchers.slice(WATCHERS_MAX / 2).map((watcher) => watcher.hears(/OK\r\n/)));
          await Promise.all(watchers.map((watcher) => watcher.close()));
          await writer.hears(new RegExp(`^(STORED\r\n){${round + 1}}$`));
          // The one that asks was there the first time, too.
          await vi.waitFor(
            async () => expect(Number(await statOf(a, '', 'curr_connections'))).toBe(Number(connections) + 1),
            SOON,
          );
        }
        await writer.close();
      });
    });
  },
);
