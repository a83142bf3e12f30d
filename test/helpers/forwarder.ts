// The cable between two nodes: a TCP forwarder that can be cut, be slow, or hold back what is under way as a half-open
// link does.
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Transform, type TransformCallback } from 'node:stream';

/** With chunks of 64 KB at most, about a megabyte a second passes. */
const SLOW_CHUNK_MS = 60;

/**
 * - `whole`: bytes pass.
 * - `slow`: bytes pass, a megabyte a second at most in either direction.
 * - `cut`: connections are reset, new ones as well.
 * - `stalled`: nothing passes and nobody is told; what was sent meanwhile arrives late, once the cable is whole again.
 */
export type CableState = 'whole' | 'slow' | 'cut' | 'stalled';

export class Forwarder {
  readonly port: number;
  readonly #server: Server;
  readonly #targetPort: number;
  readonly #sockets = new Set<Socket>();
  /** Those that came while the cable was stalled; they get their other half later. */
  readonly #waiting = new Set<Socket>();
  #state: CableState = 'whole';

  private constructor(server: Server, port: number, targetPort: number) {
    this.#server = server;
    this.port = port;
    this.#targetPort = targetPort;
    server.on('connection', (socket) => this.#take(socket));
  }

  static async start(targetPort: number): Promise<Forwarder> {
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
    const port = await new Promise<number>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        if (address === null || typeof address === 'string') reject(new Error('the forwarder has no port'));
        else resolve(address.port);
      });
    });
    return new Forwarder(server, port, targetPort);
  }

  set state(state: CableState) {
    this.#state = state;
    if (state === 'cut') for (const socket of this.#sockets) socket.resetAndDestroy();
    if (state === 'stalled') for (const socket of this.#sockets) socket.pause();
    if (state === 'cut' || state === 'stalled') return;
    for (const socket of this.#sockets) socket.resume();
    for (const socket of this.#waiting) this.#join(socket);
    this.#waiting.clear();
  }

  async close(): Promise<void> {
    this.state = 'cut';
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #take(socket: Socket): void {
    this.#keep(socket);
    if (this.#state === 'cut') socket.resetAndDestroy();
    else if (this.#state === 'stalled') this.#waiting.add(socket);
    else this.#join(socket);
  }

  #join(near: Socket): void {
    const far = connect({ port: this.#targetPort, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    this.#keep(far);
    near.setNoDelay(true);
    near.pipe(this.#brake()).pipe(far);
    far.pipe(this.#brake()).pipe(near);
    // Nobody listens, or somebody was killed: the other side learns of it as from a host that is up.
    far.on('close', () => near.destroy());
    near.on('close', () => far.destroy());
  }

  /** Lets a chunk pass after the other. */
  #brake(): Transform {
    return new Transform({
      transform: (chunk: Buffer, _encoding, done: TransformCallback) => {
        if (this.#state === 'slow') setTimeout(done, SLOW_CHUNK_MS, null, chunk);
        else done(null, chunk);
      },
    });
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#waiting.delete(socket);
    });
  }
}
