// Clients that write as fast as they are answered, each its own keys, and remember what was acknowledged.
import { TextClient } from '../../helpers/text-client.js';

const KEYS = 20;
const REPLIES_PER_BATCH = 8;
const DIGITS = 8;
const NO_PEER = 'SERVER_ERROR no peer in sync';

/** One client. Its values only grow, so that whoever holds a lower one than was acknowledged has lost a write. */
class Writer {
  readonly acknowledged = new Map<string, number>();
  writes = 0;
  readonly ended: Promise<void>;
  readonly #client: TextClient;
  readonly #name: string;
  readonly #padding: string;
  #isStopping = false;

  constructor(client: TextClient, name: string, valueBytes: number) {
    this.#client = client;
    this.#name = name;
    this.#padding = '.'.repeat(valueBytes - DIGITS);
    this.ended = this.#write();
  }

  /** Has the last batch answered, then leaves. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.ended;
  }

  async #write(): Promise<void> {
    for (let value = 1; !this.#isStopping; value += REPLIES_PER_BATCH) {
      const batch = Array.from({ length: REPLIES_PER_BATCH }, (_, at) => value + at);
      this.#client.send(batch.map((each) => this.#setting(each)).join(''));
      for (const each of batch) {
        // The node died, or does not know, or refuses: nobody was promised anything.
        const reply = await this.#client.readLine().catch(() => undefined);
        if (reply === undefined || reply === NO_PEER) {
          this.#client.close();
          return;
        }
        if (reply !== 'STORED') throw new Error(`${this.#keyOf(each)}: ${reply}`);
        this.acknowledged.set(this.#keyOf(each), each);
        this.writes += 1;
      }
    }
    this.#client.close();
  }

  #setting(value: number): string {
    const digits = String(value).padStart(DIGITS, '0');
    return `set ${this.#keyOf(value)} 0 0 ${DIGITS + this.#padding.length}\r\n${digits}${this.#padding}\r\n`;
  }

  #keyOf(value: number): string {
    return `${this.#name}:${value % KEYS}`;
  }
}

export class AcknowledgedWriters {
  readonly #writers: Writer[];

  private constructor(writers: Writer[]) {
    this.#writers = writers;
  }

  /** @param name no two may have the same in one pair's life: their keys would be */
  static async start(
    port: number,
    name: string,
    { count, valueBytes = DIGITS }: { count: number; valueBytes?: number },
  ): Promise<AcknowledgedWriters> {
    const clients = await Promise.all(Array.from({ length: count }, () => TextClient.connect(port)));
    return new AcknowledgedWriters(
      clients.map((client, at) => new Writer(client, `${name}-${at}`, valueBytes)),
    );
  }

  /** How many writes were acknowledged so far. */
  get writes(): number {
    return this.#writers.reduce((sum, { writes }) => sum + writes, 0);
  }

  /** Resolves once the node has ended their connections, or refuses their writes for want of a peer. */
  async ended(): Promise<void> {
    await Promise.all(this.#writers.map(({ ended }) => ended));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#writers.map((writer) => writer.stop()));
  }

  /** What was acknowledged as it was asked, and a node does not have. */
  async lostOn(client: TextClient, promised = this.promised()): Promise<string[]> {
    const lost: string[] = [];
    for (const writes of promised) {
      const items = await client.getMany([...writes.keys()]);
      for (const [key, value] of writes) {
        const held = Number(items.get(key)?.value.toString('latin1', 0, DIGITS) ?? 0);
        if (held < value) lost.push(`${key}: ${value} was acknowledged, ${held} is there`);
      }
    }
    return lost;
  }

  /** What is acknowledged now. */
  promised(): Map<string, number>[] {
    return this.#writers.map(({ acknowledged }) => new Map(acknowledged)).filter(({ size }) => size > 0);
  }
}
