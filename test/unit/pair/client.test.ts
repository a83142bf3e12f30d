import { createServer, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { MemcachedClient } from '../../../src/pair/client/client.js';
import { ClientError } from '../../../src/pair/client/client-error.js';
import { hasMemcached, openSocket, withClient, withMemcached } from './memcached.js';

describe.skipIf(!hasMemcached)('against memcached (/usr/bin/memcached)', () => {
  test('every command answers as memcached does', () =>
    withMemcached([[]], (port) =>
      withClient(port, async (client) => {
        expect(await client.store('set', 'k', 'one', { flags: 0xffffffff })).toBe('STORED');
        expect(await client.store('add', 'k', 'two')).toBe('NOT_STORED');
        expect(await client.store('replace', 'k', '10')).toBe('STORED');
        expect(await client.store('append', 'k', '0')).toBe('STORED');
        expect(await client.store('prepend', 'k', '1')).toBe('STORED');
        expect(await client.incr('k', 5n)).toBe('1105');
        expect(await client.decr('k', 1n)).toBe('1104');
        expect(await client.touch('k', 100)).toBe('TOUCHED');
        const value = (await client.gats(200, ['k'])).get('k')!;
        expect(value).toMatchObject({ key: 'k', flags: 0, value: Buffer.from('1104') });
        expect(await client.cas('k', 'x', String(BigInt(value.cas) + 1n))).toBe('EXISTS');
        expect(await client.cas('k', 'x', value.cas, { flags: 9 })).toBe('STORED');
        expect(await client.get('k')).toMatchObject({ flags: 9, value: Buffer.from('x') });
        expect(await client.delete('k')).toBe('DELETED');
        expect(await client.delete('k')).toBe('NOT_FOUND');
        expect(await client.get('k')).toBeUndefined();
        expect(await client.version()).toMatch(/^1\./);
        expect((await client.stats()).get('curr_items')).toBe('0');
        expect((await client.stats('settings')).get('item_size_max')).toBe('1048576');
      }),
    ));

  test('pipelined commands get their own answers, and noreply takes none of them', () =>
    withMemcached([[]], (port) =>
      withClient(port, async (client) => {
        const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
        const answers: Promise<unknown>[] = [];
        for (let i = 0; i < 500; i += 1) {
          client.storeNoReply('set', `quiet${i}`, 'q');
          answers.push(client.store('set', `k${i}`, Buffer.concat([bytes, Buffer.from(`\r\nEND\r\n${i}`)])));
        }
        expect(new Set(await Promise.all(answers))).toEqual(new Set(['STORED']));
        client.deleteNoReply('quiet7');
        const found = await client.gets(Array.from({ length: 500 }, (_, i) => `k${i}`));
        expect(found.get('k499')?.value.subarray(256).toString()).toBe('\r\nEND\r\n499');
        expect(found.size).toBe(500);
        expect(await client.get('quiet7')).toBeUndefined();
        expect(await client.get('quiet8')).toBeDefined();
      }),
    ));

  test('an error answer rejects its command alone, and the connection goes on', () =>
    withMemcached([[]], (port) =>
      withClient(port, async (client) => {
        const tooLarge = client.store('set', 'big', Buffer.alloc(2_000_000));
        const after = client.store('set', 'k', 'v');
        await expect(tooLarge).rejects.toMatchObject({
          kind: 'answered',
          message: /object too large for cache/,
        });
        expect(await after).toBe('STORED');
        await expect(client.stats('replication')).rejects.toMatchObject({ kind: 'answered' });
        expect(client.open).toBe(true);
      }),
    ));
});

/** A server that does with each connection what the test says. */
async function withScript(
  serve: (socket: Socket) => void,
  callback: (port: number) => Promise<void>,
): Promise<void> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await callback((server.address() as { port: number }).port);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

async function failureOf(promise: Promise<unknown>): Promise<ClientError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ClientError);
  return error as ClientError;
}

test('a server that hangs: every waiting command is rejected as timed out, and the connection is given up', () =>
  withScript(
    (socket) => socket.resume(),
    async (port) => {
      const client = new MemcachedClient(await openSocket(port), { label: 'x (somewhere)', timeoutMs: 50 });
      const [first, second] = await Promise.all([failureOf(client.get('k')), failureOf(client.delete('k'))]);
      expect(first.message).toBe('x (somewhere) did not answer gets k within 50 ms');
      expect([first.kind, second.kind, client.open]).toEqual(['timedOut', 'timedOut', false]);
      expect((await failureOf(client.get('k'))).kind).toBe('timedOut');
    },
  ));

test('a server that disconnects in the middle of a value: closed', () =>
  withScript(
    (socket) => socket.on('data', () => socket.end('VALUE k 0 10\r\nabc')),
    async (port) => {
      const client = new MemcachedClient(await openSocket(port), { label: 'x (somewhere)' });
      const failure = await failureOf(client.get('k'));
      expect(failure).toMatchObject({
        kind: 'closed',
        message: 'the connection to x (somewhere) was closed',
      });
    },
  ));

test.each([
  ['a line that nobody asked for', 'STORED\r\nSTORED\r\n'],
  ['a value as answer to a line command', 'VALUE k 0 1\r\nx\r\nEND\r\n'],
  ['a value larger than allowed', 'VALUE k 0 3000000\r\n'],
])('%s ends the connection as garbled', (_, bytes) =>
  withScript(
    (socket) => socket.on('data', () => socket.write(bytes)),
    async (port) => {
      const client = new MemcachedClient(await openSocket(port), { label: 'x' });
      await client.delete('k').catch(() => undefined);
      expect((await failureOf(client.delete('k'))).kind).toBe('garbled');
    },
  ),
);

test('a key that would become other commands is never sent', async () => {
  await withScript(
    (socket) => socket.on('data', () => socket.write('ERROR\r\n')),
    async (port) => {
      const client = new MemcachedClient(await openSocket(port), { label: 'x' });
      for (const key of ['', 'a b', 'a\r\nflush_all', 'k'.repeat(251)]) {
        expect(() => client.delete(key)).toThrow(/not a usable memcached key/);
        await expect(client.gets([key])).rejects.toThrow(/not a usable memcached key/);
      }
      expect(() => client.cas('k', 'v', '1 noreply')).toThrow(/not a CAS unique/);
      client.close();
    },
  );
});
