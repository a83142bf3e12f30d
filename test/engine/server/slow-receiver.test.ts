// A node that takes in a copy more slowly than its peer sends it: whatever else it has to do gets its turn all the same.
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { runWithBun } from '../../helpers/bun.js';

const SENT_BYTES = 64 * 2 ** 20;
const CHUNK_BYTES = 2 ** 18;

it('hears no more of its peer in one turn than one chunk', { timeout: 60_000 }, async () => {
  const sender = createServer((socket) => void send(socket));
  await once(sender.listen(0, '127.0.0.1'), 'listening');
  try {
    const { port } = sender.address() as AddressInfo;
    const program = fileURLToPath(new URL('slow-receiver.ts', import.meta.url));
    const { total, most } = JSON.parse(await runWithBun(program, [String(port)], 20_000));
    expect(total).toBe(SENT_BYTES);
    expect(most).toBeLessThan(524_288);
  } finally {
    sender.close();
  }
});

async function send(socket: Socket): Promise<void> {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  for (let sent = 0; sent < SENT_BYTES; sent += CHUNK_BYTES) {
    if (!socket.write(chunk)) await once(socket, 'drain');
  }
  socket.end();
}
