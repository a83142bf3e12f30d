// Streams of whole binary requests: each is answered in its place, with its own opaque and nothing but what it asked for.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Store } from '../../../src/engine/store/store.js';
import { readReplies } from '../protocol/binary/packets.js';
import { put } from '../store/new-store.js';
import { answersSeries, type BinaryRequest, binaryRequest, numbered } from './binary-grammar.js';
import { converse } from './conversation.js';
import { effort, TIMEOUT_MS } from './effort.js';
import { expectSound, hauntedStore } from './haunted-store.js';
import { splitter } from './splits.js';
import { isOwnValue, NUMBER_KEYS, taggedValue } from './tagged-values.js';
import { TEXT_KEYS } from './text-grammar.js';

const RUNS = 100;
const OK = 0;
/** get, getK, gat, gatK and their quiet forms: their replies hold values. */
const VALUE_OPCODES = [0x00, 0x09, 0x0c, 0x0d, 0x1d, 0x1e, 0x23, 0x24];

const stream = fc.array(binaryRequest, { minLength: 1, maxLength: 25, size: 'max' });

function storeWithItems(): Store {
  const store = hauntedStore();
  for (const key of TEXT_KEYS) put(store, key, taggedValue(key, 5));
  for (const key of NUMBER_KEYS) put(store, key, '100');
  return store;
}

/** @throws Error at the first reply that is out of step. @returns values that were answered */
function checkReplies(requests: readonly BinaryRequest[], bytes: Buffer): number {
  const replies = readReplies(bytes);
  expect(replies.pop()).toMatchObject({ opcode: 0x0a, opaque: 0, status: OK });
  let next = 0;
  let values = 0;
  for (const [index, { opcode, key, isQuiet }] of requests.entries()) {
    const opaque = index + 1;
    const first = next;
    while (next < replies.length && replies[next].opaque === opaque) next++;
    const own = replies.slice(first, next);
    const isRight = answersSeries(opcode)
      ? own.at(-1)?.key === ''
      : own.length === 1 || (own.length === 0 && isQuiet);
    if (!isRight) throw new Error(`request ${index} (opcode ${opcode}) has ${own.length} replies`);
    for (const reply of own) {
      expect(reply.opcode).toBe(opcode);
      if (reply.status !== OK || !VALUE_OPCODES.includes(opcode)) continue;
      values += 1;
      expect(['', key]).toContain(reply.key);
      expect(isOwnValue(key, reply.value)).toBe(true);
    }
  }
  if (next !== replies.length) throw new Error(`reply ${next} belongs to no request, or comes out of turn`);
  return values;
}

describe('binary requests at random', () => {
  it(
    'are answered in step, and with what is asked for',
    () => {
      let values = 0;
      fc.assert(
        fc.property(stream, splitter, (requests, split) => {
          const bytes = numbered(requests);
          const store = storeWithItems();
          const whole = converse(store, [bytes]);
          expect(whole.closes).toBe(false);
          values += checkReplies(requests, whole.bytes);
          expectSound(store);
          const other = storeWithItems();
          expect(converse(other, split(bytes)).bytes.equals(whole.bytes)).toBe(true);
          expectSound(other);
        }),
        effort(RUNS),
      );
      expect(values).toBeGreaterThan(RUNS);
    },
    TIMEOUT_MS,
  );
});
