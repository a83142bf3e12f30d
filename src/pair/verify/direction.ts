// One direction of a pair under verification: write on one node, look on the other.
import { createHash } from 'node:crypto';
import { CheckFailure } from '../check-result.js';
import type { MemcachedClient } from '../client/client.js';
import type { Value } from '../client/reply-decoder.js';
import { type ProbeKeys, SAFETY_EXPTIME_SEC } from '../probe-keys.js';
import type { Check, CheckFinding } from '../run-check.js';
import { sinceMs } from '../run-check.js';
import type { NodeName } from '../types.js';
import { poll } from '../wait.js';

export interface Expected {
  value: string | Buffer;
  /** Default 0. */
  flags?: number;
  /** memcached may pad a shortened counter with spaces; they don't count then. */
  padded?: boolean;
}

export interface DirectionCheck extends Check {
  /** Waits for time to pass, so it runs beside the other checks. */
  readonly inBackground?: boolean;
  run(direction: Direction): Promise<CheckFinding>;
}

interface DirectionSetup {
  /** Checks that this engine can't pass, by id, with the reason. */
  limits: ReadonlyMap<string, string>;
  from: NodeName;
  to: NodeName;
  writer: MemcachedClient;
  reader: MemcachedClient;
  keys: ProbeKeys;
  visibleWithinMs: number;
  manyKeys: number;
  signal?: AbortSignal | undefined;
}

export class Direction {
  readonly limits: ReadonlyMap<string, string>;
  readonly from: NodeName;
  readonly to: NodeName;
  readonly writer: MemcachedClient;
  readonly reader: MemcachedClient;
  readonly visibleWithinMs: number;
  readonly manyKeys: number;
  readonly signal: AbortSignal | undefined;
  readonly #keys: ProbeKeys;

  constructor(setup: DirectionSetup) {
    this.limits = setup.limits;
    this.from = setup.from;
    this.to = setup.to;
    this.writer = setup.writer;
    this.reader = setup.reader;
    this.visibleWithinMs = setup.visibleWithinMs;
    this.manyKeys = setup.manyKeys;
    this.signal = setup.signal;
    this.#keys = setup.keys;
  }

  /** A key of this direction alone. */
  key(name: string): string {
    return this.#keys.key(`${this.from}${this.to}:${name}`);
  }

  /** Sets a key on the writer and waits until the reader shows it: where most checks begin. */
  async begin(name: string, value: string | Buffer, flags = 0): Promise<string> {
    const key = this.key(name);
    const answer = await this.writer.store('set', key, value, { flags, exptimeSec: SAFETY_EXPTIME_SEC });
    expectAnswer('set', answer, 'STORED');
    await this.seen(key, { value, flags });
    return key;
  }

  /** Waits until the reader shows exactly this. @returns milliseconds it took. */
  seen(key: string, expected: Expected): Promise<number> {
    return this.#watch(this.reader, this.to, key, expected);
  }

  /** The same the other way round: something written on the reader comes back to the writer. */
  seenBack(key: string, expected: Expected): Promise<number> {
    return this.#watch(this.writer, this.from, key, expected);
  }

  /** Waits until the reader no longer has the key. @returns milliseconds it took. */
  gone(key: string): Promise<number> {
    return this.#watch(this.reader, this.to, key, undefined);
  }

  async #watch(
    client: MemcachedClient,
    node: NodeName,
    key: string,
    expected: Expected | undefined,
  ): Promise<number> {
    const startedAt = performance.now();
    let last: Value | undefined;
    const look = async () => {
      last = await client.get(key);
      return matches(last, expected) ? true : undefined;
    };
    const found = await poll(look, { withinMs: this.visibleWithinMs, everyMs: 1, signal: this.signal });
    if (found === undefined) {
      const what = expected === undefined ? 'nothing' : describe(expected);
      const within = ` on ${node} within ${this.visibleWithinMs} ms`;
      throw new CheckFailure(what + within, last === undefined ? 'nothing' : describe(last));
    }
    return sinceMs(startedAt);
  }
}

/** @throws CheckFailure when a node did not answer a command as memcached would. */
export function expectAnswer(command: string, answer: string, expected: string): void {
  if (answer !== expected) throw new CheckFailure(`${expected} as answer to ${command}`, answer);
}

function matches(value: Value | undefined, expected: Expected | undefined): boolean {
  if (value === undefined || expected === undefined) return value === expected;
  if (value.flags !== (expected.flags ?? 0)) return false;
  if (expected.padded) return value.value.toString('latin1').trimEnd() === expected.value.toString();
  return value.value.equals(Buffer.from(expected.value));
}

function describe({ value, flags = 0 }: Expected): string {
  const bytes = Buffer.from(value);
  const text = bytes.toString('latin1');
  const short = bytes.length <= 40 && /^[\x20-\x7e]*$/.test(text);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const shown = short ? JSON.stringify(text) : `${bytes.length} bytes (sha256 ${sha256.slice(0, 12)})`;
  return `${shown} with flags ${flags}`;
}
