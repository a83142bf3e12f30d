// The store against a plain Map: whatever the sequence of commands, both answer alike.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memcachedItemBytes } from '../../../src/engine/store/layout.js';
import type { Store } from '../../../src/engine/store/store.js';
import {
  MODE_ADD,
  MODE_APPEND,
  MODE_PREPEND,
  MODE_REPLACE,
  MODE_SET,
  NOT_STORED,
  STORED,
  type StoreResult,
} from '../../../src/engine/store/store-types.js';
import {
  contents,
  newStore,
  overwrite,
  put,
  RecordingLog,
  read,
  remove,
  START_MS,
  touch,
} from './new-store.js';

const MIB = 1024 * 1024;

const keys = fc.integer({ min: 0, max: 30 }).map((number) => `key${number}`);
const shortLengths = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 60_000 }));
/** Around the bounds of one, two and three slots of a chain as well. */
const allLengths = fc.oneof(
  shortLengths,
  fc.integer({ min: 0, max: 2_000_000 }),
  fc
    .tuple(fc.constantFrom(524_280, 1_048_528, 1_572_776), fc.integer({ min: -80, max: 8 }))
    .map(([bound, offset]) => bound + offset),
);
const storing = (lengths: fc.Arbitrary<number>) =>
  fc.record({
    name: fc.constant('store' as const),
    key: keys,
    mode: fc.constantFrom(MODE_SET, MODE_SET, MODE_ADD, MODE_REPLACE, MODE_APPEND, MODE_PREPEND),
    length: lengths,
    fill: fc.constantFrom('a', 'b', 'c'),
    exptime: fc.constantFrom(0, 0, 0, 1, 5, 100, -1),
    /** Of a set: tried over the old value first. */
    isWhole: fc.boolean(),
  });
const others = fc.oneof(
  fc.record({ name: fc.constant('get' as const), key: keys }),
  fc.record({ name: fc.constant('remove' as const), key: keys }),
  fc.record({ name: fc.constant('touch' as const), key: keys, exptime: fc.constantFrom(0, 1, 10, -1) }),
  fc.record({ name: fc.constant('flush' as const), delay: fc.constantFrom(0, 0, 3) }),
  fc.record({ name: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 4000 }) }),
  fc.record({ name: fc.constant('sweep' as const), slots: fc.integer({ min: 1, max: 5000 }) }),
);
const commands = fc.oneof(storing(shortLengths), { arbitrary: others, weight: 6 });
const commandsOnLargeValues = fc.oneof(storing(allLengths), others);
type Command = typeof commands extends fc.Arbitrary<infer T> ? T : never;

/** A byte in the wrong place shows: what is at an offset differs from what is around it and from other fills. */
const CONTENTS: Readonly<Record<string, string>> = Object.fromEntries(
  ['a', 'b', 'c'].map((fill) => {
    const words: string[] = [];
    for (let at = 0; at < 2_100_000; at += 8) words.push(fill + at.toString(36).padStart(7, '.'));
    return [fill, words.join('')];
  }),
);

interface Entry {
  value: string;
  expiresSec: number;
  storedMs: number;
}

/** memcached's rules in the plainest form. */
class Model {
  nowMs = START_MS;
  readonly entries = new Map<string, Entry>();
  readonly #itemSizeMaxBytes: number;
  #flushAtMs = 0;

  constructor(itemSizeMaxBytes: number) {
    this.#itemSizeMaxBytes = itemSizeMaxBytes;
  }

  wait(ms: number): void {
    this.nowMs += ms;
    if (this.#flushAtMs === 0 || this.nowMs < this.#flushAtMs) return;
    for (const [key, entry] of this.entries) {
      if (entry.storedMs < this.#flushAtMs) this.entries.delete(key);
    }
    this.#flushAtMs = 0;
  }

  live(key: string): Entry | undefined {
    const entry = this.entries.get(key);
    if (entry === undefined || (entry.expiresSec !== 0 && entry.expiresSec <= this.#nowSec)) return undefined;
    return entry;
  }

  store(command: Extract<Command, { name: 'store' }>): number {
    const { key, mode } = command;
    const old = this.live(key);
    const piece = CONTENTS[command.fill].slice(0, command.length);
    if (mode === MODE_ADD ? old !== undefined : mode !== MODE_SET && old === undefined) return NOT_STORED;
    let value = piece;
    let expiresSec = this.#expiresSec(command.exptime);
    if (old !== undefined && (mode === MODE_APPEND || mode === MODE_PREPEND)) {
      value = mode === MODE_APPEND ? old.value + piece : piece + old.value;
      if (memcachedItemBytes(key.length, value.length, 0) > this.#itemSizeMaxBytes) return NOT_STORED;
      expiresSec = old.expiresSec;
    }
    this.entries.set(key, { value, expiresSec, storedMs: this.nowMs });
    return STORED;
  }

  touch(key: string, exptime: number): boolean {
    const entry = this.live(key);
    if (entry === undefined) return false;
    entry.expiresSec = this.#expiresSec(exptime);
    return true;
  }

  flush(delaySec: number): void {
    this.#flushAtMs = delaySec === 0 ? 0 : this.nowMs + delaySec * 1000;
    if (delaySec === 0) this.entries.clear();
  }

  get #nowSec(): number {
    return Math.floor(this.nowMs / 1000);
  }

  #expiresSec(exptime: number): number {
    if (exptime === 0) return 0;
    return exptime < 0 ? 1 : this.#nowSec + exptime;
  }
}

function storeBy(
  store: Store,
  command: Extract<Command, { name: 'store' }>,
  value: string,
): StoreResult | undefined {
  const { key, mode, isWhole } = command;
  if (mode === MODE_SET && isWhole && overwrite(store, key, value, command)) return STORED;
  return put(store, key, value, command);
}

function run(list: Command[], options: Parameters<typeof newStore>[0], mayForget: boolean): void {
  const store = newStore(options);
  const model = new Model(store.itemSizeMaxBytes);
  const sameOrForgotten = (key: string): void => {
    const value = read(store, key);
    const expected = model.live(key)?.value;
    if (mayForget && value === undefined) model.entries.delete(key);
    else expect(value === expected, `${key}: ${value?.length} bytes, not ${expected?.length}`).toBe(true);
  };
  for (const command of list) {
    switch (command.name) {
      case 'store': {
        if (mayForget) sameOrForgotten(command.key);
        const value = CONTENTS[command.fill].slice(0, command.length);
        const result = storeBy(store, command, value);
        const old = model.entries.get(command.key);
        let expected = model.store(command);
        if (mayForget && result !== expected) {
          // Making room for the value may have evicted the very item that it was to meet, or found no room at all.
          model.entries.delete(command.key);
          if (old !== undefined && read(store, command.key) === old.value)
            model.entries.set(command.key, old);
          else if (result === STORED) expected = model.store(command);
          if (result !== STORED) break;
        }
        expect(result).toBe(expected);
        break;
      }
      case 'get':
        sameOrForgotten(command.key);
        break;
      case 'remove': {
        if (mayForget) sameOrForgotten(command.key);
        const existed = model.live(command.key) !== undefined;
        expect(remove(store, command.key)).toBe(existed);
        model.entries.delete(command.key);
        break;
      }
      case 'touch':
        if (mayForget) sameOrForgotten(command.key);
        expect(touch(store, command.key, command.exptime)).toBe(model.touch(command.key, command.exptime));
        break;
      case 'flush':
        model.flush(command.delay);
        store.flushAll(command.delay);
        break;
      case 'wait':
        model.wait(command.ms);
        store.setNow(model.nowMs);
        break;
      case 'sweep':
        store.sweep(command.slots);
        break;
    }
    expect(store.memoryUsedBytes).toBeLessThanOrEqual(store.memoryLimitBytes);
  }
  const found = contents(store);
  for (const [key, value] of found) expect(value === model.live(key)?.value, `stale ${key}`).toBe(true);
  if (!mayForget) {
    for (const key of model.entries.keys()) {
      if (model.live(key) !== undefined) expect(found.has(key), `${key} is lost`).toBe(true);
    }
  }
}

describe('the store against a Map', () => {
  it('answers alike while nothing needs evicting', () => {
    fc.assert(
      fc.property(fc.array(commands, { maxLength: 120 }), (list) =>
        run(list, { memoryBytes: 64 * MIB }, false),
      ),
      { numRuns: 150 },
    );
  });

  it('answers alike with replication on, where deletes leave tombstones', () => {
    fc.assert(
      fc.property(fc.array(commands, { maxLength: 120 }), fc.boolean(), (list, unknownToPeer) => {
        const changeLog = new RecordingLog();
        changeLog.unknownToPeer = unknownToPeer;
        run(list, { memoryBytes: 64 * MIB, changeLog }, false);
      }),
      { numRuns: 100 },
    );
  });

  it('answers alike when values are chains of slots', () => {
    fc.assert(
      fc.property(fc.array(commandsOnLargeValues, { maxLength: 60 }), (list) =>
        run(list, { memoryBytes: 256 * MIB, itemSizeMaxBytes: 16 * MIB }, false),
      ),
      { numRuns: 25 },
    );
  });

  it('never serves anything stale or torn when large values press upon small ones', () => {
    fc.assert(
      fc.property(
        fc.array(commandsOnLargeValues, { minLength: 60, maxLength: 120 }),
        fc.boolean(),
        (list, unknownToPeer) => {
          const changeLog = new RecordingLog();
          changeLog.unknownToPeer = unknownToPeer;
          run(list, { memoryBytes: 10 * MIB, itemSizeMaxBytes: 4 * MIB, changeLog }, true);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('may forget under pressure, but never serves anything stale', () => {
    fc.assert(
      fc.property(fc.array(commands, { minLength: 60, maxLength: 200 }), (list) =>
        run(list, { memoryBytes: 4 * MIB, changeLog: new RecordingLog() }, true),
      ),
      { numRuns: 100 },
    );
  });
});
