// Clients by UDP: memcached's frame, what is ignored, what is too large, and that it can't be used to flood others.
import { describe, expect, it } from 'vitest';
import { FatalError } from '../../../src/engine/server/exit.js';
import { parseCommandLine } from '../../../src/engine/server/options.js';
import { type TestNode, withNode } from '../../helpers/engine.js';
import { freePort } from '../../helpers/free-port.js';
import { UdpClient } from '../../helpers/udp-client.js';

const PAYLOAD_BYTES = 1400;

async function withUdp(callback: (udp: UdpClient, node: TestNode) => Promise<void>): Promise<void> {
  const port = await freePort();
  await withNode(['-U', String(port)], async (node) => {
    const udp = await UdpClient.open(port);
    try {
      await callback(udp, node);
    } finally {
      udp.close();
    }
  });
}

describe('UDP', () => {
  it('answers requests, and serves the items that TCP stores', async () => {
    await withUdp(async (udp, node) => {
      expect(await udp.ask(1, 'set key 7 0 5\r\nvalue\r\n')).toBe('STORED\r\n');
      expect(await (await node.connect()).get('key')).toBe('value');
      expect(await udp.ask(0xffff, 'get key missing\r\n')).toBe('VALUE key 7 5\r\nvalue\r\nEND\r\n');
      expect(await udp.ask(3, 'nonsense\r\n')).toBe('ERROR\r\n');
      expect(udp.datagrams.map(({ id, sequence, total }) => [id, sequence, total])).toEqual([
        [1, 0, 1],
        [0xffff, 0, 1],
        [3, 0, 1],
      ]);
    });
  });

  it('cuts a reply into datagrams of 1400 bytes', async () => {
    await withUdp(async (udp, node) => {
      const value = Buffer.alloc(100_000, 'abcdefg').toString();
      await (await node.connect()).set('large', value);
      expect(await udp.ask(9, 'get large\r\n')).toBe(`VALUE large 0 100000\r\n${value}\r\nEND\r\n`);
      const total = Math.ceil((100_000 + 'VALUE large 0 100000\r\n\r\nEND\r\n'.length) / PAYLOAD_BYTES);
      expect(udp.datagrams.map(({ sequence }) => sequence)).toEqual(
        Array.from({ length: total }, (_, at) => at),
      );
      expect(udp.datagrams.every((datagram) => datagram.total === total && datagram.id === 9)).toBe(true);
      expect(udp.datagrams.slice(0, -1).every(({ payload }) => payload.length === PAYLOAD_BYTES)).toBe(true);
    });
  });

  it('ignores runts, requests of several datagrams, and requests that are not whole', async () => {
    await withUdp(async (udp) => {
      await udp.sendRaw(Buffer.alloc(0));
      await udp.sendRaw(Buffer.alloc(7));
      await udp.sendRaw(Buffer.alloc(8));
      await udp.send(1, 'version\r\n', { total: 2 });
      await udp.send(2, 'version\r\n', { sequence: 1, total: 2 });
      await udp.send(3, 'version\r\n', { sequence: 1 });
      await udp.send(4, 'version');
      await udp.send(5, 'set key 0 0 5\r\nva');
      // Had the last one left anything, this would be its value.
      expect(await udp.ask(6, 'lue\r\nget key\r\n')).toBe('ERROR\r\nEND\r\n');
      expect(udp.datagrams.map(({ id }) => id)).toEqual([6]);
    });
  });

  it('refuses a reply that is too large for it, and answers pipelined requests together', async () => {
    await withUdp(async (udp, node) => {
      await (await node.connect()).set('large', 'x'.repeat(1_000_000));
      expect(await udp.ask(1, `get${' large'.repeat(200)}\r\n`)).toBe(
        'SERVER_ERROR reply too large for UDP, use TCP\r\n',
      );
      expect(await udp.ask(2, 'delete large\r\nget large\r\n')).toBe('DELETED\r\nEND\r\n');
    });
  });

  it('counts its traffic, and is told by stats settings', async () => {
    await withUdp(async (udp, node) => {
      await udp.ask(1, 'version\r\n');
      const client = await node.connect();
      expect(Number((await client.stats()).get('bytes_read'))).toBeGreaterThanOrEqual(17);
      expect(Number((await client.stats('settings')).get('udpport'))).toBeGreaterThan(0);
    });
  });
});

describe('UDP off loopback', () => {
  it.each([
    [['-U', '11211']],
    [['-U', '11211', '-l', '10.0.0.1']],
    [['-U', '11211', '-l', '127.0.0.1,0.0.0.0']],
    [['-U', '11211', '-l', '127.0.0.1.example.org']],
  ])('%j is refused', (argv) => {
    expect(() => parseCommandLine(argv)).toThrow(FatalError);
    expect(() => parseCommandLine(argv)).toThrow(/off loopback .* insist with --udp-insecure/);
    expect(parseCommandLine([...argv, '--udp-insecure'])).toMatchObject({ options: { udpPort: 11211 } });
  });

  it('is not meant on loopback, nor without -U', () => {
    expect(parseCommandLine(['-U', '11211', '-l', '127.0.0.1,::1'])).toMatchObject({ kind: 'run' });
    expect(parseCommandLine(['-U', '0'])).toMatchObject({ options: { udpPort: 0 } });
  });

  it('bounds what a faked request can set off', async () => {
    const [port, udpPort] = [await freePort(), await freePort()];
    // The interface is loopback's all the same: only the flag says that it may not be.
    await withNode(
      ['-U', String(udpPort), '-l', `127.0.0.1:${port},0.0.0.0:${await freePort()}`, '--udp-insecure'],
      async (node) => {
        await (await node.connect()).set('large', 'x'.repeat(20_000));
        await (await node.connect()).set('larger', 'x'.repeat(23_000));
        const udp = await UdpClient.open(udpPort);
        expect(await udp.ask(1, 'get large\r\n')).toContain('VALUE large 0 20000\r\n');
        expect(await udp.ask(2, 'get larger\r\n')).toBe('SERVER_ERROR reply too large for UDP, use TCP\r\n');
        udp.close();
      },
    );
  });
});
