// The same binary requests to a real memcached and to ours: the same answer to the byte, uniques apart.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import getPort from 'get-port';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newStore } from '../../store/new-store.js';
import { BytesTalk } from './binary-talk.js';
import { CASES } from './cases.js';
import { packet } from './packets.js';

const PROGRAM = 'memcached';
const isInstalled = spawnSync(PROGRAM, ['-V']).status === 0;
const START_LIMIT_MS = 10_000;
const FENCE = packet({ opcode: 0x0a, opaque: 0x46454e43 });
/** The answer to the fence: nothing that a test says has this opaque value. */
const FENCE_ANSWER = Buffer.from(FENCE);
FENCE_ANSWER[0] = 0x81;

async function dial(port: number): Promise<Socket> {
  const deadline = Date.now() + START_LIMIT_MS;
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return socket;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Says all of it and a fence; hears until the fence is answered or the connection closes. */
async function askReal(port: number, said: Buffer): Promise<{ heard: Buffer; closes: boolean }> {
  const socket = await dial(port);
  let heard = Buffer.alloc(0);
  socket.write(Buffer.concat([said, FENCE]));
  try {
    for await (const bytes of socket) {
      heard = Buffer.concat([heard, bytes]);
      if (heard.subarray(-FENCE_ANSWER.length).equals(FENCE_ANSWER)) return { heard, closes: false };
    }
  } catch (error) {
    // It closes with our fence unread, which resets the connection; what it said before has come in.
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
  }
  return { heard, closes: true };
}

/** Sets every unique but 0 to 1: they are the servers' own. */
function withoutUniques(replies: Buffer): string {
  const bytes = Buffer.from(replies);
  for (let at = 0; at + 24 <= bytes.length; at += 24 + bytes.readUInt32BE(at + 8)) {
    if (bytes.readBigUInt64BE(at + 16) !== 0n) bytes.writeBigUInt64BE(1n, at + 16);
  }
  return bytes.toString('hex');
}

describe.skipIf(!isInstalled)('beside a real memcached (skipped when memcached is not installed)', () => {
  let server: ChildProcess;
  let port = 0;

  beforeAll(async () => {
    port = await getPort({ host: '127.0.0.1' });
    const flags = ['-u', 'root', '-l', '127.0.0.1', '-p', String(port), '-U', '0', '-m', '64', '-t', '1'];
    server = spawn(PROGRAM, flags, { stdio: 'ignore' });
    (await dial(port)).destroy();
  });

  afterAll(async () => {
    if (server.exitCode !== null || !server.kill()) return;
    await once(server, 'exit');
  });

  it.each(CASES.filter(({ oursAlone }) => oursAlone === undefined))(
    '$name',
    async ({ said, closes = false }) => {
      await askReal(port, packet({ opcode: 0x08 }));
      const bytes = Buffer.concat(said);
      const real = await askReal(port, bytes);
      const store = newStore({ memoryBytes: 64 * 1024 * 1024 });
      store.setNow(Date.now());
      const talk = new BytesTalk(store);
      const ours = talk.say(Buffer.concat([bytes, FENCE]));
      expect(withoutUniques(ours)).toBe(withoutUniques(real.heard));
      expect({ real: real.closes, ours: talk.session.closing }).toEqual({ real: closes, ours: closes });
    },
  );
});
