// Clients that ask and do not read, or begin and do not go on: what they hold is bounded, and all of it is given back.
import { readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { REPLY_HIGH_WATER_BYTES, ReplyBuffer } from '../../../src/engine/protocol/reply-buffer.js';
import { ClientSession } from '../../../src/engine/protocol/session.js';
import { type TestNode, withNode } from '../../helpers/engine.js';
import { expectSound, hauntedStore } from '../fuzz/haunted-store.js';
import { packet, storing } from '../protocol/binary/packets.js';
import { FixedFacts } from '../protocol/talk.js';
import { put } from '../store/new-store.js';

const MIB = 1024 * 1024;
const VALUE_BYTES = 50_000;
const READERS = 10;

/** Ways to ask for one value very often. */
const GREEDY: readonly { name: string; request: Buffer }[] = [
  { name: 'get', request: Buffer.from('get big\r\n'.repeat(2_000)) },
  { name: 'get of many keys', request: Buffer.from(`get${' big'.repeat(2_000)}\r\n`) },
  { name: 'mg', request: Buffer.from('mg big v\r\n'.repeat(2_000)) },
  { name: 'binary get', request: Buffer.concat(Array(2_000).fill(packet({ opcode: 0x00, key: 'big' }))) },
];

describe('clients that do not read', () => {
  it.each(GREEDY)('make a session stop at its mark: $name', ({ request }) => {
    const store = hauntedStore();
    put(store, 'big', 'x'.repeat(VALUE_BYTES));
    const session = new ClientSession(store, new FixedFacts(), { protocols: 'auto', credentials: undefined });
    const reply = new ReplyBuffer();
    const taken = session.consume(request, 0, request.length, reply);
    expect(session.paused).toBe(true);
    expect(reply.length).toBeLessThan(REPLY_HIGH_WATER_BYTES + 2 * VALUE_BYTES);
    // However often it is called, nothing more is taken until somebody has made room.
    for (let times = 0; times < 5; times++)
      expect(session.consume(request, taken, request.length, reply)).toBe(0);
    expect(reply.length).toBeLessThan(REPLY_HIGH_WATER_BYTES + 2 * VALUE_BYTES);
    session.close();
    expectSound(store);
  });

  it.each(GREEDY)('cost a running node little, and nobody else waits: $name', async ({ request }) => {
    await withNode([], async (node) => {
      const client = await node.connect();
      await client.set('big', 'x'.repeat(VALUE_BYTES));
      const beforeBytes = residentBytes(node);
      for (let reader = 0; reader < READERS; reader++) {
        const { socket } = await node.connect();
        socket.pause();
        // 100 MB of answers.
        socket.write(request);
      }
      for (let round = 0; round < 50; round++) expect(await client.command('touch big 0')).toBe('TOUCHED');
      expect(residentBytes(node) - beforeBytes).toBeLessThan(READERS * 4 * MIB);
    });
  });
});

describe('clients that begin and do not go on', () => {
  it('give the slots of their values back when they go', async () => {
    await withNode(['-m', '32', '-M'], async (node) => {
      const client = await node.connect();
      const begun = [
        Buffer.from('set half 0 0 1000000\r\nx'),
        Buffer.from('ms half 1000000\r\nx'),
        storing(0x01, 'half', Buffer.alloc(1_000_000)).subarray(0, 100),
      ];
      const value = 'x'.repeat(1_000_000);
      for (let round = 0; round < 2; round++) {
        const idle = await Promise.all(Array.from({ length: 60 }, () => node.connect()));
        for (const [index, { socket }] of idle.entries()) socket.write(begun[index % begun.length]);
        await vi.waitFor(async () =>
          expect(await client.set('full', value)).toMatch(/^SERVER_ERROR out of memory/),
        );
        for (const other of idle) other.close();
        await vi.waitFor(async () => expect(await client.set('full', value)).toBe('STORED'));
        expect(await client.command('delete full')).toBe('DELETED');
      }
    });
  });

  it('of lines without an end are closed', async () => {
    await withNode([], async (node) => {
      for (const line of ['x'.repeat(3_000), `set ${'x'.repeat(3_000)}`, `mg ${'x'.repeat(3_000)}`]) {
        const client = await node.connect();
        client.send(line);
        expect(await client.readToEnd()).toBe('');
      }
    });
  });
});

function residentBytes({ process }: TestNode): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${process.pid}/status`, 'utf8'))?.[1]) * 1024;
}
