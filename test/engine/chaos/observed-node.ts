// A node as its clients know it: where it is, whose memory it has, what it holds.
import { setTimeout as sleep } from 'node:timers/promises';
import { TextClient } from '../../helpers/text-client.js';
import { type Contents, type Held, type History, Incarnation } from './history.js';
import { KEYS, type Target } from './writer.js';

const KEYS_PER_BATCH = 100;
const POLL_MS = 20;
/** Back-off is 2 s at most, silence 3 s, and a test machine may be busy. */
const SYNC_TIMEOUT_MS = 25_000;

export class ObservedNode implements Target {
  freezes = 0;
  incarnation = new Incarnation();
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly history: History;

  constructor(name: string, { host, port }: { host: string; port: number }, history: History) {
    this.name = name;
    this.host = host;
    this.port = port;
    this.history = history;
  }

  connect(): Promise<TextClient> {
    return TextClient.connect(this.port, this.host);
  }

  /** The peer has all that this one was told until now. */
  handOver(peer: ObservedNode): void {
    this.history.handedOver(this.history.mark(), this.incarnation, peer.incarnation);
  }

  /** The process is gone, and what was only in its memory. */
  loseMemory(): void {
    this.incarnation.isLost = true;
    this.incarnation = new Incarnation();
  }

  /** Waits until both have all of each other, and notes that they do. */
  async settle(peer: ObservedNode): Promise<void> {
    const nodes = [this, peer];
    const clients = await Promise.all(nodes.map((node) => node.#connectOnceItServes()));
    const marks = nodes.map((node) => node.history.mark());
    try {
      const heads = await Promise.all(clients.map((client) => figure(client, 'repl_log_seq')));
      await waitFor(async () => {
        const all = await Promise.all(clients.map((client) => client.stats('replication')));
        return all.every(
          (stats, at) =>
            stats.get('repl_state') === 'synced' && Number(stats.get('repl_acked_seq')) >= heads[at],
        );
      }, 'both nodes to be in sync');
      this.history.handedOver(marks[0], this.incarnation, peer.incarnation);
      this.history.handedOver(marks[1], peer.incarnation, this.incarnation);
    } finally {
      for (const client of clients) client.close();
    }
  }

  async #connectOnceItServes(): Promise<TextClient> {
    let client: TextClient | undefined;
    await waitFor(async () => {
      client = await this.connect().catch(() => undefined);
      return client !== undefined;
    }, `${this.name} to serve`);
    if (client === undefined) throw new Error(`${this.name} does not serve`);
    return client;
  }

  async flush(): Promise<void> {
    const client = await this.connect();
    const lowest = this.incarnation.newestVersion;
    if ((await client.command('flush_all')) !== 'OK') throw new Error(`${this.name} does not flush`);
    const reply = await client.command('ms marker 1 c\r\nx');
    this.history.sends('marker', 'x');
    this.history.flushed(this.incarnation, lowest, BigInt(reply.replace('HD c', '')));
    client.close();
  }

  async contents(): Promise<Contents> {
    const client = await this.connect();
    const contents = new Map<string, Held>();
    for (let first = 0; first < KEYS.length; first += KEYS_PER_BATCH) {
      const keys = KEYS.slice(first, first + KEYS_PER_BATCH);
      client.send(keys.map((key) => `mg ${key} v f c t\r\n`).join(''));
      for (const key of keys) {
        const held = await readHeld(client);
        if (held !== undefined) contents.set(key, held);
      }
    }
    client.close();
    return contents;
  }
}

async function readHeld(client: TextClient): Promise<Held | undefined> {
  const line = await client.readLine();
  if (line === 'EN') return undefined;
  const match = /^VA (\d+) f(\d+) c(\d+) t(-?\d+)$/.exec(line);
  if (match === null) throw new Error(`mg was answered with "${line}"`);
  const [sizeBytes, flags, version, ttlSec] = match.slice(1);
  const value = await client.readBytes(Number(sizeBytes) + 2);
  return {
    value: value.toString('latin1', 0, Number(sizeBytes)),
    flags: Number(flags),
    version: BigInt(version),
    ttlSec: Number(ttlSec),
  };
}

async function figure(client: TextClient, name: string): Promise<number> {
  return Number((await client.stats('replication')).get(name));
}

export async function waitFor(isTrue: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + SYNC_TIMEOUT_MS;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error(`waited ${SYNC_TIMEOUT_MS} ms for ${what}`);
    await sleep(POLL_MS);
  }
}
