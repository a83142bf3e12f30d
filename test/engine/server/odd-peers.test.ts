// Peers of a real node that are not what it expects: one that is slow, and one of another release.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { FrameWriter } from '../../../src/engine/replication/frame-writer.js';
import { FRAME, FRAME_HEADER_BYTES } from '../../../src/engine/replication/frames.js';
import { encodeHello, NODE_ID_BYTES, NONCE_BYTES } from '../../../src/engine/replication/handshake.js';
import { answersFor, storeMany } from '../../helpers/bulk.js';
import { withCabledPair } from '../../helpers/cabled-pair.js';
import { withPair } from '../../helpers/engine.js';

const SOON = { timeout: 10_000, interval: 10 };
/** More than the change log has room for with -m 64, which is 65,536, and all the sockets on the way. */
const KEYS = 250_000;
const OVERFLOW = /more changes than the change log holds: comparing all that both nodes have/;
const OTHER_VERSION =
  /it speaks another version of the replication protocol: run the same release on both nodes/g;

describe.each([1, 4])('a peer that is slow, -t %s', (threads) => {
  it('holds up nobody: the log overflows, in one line, and what differs follows', {
    timeout: 60_000,
  }, async () => {
    await withCabledPair(['-m', '64', '-t', String(threads)], async (pair) => {
      const { a, b } = pair;
      const logBytes = [a, b].map((node) => node.process.log.length);
      pair.slow();
      await storeMany(a.port, 0, KEYS);
      await a.process.waitForLog(OVERFLOW);
      expect((await answersFor(a.port, 0, 1_000)).hits).toBe(1_000);
      await pair.join();
      expect(a.process.log.split(OVERFLOW)).toHaveLength(2);
      for (const [at, node] of [a, b].entries())
        expect(node.process.log.slice(logBytes[at])).not.toContain('link down');
      const [fromA, fromB] = await Promise.all(
        [a, b].map((node) => answersFor(node.port, 0, KEYS, { cas: true })),
      );
      expect(fromA.hits).toBe(KEYS);
      expect(fromB).toEqual(fromA);
    });
  });
});

/** What a node of a later release says first. */
function laterHello(): Uint8Array {
  const writer = new FrameWriter();
  writer.bytesFrame(
    FRAME.hello,
    encodeHello({
      nodeId: new Uint8Array(NODE_ID_BYTES).fill(7),
      pairId: '',
      hasSecret: false,
      nonce: new Uint8Array(NONCE_BYTES),
      nowMs: Date.now(),
      clockMs: Date.now(),
      maxItemBytes: 1_048_576,
    }),
  );
  // The version follows the magic number.
  writer.buffer[FRAME_HEADER_BYTES + 4] += 1;
  return writer.bytes;
}

describe('a peer of another protocol version', () => {
  it('that dials is refused in one line, however often it comes', async () => {
    await withPair(async ({ a }) => {
      for (let count = 0; count < 5; count += 1) {
        const socket = connect({ port: a.replicationPort, host: '127.0.0.1' });
        socket.on('error', () => {}).resume();
        socket.write(laterHello());
        await once(socket, 'close');
      }
      await vi.waitFor(() => expect(a.process.log.match(OTHER_VERSION)).toHaveLength(1), SOON);
      expect(a.process.log).toMatch(/refused a connection from 127\.0\.0\.1:\d+: it speaks another version/);
      const client = await a.connect();
      expect((await client.stats('replication')).get('repl_state')).toBe('synced');
    });
  });

  it('that is dialled is refused in one line, tried again, and waited for no longer than any', async () => {
    await withPair(
      async ({ a, b }) => {
        let calls = 0;
        const other = createServer((socket) => {
          calls += 1;
          socket.on('error', () => {}).resume();
          socket.write(laterHello());
        });
        other.listen(b.replicationPort, '127.0.0.1');
        await once(other, 'listening');
        try {
          a.flags = [...a.flags, '--repl-ready-timeout', '1'];
          await a.start();
          expect(a.process.log).toContain('serving without the data of the peer');
          const before = calls;
          await vi.waitFor(() => expect(calls).toBeGreaterThan(before + 1), SOON);
          expect(a.process.log.match(OTHER_VERSION)).toHaveLength(1);
          expect(a.process.log).toMatch(/refused the peer from 127\.0\.0\.1:\d+: it speaks another version/);
          expect(await (await a.connect()).set('k', 'v')).toBe('STORED');
        } finally {
          other.close();
        }
      },
      { start: false },
    );
  });
});
