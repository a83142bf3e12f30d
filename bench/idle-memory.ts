// Memory that nobody uses: of an empty node, and of connections that ask nothing.
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { placementFor } from './cpus.js';
import { BenchServer, type Contestant } from './server.js';

export interface IdleMemory {
  readonly emptyBytes: number;
  readonly connections: number;
  readonly connectionBytes: number;
}

const THREADS = 4;
const MEMORY_MB = 64;
/** As many connects at once; the listeners' backlog is 512. */
const CONNECTS_AT_ONCE = 100;
/** What a process frees after the last request, it frees within this time. */
const SETTLE_MS = 3000;
const QUICK_SETTLE_MS = 100;
const END = 'END\r\n';

/** Resident memory of the empty server with -t 4, and its growth by each connection that asked once and then rests. */
export async function measureIdleMemory(
  contestant: Contestant,
  connections: number,
  isQuick: boolean,
): Promise<IdleMemory> {
  const settleMs = isQuick ? QUICK_SETTLE_MS : SETTLE_MS;
  const server = await BenchServer.start(contestant, {
    threads: THREADS,
    memoryMb: MEMORY_MB,
    connections: connections + 100,
    cpus: placementFor(THREADS).server,
  });
  const sockets: Socket[] = [];
  try {
    await sleep(settleMs);
    const emptyBytes = server.residentBytes();
    while (sockets.length < connections) {
      const count = Math.min(CONNECTS_AT_ONCE, connections - sockets.length);
      sockets.push(...(await Promise.all(Array.from({ length: count }, () => openAndAsk(server.port)))));
    }
    await sleep(settleMs);
    const connectionBytes = (server.residentBytes() - emptyBytes) / connections;
    return { emptyBytes, connections, connectionBytes };
  } finally {
    for (const socket of sockets) socket.destroy();
    await server.stop();
  }
}

function openAndAsk(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('error', reject);
    socket.once('connect', () => socket.write('get nothing-has-this-key\r\n'));
    socket.once('data', (reply) => {
      if (reply.toString('latin1') === END) resolve(socket);
      else reject(new Error(`a get of a key that is not there was answered with ${JSON.stringify(reply)}`));
    });
  });
}
