// Client load with failover, as applications do it: a few connections, each with a preferred node and the other
// to switch to on any error. Every acknowledged write goes to the journal, every error is counted.
import type { MemcachedClient } from '../client/client.js';
import { reasonOf } from '../client/client-error.js';
import { connectNode } from '../client/connect.js';
import { type OpenPair, peerOf } from '../open-pair.js';
import { SAFETY_EXPTIME_SEC } from '../probe-keys.js';
import type { NodeName } from '../types.js';
import { pause } from '../wait.js';
import type { DrillData } from './drill-data.js';
import type { Content } from './journal.js';

export interface LoadOptions {
  pair: OpenPair;
  data: DrillData;
  connections: number;
  writesPerSec: number;
}

/** What clients noticed. */
export interface LoadFigures {
  errors: number;
  errorSamples: string[];
  /** The longest time between two acknowledged writes of one client, beyond its pace. */
  longestGapMs: number;
}

/** A client that gets no answer must not wait longer than applications do. */
const COMMAND_TIMEOUT_MS = 1000;
const RETRY_PAUSE_MS = 20;
const MAX_ERROR_SAMPLES = 5;
/** Of ten writes, this one updates and this one deletes an earlier key; the others are new keys. */
const UPDATE_TURN = 4;
const DELETE_TURN = 9;

export class Load {
  readonly figures: LoadFigures = { errors: 0, errorSamples: [], longestGapMs: 0 };
  readonly #options: LoadOptions;
  readonly #stopped = new AbortController();
  #workers: Promise<void>[] = [];
  #homeAt = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  start(): void {
    for (let id = 0; id < this.#options.connections; id += 1) {
      this.#workers.push(this.#work(id, id % 2 === 0 ? 'a' : 'b'));
    }
  }

  /** Every client goes back to the node it prefers, with its next write. */
  goHome(): void {
    this.#homeAt += 1;
  }

  /** Returns when no write is under way any more. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    const workers = this.#workers;
    this.#workers = [];
    await Promise.all(workers);
  }

  async #work(id: number, home: NodeName): Promise<void> {
    const { signal } = this.#stopped;
    const { journal } = this.#options.data;
    const paceMs = (this.#options.connections * 1000) / this.#options.writesPerSec;
    let node = home;
    let homeSeen = this.#homeAt;
    let client: MemcachedClient | undefined;
    /** Keys that this client wrote since it last changed its node: only these are updated or deleted. */
    let recent: string[] = [];
    let lastAckAt = performance.now();

    for (let turn = 0; !signal.aborted; turn += 1) {
      if (homeSeen !== this.#homeAt) {
        homeSeen = this.#homeAt;
        if (node !== home) {
          client?.close();
          client = undefined;
          node = home;
          recent = [];
        }
      }
      const write = this.#nextWrite(id, turn, recent);
      let acked = false;
      while (!acked && !signal.aborted) {
        try {
          journal.attempt(write.key, write);
          client ??= await connectNode(this.#options.pair.nodes[node], {
            timeoutMs: COMMAND_TIMEOUT_MS,
            connectTimeoutMs: COMMAND_TIMEOUT_MS,
          });
          await perform(client, write);
          journal.ack(write.key, { value: write.value, flags: write.flags }, node);
          acked = true;
        } catch (error) {
          this.#noteError(error);
          client?.close();
          client = undefined;
          node = peerOf(node);
          recent = [];
          await pause(RETRY_PAUSE_MS, signal).catch(() => undefined);
        }
      }
      if (!acked) {
        // Whether it was carried out will never be known.
        journal.forgive([write.key]);
        break;
      }
      const now = performance.now();
      this.figures.longestGapMs = Math.max(this.figures.longestGapMs, now - lastAckAt - paceMs);
      lastAckAt = now;
      if (write.isNew) recent = [...recent.slice(-20), write.key];
      await pause(paceMs, signal).catch(() => undefined);
    }
    client?.close();
  }

  #nextWrite(id: number, turn: number, recent: readonly string[]): Write {
    const digit = turn % 10;
    const earlier = recent.at(-4);
    const flags = (id << 16) | (turn & 0xffff);
    if (earlier !== undefined && digit === DELETE_TURN)
      return { key: earlier, value: undefined, flags, isNew: false };
    if (earlier !== undefined && digit === UPDATE_TURN) {
      return { key: earlier, value: `update ${turn} by ${id}`, flags, isNew: false };
    }
    const key = this.#options.data.keys.key(`load:${id}:${turn}`);
    return { key, value: `write ${turn} by ${id}`, flags, isNew: true };
  }

  #noteError(error: unknown): void {
    this.figures.errors += 1;
    const reason = reasonOf(error);
    const { errorSamples } = this.figures;
    if (errorSamples.length < MAX_ERROR_SAMPLES && !errorSamples.includes(reason)) errorSamples.push(reason);
  }
}

interface Write extends Content {
  key: string;
  isNew: boolean;
}

/** @throws ClientError; also for a write that the node answered, but did not carry out. */
async function perform(client: MemcachedClient, { key, value, flags }: Write): Promise<void> {
  if (value === undefined) {
    // NOT_FOUND is as good: the key is not there.
    await client.delete(key);
    return;
  }
  const answer = await client.store('set', key, value, { flags, exptimeSec: SAFETY_EXPTIME_SEC });
  if (answer !== 'STORED') throw new Error(`${client.label} answered ${answer} to set`);
}
