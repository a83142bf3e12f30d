// What a round of the drill has in the pair: its keys, the journal of what they must hold, and a connection to each node.
import { CheckFailure } from '../check-result.js';
import type { MemcachedClient } from '../client/client.js';
import { connectNode } from '../client/connect.js';
import { compareNodes, describeDifferences } from '../digest.js';
import type { OpenPair } from '../open-pair.js';
import { ProbeKeys, SAFETY_EXPTIME_SEC } from '../probe-keys.js';
import type { NodeName } from '../types.js';
import { type PollOptions, poll } from '../wait.js';
import { Journal } from './journal.js';

/** For removing the keys from a node that was started a moment ago. */
const BACK_WITHIN_MS = 15_000;
const FLAGS = 42;

export class DrillData {
  readonly keys = new ProbeKeys('drill');
  readonly journal = new Journal();
  readonly #pair: OpenPair;
  readonly #clients: Partial<Record<NodeName, MemcachedClient>> = {};
  readonly #connecting: Partial<Record<NodeName, Promise<MemcachedClient>>> = {};

  constructor(pair: OpenPair) {
    this.#pair = pair;
  }

  /** The one connection to a node, a new one where the last was lost. @throws ClientError */
  async client(name: NodeName): Promise<MemcachedClient> {
    const known = this.#clients[name];
    if (known?.open) return known;
    // Many callers at once must share one: whoever comes second finds the promise of the first.
    const connecting = this.#connecting[name] ?? connectNode(this.#pair.nodes[name]);
    this.#connecting[name] = connecting;
    try {
      const client = await connecting;
      this.#clients[name] = client;
      return client;
    } finally {
      delete this.#connecting[name];
    }
  }

  close(name: NodeName): void {
    this.#clients[name]?.close();
  }

  /** Sets the key, or deletes it where `value` is undefined, and enters that in the journal. */
  async write(via: NodeName, key: string, value: string | undefined): Promise<void> {
    const client = await this.client(via);
    const content = { value, flags: FLAGS };
    this.journal.attempt(key, content);
    if (value === undefined) {
      await client.delete(key);
    } else {
      const answer = await client.store('set', key, value, { flags: FLAGS, exptimeSec: SAFETY_EXPTIME_SEC });
      if (answer !== 'STORED') throw new CheckFailure(`STORED as answer to set on ${via}`, answer);
    }
    this.journal.ack(key, content, via);
  }

  /** @returns how many of the keys are there. @throws CheckFailure when the nodes still differ in the end. */
  async awaitEqual(keys: readonly string[], options: PollOptions): Promise<number> {
    const clients = { a: await this.client('a'), b: await this.client('b') };
    let last = await compareNodes(clients, keys);
    const equal = async () => {
      last = await compareNodes(clients, keys);
      return last.differences.length === 0 ? true : undefined;
    };
    await poll(equal, options);
    if (last.differences.length > 0) {
      const seen = `${last.differences.length} of ${last.present} differ: ${describeDifferences(last.differences)}`;
      throw new CheckFailure('the same on both nodes', seen);
    }
    return last.present;
  }

  /** Waits for a node that is still starting. */
  async removeKeys(name: NodeName): Promise<void> {
    const connected = () => this.client(name).catch(() => undefined);
    const client = await poll(connected, { withinMs: BACK_WITHIN_MS, everyMs: 100 });
    await this.keys.removeFrom(client ?? (await this.client(name)));
  }
}
