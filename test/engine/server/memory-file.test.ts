// The file of -e by itself: what comes back, and that a file which is not whole gives nothing at all.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HybridClock } from '../../../src/engine/replication/clock.js';
import { HEADER_BYTES } from '../../../src/engine/server/memory-file/format.js';
import { type LoadResult, loadMemory, readHashSeed } from '../../../src/engine/server/memory-file/load.js';
import { saveMemory } from '../../../src/engine/server/memory-file/save.js';
import type { Store } from '../../../src/engine/store/store.js';
import { MODE_ADD } from '../../../src/engine/store/store-types.js';
import { withFolder } from '../../helpers/temporary-folder.js';
import { newStore, put, RecordingLog, START_MS } from '../store/new-store.js';

const DAY_MS = 86_400_000;

async function save(
  path: string,
  store: Store,
  { pairId = '', clock = new HybridClock(0) } = {},
): Promise<void> {
  await saveMemory(path, store, {
    savedSec: START_MS / 1000,
    clockHi: clock.latestHi,
    clockLo: clock.latestLo,
    flush: store.flushState(),
    hashSeed: store.hashSeed,
    lost: store.lostWrites.floor,
    pairId,
  });
}

function load(
  path: string,
  store: Store,
  { pairId = '', keepTombstones = false, nowMs = START_MS } = {},
): LoadResult {
  store.setNow(nowMs);
  return loadMemory(path, { store, pairId, keepTombstones, nowMs });
}

/** Key to everything else of each item. */
function contents(store: Store): Map<string, string> {
  const items = new Map<string, string>();
  for (let bucket = 0; bucket < store.bucketCount; bucket++) {
    for (let ref = store.bucketHead(bucket); ref !== 0; ref = store.nextInBucket(ref)) {
      const key = Buffer.alloc(store.keyLength(ref));
      store.copyKey(ref, key, 0);
      const value = Buffer.alloc(store.isTombstone(ref) ? 0 : store.valueLength(ref));
      if (value.length > 0) store.copyValue(ref, 0, value.length, value, 0);
      const version = [store.versionHi(ref), store.versionLo(ref), store.touchSeq(ref)];
      const rest = store.isTombstone(ref)
        ? ['deleted']
        : [
            value.toString('latin1'),
            store.flags(ref),
            store.exptimeSec(ref),
            store.isStale(ref),
            store.isProvisional(ref),
          ];
      items.set(key.toString(), JSON.stringify([...version, ...rest]));
    }
  }
  return items;
}

/** Small, and of every kind of record. */
function smallStore(): Store {
  const store = newStore({ changeLog: new RecordingLog() });
  put(store, 'plain', 'value');
  put(store, 'flags', 'v', { flags: 0xffff_ffff });
  put(store, 'ttl', 'v', { exptime: 1000 });
  put(store, 'empty', '');
  put(store, 'k'.repeat(250), Buffer.from([0, 13, 10, 255]));
  store.noteSync(false, true);
  put(store, 'added', 'v', { mode: MODE_ADD });
  put(store, 'gone', 'v');
  store.remove(Buffer.from('gone'), 0, 4);
  return store;
}

describe('a saved store', () => {
  it('comes back as it was, whatever the new memory and slab classes', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'memory');
      const store = smallStore();
      store.touch(Buffer.from('plain'), 0, 5, START_MS / 1000 + 500);
      await save(path, store);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(readdirSync(folder)).toEqual(['memory']);

      const other = newStore({
        memoryBytes: 16 * 1024 * 1024,
        growthFactor: 1.6,
        hashSeed: 99,
        changeLog: new RecordingLog(),
      });
      expect(load(path, other, { keepTombstones: true })).toEqual({
        kind: 'loaded',
        items: 6,
        ofItems: 6,
        savedSec: START_MS / 1000,
      });
      expect(contents(other)).toEqual(contents(store));
    });
  });

  it('keeps which keys were lost before the peer knew, for a process that hashes alike', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'memory');
      const store = smallStore();
      store.lostWrites.begin(1, 0);
      store.lostWrites.join(0, 1, 0);
      store.lostWrites.part(6, 0);
      store.lostWrites.noteDeleted(1234, 5, 0);
      await save(path, store);
      expect(readHashSeed(path)).toBe(store.hashSeed);
      const alike = newStore({ changeLog: new RecordingLog() });
      expect(load(path, alike, { keepTombstones: true }).kind).toBe('loaded');
      expect(contents(alike)).toEqual(contents(store));
      const ofAlike = [1234, 1235].map((hash) => alike.lostWrites.covers(hash, 4, 0));
      expect(ofAlike).toEqual([true, false]);

      await save(path, store);
      const other = newStore({ hashSeed: 99, changeLog: new RecordingLog() });
      load(path, other, { keepTombstones: true });
      expect(contents(other)).toEqual(contents(store));
      const ofOther = [4, 6].map((versionHi) => other.lostWrites.covers(1235, versionHi, 0));
      expect(ofOther).toEqual([true, false]);
    });
  });

  it('is loaded once: the file is gone before it is served', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'memory');
      await save(path, smallStore());
      expect(load(path, newStore()).kind).toBe('loaded');
      expect(existsSync(path)).toBe(false);
      expect(load(path, newStore())).toEqual({ kind: 'none' });
    });
  });

  it('keeps many items, and values longer than a page', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'memory');
      const options = { memoryBytes: 64 * 1024 * 1024, itemSizeMaxBytes: 8 * 1024 * 1024 };
      const store = newStore(options);
      for (let at = 0; at < 50_000; at++) put(store, `key-${at}`, `value ${at}`);
      const large = Buffer.alloc(5 * 1024 * 1024, 'chained');
      put(store, 'large', large);
      await save(path, store);
      const other = newStore(options);
      expect(load(path, other)).toMatchObject({ items: 50_001, ofItems: 50_001 });
      expect(contents(other)).toEqual(contents(store));
    });
  });

  it('is cut down to the memory there is', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'memory');
      const store = newStore({ memoryBytes: 32 * 1024 * 1024 });
      for (let at = 0; at < 20; at++) put(store, `key-${at}`, Buffer.alloc(1_000_000));
      await save(path, store);
      const small = newStore();
      expect(load(path, small)).toMatchObject({ kind: 'loaded', ofItems: 20 });
      expect(contents(small).size).toBeGreaterThan(0);
      expect(contents(small).size).toBeLessThan(20);
    });
  });

  it('leaves out what has expired meanwhile; in a pair its tombstone stays', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'memory');
      for (const keepTombstones of [false, true]) {
        await save(path, smallStore());
        const other = newStore({ changeLog: new RecordingLog() });
        expect(load(path, other, { keepTombstones, nowMs: START_MS + DAY_MS })).toMatchObject({
          items: 5,
          ofItems: 6,
        });
        const kept = contents(other);
        expect(kept.get('ttl')?.includes('deleted')).toBe(keepTombstones ? true : undefined);
        expect(kept.get('gone')?.includes('deleted')).toBe(keepTombstones ? true : undefined);
        expect(kept.size).toBe(keepTombstones ? 7 : 5);
      }
    });
  });

  it('loses to newer writes, and later writes get higher versions', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'memory');
      const store = newStore();
      put(store, 'key', 'old');
      await save(path, store);
      const saved = contents(store).get('key');
      // The clock of the host went back by ten minutes.
      const other = newStore();
      load(path, other, { nowMs: START_MS - 600_000 });
      put(other, 'key', 'new');
      const version = (entry: string | undefined): bigint => {
        const [hi, lo] = JSON.parse(entry ?? '');
        return (BigInt(hi) << 32n) | BigInt(lo);
      };
      expect(version(contents(other).get('key'))).toBeGreaterThan(version(saved));
    });
  });

  it('keeps flush_all, one still to come included', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'memory');
      const store = newStore();
      put(store, 'key', 'v');
      store.flushAll(100);
      await save(path, store);
      const other = newStore();
      load(path, other);
      expect(other.flushState()).toEqual(store.flushState());
      expect(other.find(Buffer.from('key'), 0, 3)).not.toBe(0);
      other.setNow(START_MS + 101_000);
      expect(other.find(Buffer.from('key'), 0, 3)).toBe(0);
    });
  });

  it('is not mixed up with another pair', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'memory');
      await save(path, smallStore(), { pairId: 'one' });
      expect(load(path, newStore(), { pairId: 'other' })).toEqual({
        kind: 'refused',
        why: 'belongs to the pair "one"',
      });
      expect(load(path, newStore(), { pairId: 'one' }).kind).toBe('loaded');
    });
  });

  it('from far in the future is refused', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'memory');
      const clock = new HybridClock(0);
      clock.tick(START_MS + DAY_MS);
      await save(path, smallStore(), { clock });
      expect(load(path, newStore())).toMatchObject({
        kind: 'refused',
        why: expect.stringContaining('hour in the future'),
      });
      expect(existsSync(path)).toBe(true);
    });
  });
});

describe('a file that is not whole', () => {
  /** Loads the bytes, which must be refused and leave nothing behind. */
  function expectRefused(path: string, bytes: Buffer, what: string): void {
    writeFileSync(path, bytes, { mode: 0o600 });
    const store = newStore({ changeLog: new RecordingLog() });
    const result = load(path, store, { keepTombstones: true });
    expect(result.kind, what).toBe('refused');
    expect(contents(store).size, what).toBe(0);
    expect(store.flushState().stampHi, what).toBe(0);
    expect(store.lostWrites.isPending, what).toBe(false);
  }

  it('is refused whole, whichever byte is wrong', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'memory');
      await save(path, smallStore(), { pairId: 'p' });
      const sound = readFileSync(path);
      const damaged = join(folder, 'damaged');
      for (let at = 0; at < sound.length; at++) {
        const bytes = Buffer.from(sound);
        const flip = 1 << (at % 8);
        bytes[at] ^= flip;
        expectRefused(damaged, bytes, `byte ${at} ^ ${flip}`);
      }
    });
  });

  it('is refused at each length', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'memory');
      await save(path, smallStore());
      const sound = readFileSync(path);
      const damaged = join(folder, 'damaged');
      for (let length = 0; length < sound.length; length++) {
        expectRefused(damaged, sound.subarray(0, length), `${length} bytes`);
      }
      expectRefused(damaged, Buffer.concat([sound, Buffer.alloc(1)]), 'a byte more');
      expectRefused(damaged, Buffer.concat([sound, sound]), 'twice');
    });
  });

  it('is refused when a block is missing, twice there, or in another place', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'memory');
      const store = newStore({ memoryBytes: 16 * 1024 * 1024 });
      for (let at = 0; at < 4; at++) put(store, `key-${at}`, Buffer.alloc(900_000, at));
      await save(path, store);
      const sound = readFileSync(path);
      const blocks: Buffer[] = [];
      for (let at = HEADER_BYTES; at < sound.length; ) {
        const word = sound.readUInt32LE(at);
        const length = 8 + (word === 0xffff_ffff ? 16 : word);
        blocks.push(sound.subarray(at, at + length));
        at += length;
      }
      const header = sound.subarray(0, HEADER_BYTES);
      const damaged = join(folder, 'damaged');
      const [first, second, ...rest] = blocks;
      expect(Buffer.concat([header, ...blocks]).equals(sound)).toBe(true);
      expect(rest.length).toBeGreaterThan(0);
      expectRefused(damaged, Buffer.concat([header, second, ...rest]), 'first missing');
      expectRefused(damaged, Buffer.concat([header, first, ...rest]), 'second missing');
      expectRefused(damaged, Buffer.concat([header, second, first, ...rest]), 'swapped');
      expectRefused(damaged, Buffer.concat([header, first, first, second, ...rest]), 'twice');
    });
  });

  it('is refused with a clear line when it is something else', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'memory');
      const why = (): string => {
        const result = load(path, newStore());
        return result.kind === 'refused' ? result.why : result.kind;
      };
      writeFileSync(path, '#!/bin/sh\n'.repeat(100), { mode: 0o600 });
      expect(why()).toBe('is not a file of -e');
      await save(path, smallStore());
      const newer = readFileSync(path);
      newer.writeUInt32LE(2, 8);
      writeFileSync(path, newer);
      expect(why()).toBe('has format 2, and this version reads format 1');
      chmodSync(path, 0o620);
      expect(why()).toBe("can be written by other users, so it may be anybody's");
      mkdirSync(join(folder, 'sub'));
      expect(load(join(folder, 'sub'), newStore())).toEqual({ kind: 'refused', why: 'is no plain file' });
      symlinkSync(path, join(folder, 'link'));
      expect(load(join(folder, 'link'), newStore())).toEqual({
        kind: 'refused',
        why: "can't be read (ELOOP)",
      });
    });
  });

  it('does not follow a link when it is written', async () => {
    await withFolder(async (folder) => {
      const precious = join(folder, 'precious');
      writeFileSync(precious, 'precious');
      const path = join(folder, 'memory');
      symlinkSync(precious, path);
      symlinkSync(precious, `${path}.new`);
      await save(path, smallStore());
      expect(readFileSync(precious, 'utf8')).toBe('precious');
      expect(load(path, newStore()).kind).toBe('loaded');
    });
  });
});
