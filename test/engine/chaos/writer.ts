// A client that writes to one node, batch after batch, and tells the history what it was told.
import { setTimeout as sleep } from 'node:timers/promises';
import { TextClient } from '../../helpers/text-client.js';
import type { Random } from '../simulation/random.js';
import { type History, type Incarnation, isCounter, PIECE_END } from './history.js';

const BATCH = 8;
const RETRY_MS = 20;
/** Between two batches: two nodes and their writers share few processors. */
const REST_MS = 10;
const TTL_SEC = 100_000;

/** Every key that is written to, by whichever node's clients. */
export const KEYS: readonly string[] = [
  ...Array.from({ length: 240 }, (_, at) => `plain:${at}`),
  ...Array.from({ length: 20 }, (_, at) => `list:${at}`),
  ...Array.from({ length: 20 }, (_, at) => `count:${at}`),
];

/** What a writer needs to know of its node. */
export interface Target {
  readonly host: string;
  readonly port: number;
  /** Whose memory it is that answers. */
  readonly incarnation: Incarnation;
  /** How often it was frozen or thawed: odd while it is frozen, and nobody expects an answer. */
  readonly freezes: number;
}

interface Request {
  readonly key: string;
  readonly text: string;
  /** `promisesNothing`: an add yields to a live value of the peer, and a touch tells no version. */
  readonly kind: 'stores' | 'changes' | 'deletes' | 'promisesNothing';
  readonly value?: string;
}

export class Writer {
  /** The longest time that a batch took on a node that ran all along. */
  longestMs = 0;
  readonly ended: Promise<void>;
  readonly #target: Target;
  readonly #history: History;
  readonly #random: Random;
  readonly #name: string;
  #count = 0;
  #isStopping = false;

  constructor(name: string, target: Target, history: History, random: Random) {
    this.#name = name;
    this.#target = target;
    this.#history = history;
    this.#random = random;
    this.ended = this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.ended;
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      const client = await TextClient.connect(this.#target.port, this.#target.host).catch(() => undefined);
      // Nobody is there: it was killed, or does not serve yet.
      if (client === undefined) await sleep(RETRY_MS);
      else await this.#use(client).finally(() => client.close());
    }
  }

  async #use(client: TextClient): Promise<void> {
    // The connection is this process's: whoever comes after it is reached by another one.
    const by = this.#target.incarnation;
    while (!this.#isStopping) {
      const batch = Array.from({ length: BATCH }, (_, at) => this.#request(at === BATCH - 1));
      const sinceMs = performance.now();
      const { freezes } = this.#target;
      const lowest = by.newestVersion;
      client.send(batch.map(({ text }) => text).join(''));
      if (!(await this.#readReplies(client, by, batch, lowest))) return;
      if (freezes % 2 === 0 && freezes === this.#target.freezes)
        this.longestMs = Math.max(this.longestMs, performance.now() - sinceMs);
      await sleep(REST_MS);
    }
  }

  /**
   * @param lowest a version from before the batch was sent
   * @returns false if the connection ended first: what was not answered, nobody was promised
   */
  async #readReplies(
    client: TextClient,
    by: Incarnation,
    batch: readonly Request[],
    lowest: bigint,
  ): Promise<boolean> {
    let deletes: string[] = [];
    for (const request of batch) {
      const reply = await client.readLine().catch(() => undefined);
      if (reply === undefined) return false;
      if (request.kind === 'deletes') {
        if (reply === 'HD') deletes.push(request.key);
        else if (reply === 'NF') this.#history.deleteIsAnswered(request.key);
        else throw new Error(`${request.text.trim()}: ${reply}`);
        continue;
      }
      if (request.kind === 'promisesNothing') continue;
      if (request.kind === 'changes' && /^N[FS]/.test(reply)) continue;
      const version = /^HD c(\d+)$/.exec(reply)?.[1];
      if (version === undefined) throw new Error(`${request.text.trim()}: ${reply}`);
      for (const key of deletes) {
        this.#history.deleted(by, key, lowest, BigInt(version));
        this.#history.deleteIsAnswered(key);
      }
      deletes = [];
      lowest = BigInt(version);
      this.#history.stored(by, request.key, lowest, request.value);
    }
    return true;
  }

  /** @param isLast it tells how new the deletes before it can be */
  #request(isLast: boolean): Request {
    const key = this.#random.pick(KEYS);
    const chance = isLast ? 1 : this.#random.next();
    if (chance < 0.12) {
      this.#history.asksForDelete(key);
      return { key, kind: 'deletes', text: `md ${key}\r\n` };
    }
    if (chance < 0.17) return { key, kind: 'promisesNothing', text: `touch ${key} ${TTL_SEC + 1}\r\n` };
    if (chance < 0.5 && isCounter(key)) return { key, kind: 'changes', text: `ma ${key} D7 c\r\n` };
    this.#count += 1;
    const value = isCounter(key) ? String(this.#random.int(0, 1_000_000)) : this.#newValue();
    this.#history.sends(key, value);
    if (chance < 0.22 && !isCounter(key))
      return { key, kind: 'promisesNothing', text: setting(key, value, `T${TTL_SEC} ME`) };
    if (chance < 0.5 && key.startsWith('list:'))
      return { key, kind: 'changes', text: setting(key, `${PIECE_END}${value}`, 'c MA') };
    const ttl = this.#random.chance(0.5) ? ` T${TTL_SEC}` : '';
    return { key, kind: 'stores', value, text: setting(key, value, `c F${this.#count}${ttl}`) };
  }

  #newValue(): string {
    return `${this.#name}-${this.#count}`.padEnd(this.#random.int(16, 300), '.');
  }
}

function setting(key: string, value: string, flags: string): string {
  return `ms ${key} ${value.length} ${flags}\r\n${value}\r\n`;
}
