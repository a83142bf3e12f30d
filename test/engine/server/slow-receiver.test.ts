// A node that takes in a copy more slowly than its peer sends it: whatever else it has to do gets its turn all the same.
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { runWithBun } from '../../helpers/bun.js';
import { freePort } from '../../helpers/free-port.js';

const SENT_BYTES = 64 * 2 ** 20;
const CHUNK_BYTES = 2 ** 18;

it('hears no more of its peer in one turn than one chunk', { timeout: 60_000 }, async () => {
  const port = await freePort();
  const program = fileURLToPath(new URL('slow-receiver.ts', import.meta.url));
  const [printed] = await Promise.all([runWithBun(program, [String(port)], 20_000), send(port)]);
  const { total, most } = JSON.parse(printed);
  expect(total).toBe(SENT_BYTES);
  expect(most).toBeLessThan(524_288);
});

async function send(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isThere = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    if (!isThere) {
      await sleep(20);
      continue;
    }
    const chunk = Buffer.alloc(CHUNK_BYTES);
    for (let sent = 0; sent < SENT_BYTES; sent += CHUNK_BYTES) {
      if (!socket.write(chunk)) await once(socket, 'drain');
    }
    socket.end();
    await once(socket, 'close');
    return;
  }
}
