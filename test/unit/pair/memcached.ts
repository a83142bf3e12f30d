// A real memcached for tests, on a free loopback port, stopped again whatever the test does.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { MemcachedClient } from '../../../src/pair/client/client.js';
import { freePort } from '../../helpers/free-port.js';

const MEMCACHED = '/usr/bin/memcached';

/** Tests that need it are skipped by name where it is not installed. */
export const hasMemcached = existsSync(MEMCACHED);

const START_TIMEOUT_MS = 5000;

/** Starts one server for each flag list, hands their ports to the callback, and stops them. */
export async function withMemcached(
  servers: readonly (readonly string[])[],
  callback: (...ports: number[]) => Promise<void>,
): Promise<void> {
  const started: (() => Promise<void>)[] = [];
  try {
    const ports: number[] = [];
    for (const flags of servers) {
      const port = await freePort();
      const user = process.getuid?.() === 0 ? ['-u', 'root'] : [];
      const child = spawn(MEMCACHED, [
        '-l',
        '127.0.0.1',
        '-p',
        String(port),
        '-U',
        '0',
        '-t',
        '1',
        ...user,
        ...flags,
      ]);
      const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
      started.push(() => {
        child.kill('SIGKILL');
        return ended;
      });
      (await openSocket(port)).destroy();
      ports.push(port);
    }
    await callback(...ports);
  } finally {
    await Promise.all(started.map((stop) => stop()));
  }
}

/** A client of its own for one port, closed afterwards. */
export async function withClient(
  port: number,
  callback: (client: MemcachedClient) => Promise<void>,
): Promise<void> {
  const client = new MemcachedClient(await openSocket(port), { label: `test (127.0.0.1:${port})` });
  try {
    await callback(client);
  } finally {
    client.close();
  }
}

/** Tries until the server listens. */
export async function openSocket(port: number): Promise<Socket> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const socket = connect({ host: '127.0.0.1', port });
    const opened = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    if (opened) return socket;
    if (Date.now() > deadline) throw new Error(`nothing listens on port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
