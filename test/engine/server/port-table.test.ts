// What the kernel says of ports, on real listeners.
import { createServer, type Server } from 'node:net';
import { describe, expect, it } from 'vitest';
import { isListenedOn } from '../../../src/engine/server/port-table.js';
import { freePort } from '../../helpers/free-port.js';

async function listen(host: string, port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  return server;
}

describe('isListenedOn', () => {
  it.each(['127.0.0.1', '0.0.0.0', '::1', '::'])('sees a listener on %s, and its end', async (host) => {
    const port = await freePort();
    expect(isListenedOn(port)).toBe(false);
    const server = await listen(host, port);
    expect(isListenedOn(port)).toBe(true);
    await new Promise((resolve) => server.close(resolve));
    expect(isListenedOn(port)).toBe(false);
  });
});
