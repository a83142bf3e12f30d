// Administration of a running node with two threads: watchers, listings, shutdown.
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { withNode } from '../../helpers/engine.js';

interface Client {
  heard: string;
  say(text: string): void;
  /** Waits until what was heard ends so. */
  until(end: RegExp): Promise<string>;
  close(): void;
}

async function openClient(port: number): Promise<Client> {
  const socket = connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  const client: Client = {
    heard: '',
    say: (text) => socket.write(Buffer.from(text, 'latin1')),
    until: (end) =>
      vi.waitUntil(() => (end.test(client.heard) ? client.heard : undefined), {
        timeout: 15_000,
        interval: 20,
      }),
    close: () => socket.destroy(),
  };
  socket.setEncoding('latin1').on('data', (text: string) => {
    client.heard += text;
  });
  socket.on('error', () => {});
  return client;
}

describe('a node with two threads', () => {
  it('shows a watcher what clients of both threads do', async () => {
    await withNode(['-t', '2'], async ({ port }) => {
      const watcher = await openClient(port);
      watcher.say('watch mutations connevents\r\n');
      await watcher.until(/OK\r\n$/);
      const clients = await Promise.all(Array.from({ length: 8 }, () => openClient(port)));
      for (const [number, client] of clients.entries()) {
        client.say(`set k${number} 0 0 1\r\nx\r\n`);
        await client.until(/STORED\r\n$/);
        client.close();
      }
      await vi.waitUntil(() => watcher.heard.match(/type=conn_close/g)?.length === 8, { timeout: 15_000 });
      for (const number of clients.keys()) {
        expect(watcher.heard).toContain(
          `type=item_store key=k${number} status=stored cmd=set ttl=0 clsid=1 cfd=0 size=1\n`,
        );
      }
      expect(
        watcher.heard.match(/type=conn_new rip=127\.0\.0\.1 rport=\d+ transport=tcp cfd=0\n/g),
      ).toHaveLength(8);
      expect(
        watcher.heard.match(/type=conn_close rip=127\.0\.0\.1 rport=\d+ transport=tcp reason=normal/g),
      ).toHaveLength(8);
      watcher.close();
    });
  });

  it('lists tens of thousands of keys while others are served', async () => {
    await withNode(['-t', '2'], async ({ port }) => {
      const [lister, other] = [await openClient(port), await openClient(port)];
      const count = 30_000;
      for (let number = 0; number < count; number++) other.say(`set key-${number} 0 0 1 noreply\r\nx\r\n`);
      other.say('mn\r\n');
      await other.until(/MN\r\n$/);
      lister.say('lru_crawler metadump all\r\n');
      other.say('version\r\n');
      await other.until(/VERSION \S+\r\n$/);
      await lister.until(/\nEND\r\n$/);
      const keys = new Set(Array.from(lister.heard.matchAll(/^key=(\S+) /gm), ([, key]) => key));
      expect(keys.size).toBe(count);
      lister.close();
      other.close();
    });
  });

  it('stops by shutdown, with -A', async () => {
    await withNode(['-t', '2', '-A'], async (node) => {
      const client = await openClient(node.port);
      client.say('shutdown\r\n');
      expect(await node.process.exited).toEqual({ status: 0, signal: null });
      client.close();
    });
  });
});
