// A memcached client for tests: the classic text protocol over one socket, replies matched to requests by order.
import { connect, type Socket } from 'node:net';

const READ_TIMEOUT_MS = 10_000;
/** A host that is off does not even refuse. */
const CONNECT_TIMEOUT_MS = 5_000;

export class TextClient {
  readonly #socket: Socket;
  #chunks: Buffer[] = [];
  #isClosed = false;
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.#chunks.push(chunk);
      this.#wake();
    });
    socket.on('close', () => {
      this.#isClosed = true;
      this.#wake();
    });
    // A reset shows as a close to whoever reads.
    socket.on('error', () => {});
  }

  /** @throws the system's error, with its code, when nobody listens */
  static connect(port: number, host = '127.0.0.1'): Promise<TextClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host, noDelay: true });
      const timer = setTimeout(
        () => socket.destroy(new Error(`${host}:${port} does not answer`)),
        CONNECT_TIMEOUT_MS,
      );
      socket.once('close', () => clearTimeout(timer));
      socket.once('error', reject);
      socket.once('connect', () => {
        clearTimeout(timer);
        socket.off('error', reject);
        resolve(new TextClient(socket));
      });
    });
  }

  /** What came and was not read yet; joined only when looked at, so that long replies cost no copies. */
  get #received(): Buffer {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0];
  }

  set #received(rest: Buffer) {
    this.#chunks = [rest];
  }

  /** The socket, for tests that pause it or close it half. */
  get socket(): Socket {
    return this.#socket;
  }

  send(bytes: string | Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Sends a line and reads the line that answers it. */
  async command(line: string): Promise<string> {
    this.send(`${line}\r\n`);
    return await this.readLine();
  }

  /** @returns the reply line of a `set` */
  async set(key: string, value: string | Buffer, { flags = 0, exptime = 0 } = {}): Promise<string> {
    const bytes = Buffer.from(value);
    this.send(
      Buffer.concat([
        Buffer.from(`set ${key} ${flags} ${exptime} ${bytes.length}\r\n`),
        bytes,
        Buffer.from('\r\n'),
      ]),
    );
    return await this.readLine();
  }

  async get(key: string): Promise<string | undefined> {
    return (await this.getItem(key))?.value.toString();
  }

  async getItem(key: string): Promise<Item | undefined> {
    return (await this.getMany([key])).get(key);
  }

  /** One `gets` of all keys. */
  async getMany(keys: readonly string[]): Promise<Map<string, Item>> {
    this.send(`gets ${keys.join(' ')}\r\n`);
    return await this.readItems();
  }

  /** Reads `VALUE` blocks up to `END`. */
  async readItems(): Promise<Map<string, Item>> {
    const items = new Map<string, Item>();
    for (let line = await this.readLine(); line !== 'END'; line = await this.readLine()) {
      const [word, key, flags, length, cas] = line.split(' ');
      if (word !== 'VALUE') throw new Error(`expected VALUE or END, got "${line}"`);
      const value = await this.readBytes(Number(length) + 2);
      items.set(key, { value: value.subarray(0, -2), flags: Number(flags), cas });
    }
    return items;
  }

  /** @param group such as `replication`; none for the general ones */
  async stats(group = ''): Promise<Map<string, string>> {
    this.send(`${`stats ${group}`.trim()}\r\n`);
    const stats = new Map<string, string>();
    for (let line = await this.readLine(); line !== 'END'; line = await this.readLine()) {
      const [, key, ...value] = line.split(' ');
      stats.set(key, value.join(' '));
    }
    return stats;
  }

  /** @returns the next line without its end */
  async readLine(): Promise<string> {
    await this.#until(() => this.#received.includes('\r\n'), 'a line');
    const end = this.#received.indexOf('\r\n');
    const line = this.#received.toString('latin1', 0, end);
    this.#received = this.#received.subarray(end + 2);
    return line;
  }

  /** Reads until the server closes, and returns all that came. */
  async readToEnd(): Promise<string> {
    await this.#until(
      () => this.#isClosed,
      'the end of the connection',
      () => false,
    );
    return this.#received.toString('latin1');
  }

  close(): void {
    this.#socket.destroy();
  }

  async readBytes(sizeBytes: number): Promise<Buffer> {
    const isThere = (): boolean => this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0) >= sizeBytes;
    await this.#until(isThere, `${sizeBytes} bytes`);
    const bytes = this.#received.subarray(0, sizeBytes);
    this.#received = this.#received.subarray(sizeBytes);
    return bytes;
  }

  #got(): string {
    return `got ${JSON.stringify(this.#received.toString('latin1', 0, 100))}`;
  }

  async #until(
    isThere: () => boolean,
    what: string,
    isHopeless = (): boolean => this.#isClosed,
  ): Promise<void> {
    const deadline = Date.now() + READ_TIMEOUT_MS;
    while (!isThere()) {
      if (isHopeless()) throw new Error(`the server closed the connection before ${what}; ${this.#got()}`);
      const leftMs = deadline - Date.now();
      if (leftMs <= 0) throw new Error(`no ${what} within ${READ_TIMEOUT_MS} ms; ${this.#got()}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

export interface Item {
  readonly value: Buffer;
  readonly flags: number;
  /** Decimal, as it may pass 2^53. */
  readonly cas: string;
}
