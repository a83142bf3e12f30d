// A pair that replicates perfectly, made of one memcached behind two doors: each node is a relay to the same server.
// What a drill does to a node, and what may go wrong then, is a matter of opening, closing and redirecting its door.
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { OpenPair } from '../../../src/pair/open-pair.js';
import type { NodeName } from '../../../src/pair/types.js';
import { withMemcached } from './memcached.js';
import { testPair } from './test-pair.js';

const STATS_REPLICATION = 'stats replication\r\n';

export class Door {
  port = 0;
  /** Where it leads. */
  target: number;
  replicationState = 'synced';
  /** Keys of every `set` that came through, in order. */
  readonly keysSet: string[] = [];
  /** Connections that were open at once at most. */
  mostConnections = 0;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  constructor(target: number) {
    this.target = target;
  }

  get connections(): number {
    return this.#sockets.size / 2;
  }

  get isOpen(): boolean {
    return this.#server !== undefined;
  }

  /** Always on the port it had at first. */
  async open(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer((socket) => this.#relay(socket));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(this.port, '127.0.0.1', resolve);
    });
    this.port = (server.address() as { port: number }).port;
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #relay(socket: Socket): void {
    const upstream = connect({ host: '127.0.0.1', port: this.target });
    for (const [one, other] of [
      [socket, upstream],
      [upstream, socket],
    ]) {
      this.#sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
    this.mostConnections = Math.max(this.mostConnections, this.connections);
    upstream.pipe(socket);
    socket.on('data', (chunk: Buffer) => {
      const text = chunk.toString('latin1');
      for (const [, key] of text.matchAll(/^set (\S+) /gm)) this.keysSet.push(key);
      if (text === STATS_REPLICATION) socket.write(`STAT repl_state ${this.replicationState}\r\nEND\r\n`);
      else upstream.write(chunk);
    });
  }
}

export interface TwinPair {
  pair: OpenPair;
  doors: Record<NodeName, Door>;
  /** The memcached behind both doors, and an empty one. */
  shared: number;
  empty: number;
  /** What the drill asked of the services, such as `crash b`. */
  calls: string[];
}

export interface TwinFaults {
  /** Instead of closing the door. */
  crash?: (twin: TwinPair, node: NodeName) => Promise<void>;
  /** Instead of opening it. */
  recover?: (twin: TwinPair, node: NodeName) => Promise<void>;
}

export async function withTwinPair(
  faults: TwinFaults,
  callback: (twin: TwinPair) => Promise<void>,
): Promise<void> {
  await withMemcached([[], []], async (shared, empty) => {
    const doors = { a: new Door(shared), b: new Door(shared) };
    await doors.a.open();
    await doors.b.open();
    const calls: string[] = [];
    const serviceOf = (node: NodeName) => ({
      port: doors[node].port,
      crash: async () => {
        calls.push(`crash ${node}`);
        await (faults.crash === undefined ? doors[node].close() : faults.crash(twin, node));
      },
      recover: async () => {
        calls.push(`recover ${node}`);
        await (faults.recover === undefined ? doors[node].open() : faults.recover(twin, node));
      },
    });
    const pair = testPair({ a: serviceOf('a'), b: serviceOf('b') });
    const twin: TwinPair = { pair, doors, shared, empty, calls };
    try {
      await callback(twin);
    } finally {
      await Promise.all([doors.a.close(), doors.b.close()]);
    }
  });
}
