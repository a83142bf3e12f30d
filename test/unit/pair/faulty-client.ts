// Clients of a real memcached that see or do one thing wrong each: what a pair would look like that lacks just that.
import { MemcachedClient, type StoreOptions, type StoreVerb } from '../../../src/pair/client/client.js';
import type { Value } from '../../../src/pair/client/reply-decoder.js';
import { openSocket } from './memcached.js';

export type Lens = (key: string, value: Value | undefined) => Value | undefined;

export interface Faults {
  /** Changes what every read shows. */
  lens?: Lens;
  /** Commands that are answered as if they had worked, and do nothing. */
  ignored?: readonly ('touch' | 'gats' | 'noreply' | 'delete' | 'append' | 'prepend' | 'cas')[];
  /** What `stats replication` says; memcached itself has nothing of the kind. */
  replication?: Record<string, string>;
}

const IN_SYNC = { repl_state: 'synced', repl_unacked: '0', repl_log_seq: '9', repl_acked_seq: '9' };

export async function faultyClient(port: number, label: string, faults: Faults = {}): Promise<FaultyClient> {
  const client = new FaultyClient(await openSocket(port), { label });
  client.faults = faults;
  return client;
}

class FaultyClient extends MemcachedClient {
  faults: Faults = {};

  override async gets(keys: readonly string[]): Promise<Map<string, Value>> {
    return this.#seen(keys, await super.gets(keys));
  }

  override async gats(exptimeSec: number, keys: readonly string[]): Promise<Map<string, Value>> {
    return this.#ignores('gats') ? this.gets(keys) : super.gats(exptimeSec, keys);
  }

  override async store(
    verb: StoreVerb,
    key: string,
    value: string | Buffer,
    options: StoreOptions = {},
  ): Promise<string> {
    if ((verb === 'append' || verb === 'prepend') && this.#ignores(verb)) return 'STORED';
    return super.store(verb, key, value, options);
  }

  override storeNoReply(
    verb: StoreVerb,
    key: string,
    value: string | Buffer,
    options: StoreOptions = {},
  ): void {
    if (!this.#ignores('noreply')) super.storeNoReply(verb, key, value, options);
  }

  override async touch(key: string, exptimeSec: number): Promise<string> {
    return this.#ignores('touch') ? 'TOUCHED' : super.touch(key, exptimeSec);
  }

  override async delete(key: string): Promise<string> {
    return this.#ignores('delete') ? 'DELETED' : super.delete(key);
  }

  override async stats(group?: string): Promise<Map<string, string>> {
    if (group !== 'replication') return super.stats(group);
    return new Map(Object.entries({ ...IN_SYNC, ...this.faults.replication }));
  }

  #seen(keys: readonly string[], found: ReadonlyMap<string, Value>): Map<string, Value> {
    const { lens } = this.faults;
    const seen = new Map<string, Value>();
    for (const key of keys) {
      const value = lens === undefined ? found.get(key) : lens(key, found.get(key));
      if (value !== undefined) seen.set(key, value);
    }
    return seen;
  }

  #ignores(command: NonNullable<Faults['ignored']>[number]): boolean {
    return this.faults.ignored?.includes(command) ?? false;
  }
}

/** Shows of every key only what it first had. */
export function firstSightOnly(): Lens {
  const first = new Map<string, Value>();
  return (key, value) => {
    if (value !== undefined && !first.has(key)) first.set(key, value);
    return value === undefined ? undefined : first.get(key);
  };
}

/** Keeps what is gone. */
export function nothingEverGoes(): Lens {
  const last = new Map<string, Value>();
  return (key, value) => {
    if (value !== undefined) last.set(key, value);
    return value ?? last.get(key);
  };
}

/** Does not show the values for which this holds. */
export function blindFor(test: (key: string, value: Value) => boolean): Lens {
  return (key, value) => (value !== undefined && test(key, value) ? undefined : value);
}

/** Shows every value changed. */
export function distorting(change: (value: Value) => Partial<Value>): Lens {
  return (_, value) => (value === undefined ? undefined : { ...value, ...change(value) });
}
