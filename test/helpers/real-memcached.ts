// A real memcached for comparisons, where one is installed.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { freePort } from './free-port.js';

const PROGRAM = 'memcached';
const START_LIMIT_MS = 10_000;

export const isMemcachedInstalled = spawnSync(PROGRAM, ['-V']).status === 0;

export interface RealMemcached {
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts one on a free loopback port, and waits until it serves. */
export async function startMemcached(...flags: string[]): Promise<RealMemcached> {
  const port = await freePort();
  const place = ['-u', 'root', '-l', '127.0.0.1', '-p', String(port), '-U', '0', '-m', '64', '-t', '1'];
  const server = spawn(PROGRAM, [...place, ...flags], { stdio: 'ignore' });
  (await dialWhenReady(port)).destroy();
  return {
    port,
    async stop() {
      if (server.exitCode !== null || !server.kill()) return;
      await once(server, 'exit');
    },
  };
}

/** Says all of it; hears until `isEnough` or the connection closes. */
export async function askMemcached(
  port: number,
  said: Uint8Array,
  isEnough: (heard: Buffer) => boolean,
): Promise<{ heard: Buffer; closes: boolean }> {
  const socket = connect(port, '127.0.0.1');
  socket.write(said);
  let heard = Buffer.alloc(0);
  try {
    for await (const bytes of socket) {
      heard = Buffer.concat([heard, bytes]);
      if (isEnough(heard)) return { heard, closes: false };
    }
  } catch (error) {
    // It closes with some of ours unread, which resets the connection; what it said before has come in.
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
  }
  return { heard, closes: true };
}

async function dialWhenReady(port: number): Promise<Socket> {
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
