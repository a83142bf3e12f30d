// A client for replaying traces: many requests in one write, and which of the reads were hits.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Request } from './traces.js';

const LF = 0x0a;
const VALUE = 0x56; // V
const END = 0x45; // E
const SPACE = 0x20;
const FILLING = Buffer.alloc(1 << 20, 'v');

export class CacheClient {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #sending: Buffer[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async connect(port: number): Promise<CacheClient> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    await once(socket, 'connect');
    return new CacheClient(socket);
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Carries out the requests, and writes what reads missed. @returns for each request whether it was a hit */
  async run(requests: readonly Request[]): Promise<Uint8Array> {
    const hits = new Uint8Array(requests.length);
    const reads: number[] = [];
    for (const [at, request] of requests.entries()) {
      if (request.kind === 'write') this.store(request.key, request.valueBytes, request.ttlSec);
      else if (request.kind === 'touch') this.#say(`touch ${request.key} ${request.ttlSec} noreply\r\n`);
      else {
        this.#say(`get ${request.key}\r\n`);
        reads.push(at);
      }
    }
    await this.#readAnswers(reads, hits);
    for (const at of reads) {
      const { key, valueBytes, ttlSec } = requests[at];
      // Sent along with the next requests, which the server answers after it.
      if (hits[at] === 0) this.store(key, valueBytes, ttlSec);
    }
    return hits;
  }

  /** Stores a value, without asking whether that succeeded. Sent with what is sent next. */
  store(key: string, valueBytes: number, ttlSec: number): void {
    this.#say(`set ${key} 0 ${ttlSec} ${valueBytes} noreply\r\n`);
    this.#sending.push(FILLING.subarray(0, valueBytes));
    this.#say('\r\n');
  }

  async has(key: string): Promise<boolean> {
    const hits = new Uint8Array(1);
    this.#say(`get ${key}\r\n`);
    await this.#readAnswers([0], hits);
    return hits[0] === 1;
  }

  /** Sends what was not sent yet, and waits until the server has done it all. */
  async settle(): Promise<void> {
    await this.has('settle');
  }

  /** A figure of `stats`. */
  async stat(name: string): Promise<number> {
    await this.settle();
    this.#say('stats\r\n');
    this.#flush();
    while (!this.#received.includes('END\r\n')) await this.#more();
    const text = this.#received.toString('latin1');
    this.#received = Buffer.alloc(0);
    return Number(new RegExp(`^STAT ${name} (\\S+)\r$`, 'm').exec(text)?.[1]);
  }

  #say(text: string): void {
    this.#sending.push(Buffer.from(text, 'latin1'));
  }

  #flush(): void {
    this.#socket.write(Buffer.concat(this.#sending));
    this.#sending = [];
  }

  async #readAnswers(reads: readonly number[], hits: Uint8Array): Promise<void> {
    this.#flush();
    let next = 0;
    let at = 0;
    while (next < reads.length) {
      const lineEnd = this.#received.indexOf(LF, at);
      const end = lineEnd < 0 ? -1 : this.#answerEnd(at, lineEnd);
      if (end < 0 || end > this.#received.length) {
        this.#received = this.#received.subarray(at);
        at = 0;
        await this.#more();
        continue;
      }
      if (this.#received[at] === VALUE) hits[reads[next]] = 1;
      else next++;
      at = end;
    }
    this.#received = this.#received.subarray(at);
  }

  /** Where an END line ends, or a VALUE line together with its value. */
  #answerEnd(start: number, lineEnd: number): number {
    const first = this.#received[start];
    if (first === END) return lineEnd + 1;
    if (first !== VALUE) {
      throw new Error(`unexpected answer: ${this.#received.toString('latin1', start, lineEnd)}`);
    }
    const lengthAt = this.#received.lastIndexOf(SPACE, lineEnd) + 1;
    return lineEnd + 1 + Number(this.#received.toString('latin1', lengthAt, lineEnd - 1)) + 2;
  }

  async #more(): Promise<void> {
    const [chunk] = (await once(this.#socket, 'data')) as [Buffer];
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
  }
}
