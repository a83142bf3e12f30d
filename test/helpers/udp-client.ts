// A memcached client by UDP for tests: frames requests, gathers replies, and shows the datagrams as they came.
import { createSocket, type Socket } from 'node:dgram';

const HEADER_BYTES = 8;
const REPLY_TIMEOUT_MS = 5_000;

export interface Datagram {
  readonly id: number;
  readonly sequence: number;
  readonly total: number;
  readonly payload: Buffer;
}

export class UdpClient {
  readonly datagrams: Datagram[] = [];
  readonly #socket: Socket;
  readonly #port: number;
  #wake: () => void = () => {};

  private constructor(socket: Socket, port: number) {
    this.#socket = socket;
    this.#port = port;
    socket.on('message', (bytes) => {
      this.datagrams.push({
        id: bytes.readUInt16BE(0),
        sequence: bytes.readUInt16BE(2),
        total: bytes.readUInt16BE(4),
        payload: bytes.subarray(HEADER_BYTES),
      });
      this.#wake();
    });
  }

  static async open(port: number): Promise<UdpClient> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    return new UdpClient(socket, port);
  }

  /** Sends bytes as they are, header and all. */
  async sendRaw(bytes: Uint8Array): Promise<void> {
    await new Promise((resolve) => this.#socket.send(bytes, this.#port, '127.0.0.1', resolve));
  }

  async send(id: number, request: string, { sequence = 0, total = 1 } = {}): Promise<void> {
    const bytes = Buffer.alloc(HEADER_BYTES + Buffer.byteLength(request, 'latin1'));
    bytes.writeUInt16BE(id, 0);
    bytes.writeUInt16BE(sequence, 2);
    bytes.writeUInt16BE(total, 4);
    bytes.write(request, HEADER_BYTES, 'latin1');
    await this.sendRaw(bytes);
  }

  /** Sends a request and puts its reply together. */
  async ask(id: number, request: string): Promise<string> {
    await this.send(id, request);
    return await this.replyTo(id);
  }

  async replyTo(id: number): Promise<string> {
    const deadline = Date.now() + REPLY_TIMEOUT_MS;
    for (;;) {
      const parts = this.datagrams.filter((datagram) => datagram.id === id);
      if (parts.length > 0 && parts.length === parts[0].total) {
        parts.sort((one, other) => one.sequence - other.sequence);
        return Buffer.concat(parts.map(({ payload }) => payload)).toString('latin1');
      }
      const leftMs = deadline - Date.now();
      if (leftMs <= 0) {
        throw new Error(`no whole reply to ${id}: ${parts.length} of ${parts[0]?.total ?? '?'} datagrams`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  close(): void {
    this.#socket.close();
  }
}
