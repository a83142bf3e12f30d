// A node of the chaos test: its process, the cable that its peer dials it by, and whose memory it is.
import { vi } from 'vitest';
import type { TestNode } from '../../helpers/engine.js';
import type { Forwarder } from '../../helpers/forwarder.js';
import { TextClient } from '../../helpers/text-client.js';
import { type Contents, type Held, type History, Incarnation, type Mark } from './history.js';
import { KEYS, type Target } from './writer.js';

const KEYS_PER_BATCH = 100;
const POLL_MS = 20;
/** Back-off is 2 s at most, silence 3 s, and a test machine may be busy. */
const SYNC_TIMEOUT_MS = 25_000;

export class ChaosNode implements Target {
  freezes = 0;
  incarnation: Incarnation;
  readonly name: string;
  readonly node: TestNode;
  /** Where the peer dials this node. */
  readonly cable: Forwarder;
  readonly history: History;

  constructor(name: string, node: TestNode, cable: Forwarder, history: History) {
    this.name = name;
    this.node = node;
    this.cable = cable;
    this.history = history;
    this.incarnation = new Incarnation();
  }

  get port(): number {
    return this.node.port;
  }

  /** Lets this node dial its peer by the peer's cable. */
  dials(peer: ChaosNode): void {
    this.node.flags = [...this.node.flags, '-X', `${this.node.replicationPort}:${peer.cable.port}`];
  }

  freeze(): void {
    this.freezes += 1;
    this.node.process.signal('SIGSTOP');
  }

  thaw(): void {
    this.node.process.signal('SIGCONT');
    this.freezes += 1;
  }

  /** kill -9. With `--repl-ack peer` the other node must have all that this one answered, if its log says so. */
  async kill(peer: ChaosNode): Promise<void> {
    await this.node.process.end('SIGKILL');
    const turns = this.node.process.log.match(/acknowledgement (works|degraded)/g);
    if (turns?.at(-1) === 'acknowledgement works') this.#handOver(peer);
    this.#loseMemory();
  }

  /** SIGTERM: in good order it has handed over what the peer lacks, and saved it all if it has -e. */
  async stop(peer: ChaosNode): Promise<void> {
    const peerLog = peer.node.process.log.length;
    await this.node.process.end('SIGTERM');
    if (this.node.process.log.includes(': saved ')) return;
    await waitFor(
      () => /link down/.test(peer.node.process.log.slice(peerLog)) || peer.node.process.hasExited,
      `${peer.name} to notice that ${this.name} was stopped`,
    ).catch(() => {});
    if (peer.node.process.log.slice(peerLog).includes('link down (the peer was stopped)'))
      this.#handOver(peer);
    this.#loseMemory();
  }

  async start(): Promise<void> {
    await this.node.start();
  }

  /** The same; and once it has its peer's data, it may serve nothing older. @returns what it serves that is */
  async startNotBehind(): Promise<string[]> {
    const mark = this.history.mark();
    await this.start();
    const contents = await this.contents();
    if (!/sync done(.|\n)*listening on/.test(this.node.process.log)) return [];
    return KEYS.flatMap((key) => {
      const problem = this.history.describeHeld(key, contents.get(key), mark);
      return problem === null ? [] : [`${key} on ${this.name} as it began to serve: ${problem}`];
    });
  }

  /** Waits until both have all of each other, and notes that they do. */
  async settle(peer: ChaosNode): Promise<void> {
    const nodes = [this, peer];
    const marks = nodes.map((node) => node.history.mark());
    const clients = await Promise.all(nodes.map((node) => TextClient.connect(node.port)));
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

  async flush(): Promise<void> {
    const client = await TextClient.connect(this.port);
    const lowest = this.incarnation.newestVersion;
    if ((await client.command('flush_all')) !== 'OK') throw new Error(`${this.name} does not flush`);
    const reply = await client.command('ms marker 1 c\r\nx');
    this.history.sends('marker', 'x');
    this.history.flushed(this.incarnation, lowest, BigInt(reply.replace('HD c', '')));
    client.close();
  }

  async contents(): Promise<Contents> {
    const client = await TextClient.connect(this.port);
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

  #handOver(peer: ChaosNode): void {
    const all: Mark = this.history.mark();
    this.history.handedOver(all, this.incarnation, peer.incarnation);
  }

  #loseMemory(): void {
    this.incarnation.isLost = true;
    this.incarnation = new Incarnation();
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

async function waitFor(isTrue: () => boolean | Promise<boolean>, what: string): Promise<void> {
  await vi.waitFor(
    async () => {
      if (!(await isTrue())) throw new Error(`waited ${SYNC_TIMEOUT_MS} ms for ${what}`);
    },
    { timeout: SYNC_TIMEOUT_MS, interval: POLL_MS },
  );
}
