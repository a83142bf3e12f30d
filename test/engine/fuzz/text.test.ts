// Streams of text commands, right and wrong: however they are split, the answers are the same, in step, and nobody else's.
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { COUNTER, type CounterName } from '../../../src/engine/store/counters.js';
import type { Store } from '../../../src/engine/store/store.js';
import type { StoreOptions } from '../../../src/engine/store/store-types.js';
import { put } from '../store/new-store.js';
import { converse } from './conversation.js';
import { effort, TIMEOUT_MS } from './effort.js';
import { expectSound, hauntedStore } from './haunted-store.js';
import { splitter } from './splits.js';
import { NUMBER_KEYS, taggedValue } from './tagged-values.js';
import { TEXT_KEYS, textCommand } from './text-grammar.js';
import { checkReplies, withSentinels } from './text-replies.js';

const RUNS = 60;
const MIB = 1024 * 1024;
const stream = fc.array(textCommand, { minLength: 1, maxLength: 25, size: 'max' });

/** What the streams brought about, in all runs together. */
const happened = new Map<CounterName, number>();

function storeWithItems(options: Partial<StoreOptions>): Store {
  const store = hauntedStore(options);
  for (const key of TEXT_KEYS) put(store, key, taggedValue(key, 5));
  for (const key of NUMBER_KEYS) put(store, key, '100');
  store.resetStats();
  return store;
}

function note(store: Store): void {
  for (const name of Object.keys(COUNTER) as CounterName[]) {
    happened.set(name, (happened.get(name) ?? 0) + store.counters.read(name));
  }
}

describe('text commands at random', () => {
  afterAll(() => {
    // Had the streams missed one of these, they would have shown little.
    const wanted: CounterName[] = ['getHits', 'getMisses', 'getFlushed', 'deleteHits', 'incrHits'];
    wanted.push('casBadval', 'touchHits', 'storeTooLarge', 'storeNoMemory', 'evictions', 'slabsMoved');
    expect(wanted.filter((name) => (happened.get(name) ?? 0) < 3)).toEqual([]);
  });

  it.each([
    { name: 'with room for all', options: {} },
    {
      name: 'with chains of slots, in full memory',
      options: { memoryBytes: 4 * MIB, itemSizeMaxBytes: MIB },
    },
    { name: 'without evictions', options: { memoryBytes: 4 * MIB, evictions: false } },
  ])(
    'are answered in step, and with what is asked for: $name',
    ({ options }) => {
      fc.assert(
        fc.property(stream, splitter, (commands, split) => {
          const bytes = withSentinels(commands);
          const store = storeWithItems(options);
          const whole = converse(store, [bytes]);
          expect(whole.closes).toBe(false);
          checkReplies(commands, whole.bytes);
          expectSound(store);
          note(store);
          const other = storeWithItems(options);
          const pieces = converse(other, split(bytes));
          expect(pieces.bytes.equals(whole.bytes)).toBe(true);
          expectSound(other);
        }),
        effort(RUNS),
      );
    },
    TIMEOUT_MS,
  );
});
