// Many connections at work on the same keys of one running node: whoever answers them, they must agree.

import { TextClient } from '../../helpers/text-client.js';
import { Random } from '../simulation/random.js';
import { isSound, makeValue } from './sound-value.js';

const KEYS = 40;
const COUNTERS = 4;
const VALUE_MAX_BYTES = 20_000;
const BATCH = 8;

export interface NodeHammerOptions {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  readonly seed: number;
}

export interface NodeHammerReport {
  operations: number;
  hits: number;
  increments: number;
  casIncrements: number;
  /** What was found wrong; empty if all is well. */
  faults: string[];
}

/** Runs the load, then checks every value and every count. */
export async function hammerNode(options: NodeHammerOptions): Promise<NodeHammerReport> {
  const { port, connections, seconds, seed } = options;
  const total: NodeHammerReport = { operations: 0, hits: 0, increments: 0, casIncrements: 0, faults: [] };
  const counted = new Array<number>(COUNTERS).fill(0);
  const judge = await TextClient.connect(port);
  for (let counter = 0; counter < COUNTERS; counter++) await judge.set(`counter${counter}`, '0'.padEnd(10));
  await judge.set('cas-counter', '0');
  const endMs = performance.now() + seconds * 1000;
  await Promise.all(
    Array.from({ length: connections }, async (_, index) => {
      const client = await TextClient.connect(port);
      const worker = new Hammer(client, new Random(seed + index), total, counted);
      while (performance.now() < endMs) await worker.step();
      client.close();
    }),
  );
  for (let counter = 0; counter < COUNTERS; counter++) {
    const held = Number(await judge.get(`counter${counter}`));
    if (held !== counted[counter])
      total.faults.push(`counter${counter} is ${held}, counted ${counted[counter]}`);
  }
  const held = Number(await judge.get('cas-counter'));
  if (held !== total.casIncrements)
    total.faults.push(`cas-counter is ${held}, counted ${total.casIncrements}`);
  const keys = Array.from({ length: KEYS }, (_, key) => `key${key}`);
  for (const [key, { value }] of await judge.getMany(keys)) {
    if (!isSound(value)) total.faults.push(`${key} is not sound at the end`);
  }
  judge.close();
  return total;
}

/** One connection's part. */
class Hammer {
  readonly #client: TextClient;
  readonly #random: Random;
  readonly #total: NodeHammerReport;
  readonly #counted: number[];

  constructor(client: TextClient, random: Random, total: NodeHammerReport, counted: number[]) {
    this.#client = client;
    this.#random = random;
    this.#total = total;
    this.#counted = counted;
  }

  async step(): Promise<void> {
    this.#total.operations += 1;
    const choice = this.#random.int(0, 99);
    if (choice < 30) await this.#getMany(this.#random.int(1, 20));
    else if (choice < 55) await this.#store('set', makeValue(this.#random, VALUE_MAX_BYTES));
    else if (choice < 60) await this.#store('append', makeValue(this.#random, 200));
    else if (choice < 65) await this.#expect(`delete ${this.#key()}`, /^(DELETED|NOT_FOUND)$/);
    else if (choice < 70) await this.#expect(`touch ${this.#key()} 1000`, /^(TOUCHED|NOT_FOUND)$/);
    else if (choice < 85) await this.#increments();
    else await this.#casIncrement();
  }

  #key(): string {
    return `key${this.#random.int(0, KEYS - 1)}`;
  }

  async #expect(line: string, answer: RegExp): Promise<void> {
    const got = await this.#client.command(line);
    if (!answer.test(got)) this.#fault(`"${line}" was answered with "${got}"`);
  }

  async #getMany(count: number): Promise<void> {
    for (const [key, { value }] of await this.#client.getMany(
      Array.from({ length: count }, () => this.#key()),
    )) {
      this.#total.hits += 1;
      if (!isSound(value)) this.#fault(`${key}: ${value.length} bytes are not sound`);
    }
  }

  /** The value in two pieces, so that its slot stands half filled while others work. */
  async #store(command: 'set' | 'append', value: Buffer): Promise<void> {
    const middle = value.length >>> 1;
    this.#client.send(`${command} ${this.#key()} 0 0 ${value.length}\r\n`);
    this.#client.send(value.subarray(0, middle));
    await Promise.resolve();
    this.#client.send(Buffer.concat([value.subarray(middle), Buffer.from('\r\n')]));
    const got = await this.#client.readLine();
    if (got !== 'STORED' && (command === 'set' || got !== 'NOT_STORED')) this.#fault(`${command}: "${got}"`);
  }

  async #increments(): Promise<void> {
    const counter = this.#random.int(0, COUNTERS - 1);
    this.#client.send(`incr counter${counter} 1\r\n`.repeat(BATCH));
    let last = 0;
    for (let reply = 0; reply < BATCH; reply++) {
      const number = Number(await this.#client.readLine());
      if (!(number > last)) this.#fault(`counter${counter} went from ${last} to ${number}`);
      last = number;
      this.#counted[counter] += 1;
      this.#total.increments += 1;
    }
  }

  async #casIncrement(): Promise<void> {
    const seen = await this.#client.getItem('cas-counter');
    if (seen === undefined) {
      this.#fault('cas-counter is gone');
      return;
    }
    const next = String(Number(seen.value) + 1);
    this.#client.send(`cas cas-counter 0 0 ${next.length} ${seen.cas}\r\n${next}\r\n`);
    const got = await this.#client.readLine();
    if (got === 'STORED') this.#total.casIncrements += 1;
    else if (got !== 'EXISTS') this.#fault(`cas: "${got}"`);
  }

  #fault(text: string): void {
    if (this.#total.faults.length < 10) this.#total.faults.push(text);
  }
}
