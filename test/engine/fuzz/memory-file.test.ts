// The file of -e, damaged at random: it is refused with a reason and the store stays empty, or it holds what was saved.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  blockChecksum,
  END_LENGTH,
  encodeHeader,
  headerChecksum,
  type MemoryFileHeader,
} from '../../../src/engine/server/memory-file/format.js';
import { type LoadResult, loadMemory } from '../../../src/engine/server/memory-file/load.js';
import { saveMemory } from '../../../src/engine/server/memory-file/save.js';
import type { Store } from '../../../src/engine/store/store.js';
import { contents, newStore, put, RecordingLog, remove, START_MS } from '../store/new-store.js';
import { effort, TIMEOUT_MS } from './effort.js';
import { expectSound } from './haunted-store.js';

const RUNS = 80;
const PRIVATE = 0o600;
const NO_FLUSH = { floorHi: 0, floorLo: 0, pendingHi: 0, pendingLo: 0, stampHi: 0, stampLo: 0 };
const HEADER: MemoryFileHeader = {
  savedSec: START_MS / 1000,
  clockHi: 0,
  clockLo: 0,
  flush: NO_FLUSH,
  hashSeed: 7,
  lost: { floorHi: 0, floorLo: 0, firstHi: 0, firstLo: 0, seen: [0, 0, 0, 0], sent: [0, 0, 0, 0] },
  pairId: '',
};

let folder: string;
let sound: Buffer;
let saved: Map<string, string>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'repcached-fuzz-'));
  const store = newStore({ changeLog: new RecordingLog() });
  for (let number = 0; number < 30; number++)
    put(store, `key${number}`, 'v'.repeat((number % 3) * 40), { flags: number });
  for (let number = 0; number < 5; number++) remove(store, `key${number}`);
  saved = contents(store);
  const path = join(folder, 'sound');
  await saveMemory(path, store, HEADER);
  expect(statSync(path).mode & 0o777).toBe(PRIVATE);
  sound = readFileSync(path);
});

afterAll(() => rmSync(folder, { recursive: true }));

function load(bytes: Uint8Array): { store: Store; result: LoadResult } {
  const path = join(folder, 'damaged');
  writeFileSync(path, bytes, { mode: PRIVATE });
  const store = newStore({ changeLog: new RecordingLog() });
  const result = loadMemory(path, { store, pairId: '', keepTombstones: true, nowMs: START_MS });
  return { store, result };
}

describe('a file of -e', () => {
  it('that is sound holds what was saved', () => {
    const { store, result } = load(sound);
    expect(result).toMatchObject({ kind: 'loaded', items: 25, ofItems: 25 });
    expect(contents(store)).toEqual(saved);
  });

  it(
    'that is damaged anywhere is refused, and nothing of it is taken',
    () => {
      fc.assert(
        fc.property(
          fc.nat(sound.length - 1),
          fc.nat(20),
          fc.uint8Array({ maxLength: 20 }),
          (at, removed, inserted) => {
            const bytes = Buffer.concat([sound.subarray(0, at), inserted, sound.subarray(at + removed)]);
            fc.pre(!bytes.equals(sound));
            const { store, result } = load(bytes);
            expect(result).toMatchObject({ kind: 'refused', why: expect.stringMatching(/^\S/) });
            expect(contents(store).size).toBe(0);
            expectSound(store);
          },
        ),
        effort(RUNS),
      );
    },
    TIMEOUT_MS,
  );

  it(
    'that ends anywhere before its end is refused',
    () => {
      fc.assert(
        fc.property(fc.nat(sound.length - 1), (length) => {
          expect(load(sound.subarray(0, length)).result.kind).toBe('refused');
        }),
        effort(RUNS),
      );
    },
    TIMEOUT_MS,
  );

  it(
    'whose checksums are right and whose records are anything does no harm',
    () => {
      const number = fc.oneof(fc.nat(300), fc.constantFrom(0x7fff_ffff, 0x8000_0000, 0xffff_ffff));
      const record = fc
        .record({
          kind: fc.oneof(
            { weight: 8, arbitrary: fc.constantFrom(1, 2) },
            { weight: 1, arbitrary: fc.nat(255) },
          ),
          keyLength: fc.oneof(
            { weight: 8, arbitrary: fc.integer({ min: 1, max: 20 }) },
            { weight: 1, arbitrary: fc.nat(255) },
          ),
          marks: fc.oneof({ weight: 8, arbitrary: fc.nat(3) }, { weight: 1, arbitrary: fc.nat(255) }),
          words: fc.array(number, { minLength: 4, maxLength: 4 }),
          valueLength: fc.oneof({ weight: 8, arbitrary: fc.nat(60) }, { weight: 1, arbitrary: number }),
          bytes: fc.uint8Array({ minLength: 10, maxLength: 100 }),
        })
        .map(({ kind, keyLength, marks, words, valueLength, bytes }) => {
          const head = Buffer.alloc(24);
          head.set([kind, keyLength, 0, marks]);
          for (const [index, word] of words.entries()) head.writeUInt32LE(word, 4 + 4 * index);
          head.writeUInt32LE(valueLength, 20);
          const bodyLength = ((marks & 2) === 0 ? 0 : 8) + keyLength + Math.min(valueLength, 400);
          // Mostly as long as the head says.
          const body = Buffer.alloc(bytes.length % 7 === 0 ? bytes.length : bodyLength, bytes);
          return Buffer.concat([head, body]);
        });
      fc.assert(
        fc.property(fc.array(record, { maxLength: 5 }), (records) => {
          const { store, result } = load(fileOf(Buffer.concat(records), records.length));
          expect(['loaded', 'refused']).toContain(result.kind);
          if (result.kind === 'refused') expect(contents(store).size).toBe(0);
          expectSound(store);
        }),
        effort(RUNS),
      );
    },
    TIMEOUT_MS,
  );
});

/** A file with one block, and checksums that are right; all of its records are said to be items. */
function fileOf(content: Buffer, items: number): Buffer {
  const header = encodeHeader(HEADER);
  const end = Buffer.alloc(16);
  end.writeDoubleLE(items, 0);
  let checksum = headerChecksum(header);
  const parts: Uint8Array[] = [header];
  for (const [lengthWord, bytes] of [
    [content.length, content],
    [END_LENGTH, end],
  ] as const) {
    checksum = blockChecksum(checksum, lengthWord, bytes);
    const head = Buffer.alloc(8);
    head.writeUInt32LE(lengthWord, 0);
    head.writeUInt32LE(checksum, 4);
    parts.push(head, bytes);
  }
  return Buffer.concat(parts);
}
