// What must survive the way to the peer unchanged: flags, any bytes, the extremes of sizes, and many keys at once.
import { CheckFailure } from '../check-result.js';
import { ClientError } from '../client/client-error.js';
import { batches, SAFETY_EXPTIME_SEC } from '../probe-keys.js';
import type { CheckFinding } from '../run-check.js';
import { sinceMs } from '../run-check.js';
import { poll } from '../wait.js';
import { type Direction, type DirectionCheck, expectAnswer } from './direction.js';

const OPTIONS = { exptimeSec: SAFETY_EXPTIME_SEC };
const REMEDY =
  'see `repcachectl logs` of both nodes; both should run the same release (`repcachectl status`)';
const MAX_KEY_LENGTH = 250;
/** Where a node accepts larger items (-I), this is still the size that is tried: a live cache must not feel it. */
const LARGEST_TRIED_BYTES = 1024 * 1024;
/** What an item's header, key and slab rounding may take of the item size limit. */
const HEADROOM_BYTES = [64, 128, 256, 512, 1024, 2048];

export const VALUE_CHECKS: readonly DirectionCheck[] = [
  {
    id: 'flags',
    title: 'flags of 32 bits',
    remedy: REMEDY,
    async run(direction) {
      for (const flags of [0, 1, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff]) {
        await direction.begin(`flags-${flags}`, 'flagged', flags);
      }
      return { detail: '0 to 4294967295' };
    },
  },
  {
    id: 'binary',
    title: 'every byte from 0 to 255, and protocol text inside a value',
    remedy: REMEDY,
    async run(direction) {
      await direction.begin('all-bytes', Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)));
      await direction.begin('line-ends', '\r\nEND\r\nVALUE k 0 1\r\nx\r\nset k 0 0 1\r\n\r\n');
      return {};
    },
  },
  {
    id: 'empty',
    title: 'an empty value',
    remedy: REMEDY,
    async run(direction) {
      await direction.begin('empty', '');
      return {};
    },
  },
  {
    id: 'long-key',
    title: `a key of ${MAX_KEY_LENGTH} bytes`,
    remedy: REMEDY,
    async run(direction) {
      const padding = MAX_KEY_LENGTH - direction.key('').length;
      await direction.begin('k'.repeat(padding), 'long key');
      return {};
    },
  },
  { id: 'large', title: 'the largest value accepted', remedy: REMEDY, run: checkLargest },
  {
    id: 'too-large',
    title: 'too large a value is refused, and the old one is gone',
    remedy: REMEDY,
    run: checkTooLarge,
  },
  { id: 'many', title: 'many keys, pipelined', remedy: REMEDY, run: checkMany },
];

async function checkLargest(direction: Direction): Promise<CheckFinding> {
  const limitBytes = Math.min(await itemSizeMax(direction), LARGEST_TRIED_BYTES);
  const key = direction.key('large');
  for (const headroomBytes of HEADROOM_BYTES) {
    const value = patterned(limitBytes - headroomBytes);
    if (await refused(direction, key, value)) continue;
    return { visibleMs: await direction.seen(key, { value }), detail: `${value.length} bytes` };
  }
  throw new CheckFailure(`a value of ${limitBytes - HEADROOM_BYTES.at(-1)!} bytes stored`, 'too large');
}

async function checkTooLarge(direction: Direction): Promise<CheckFinding> {
  const limitBytes = await itemSizeMax(direction);
  if (limitBytes > LARGEST_TRIED_BYTES)
    return { skipped: `the limit is ${limitBytes} bytes: too much for a live cache` };
  const key = await direction.begin('too-large', 'small');
  if (!(await refused(direction, key, patterned(limitBytes + 1)))) {
    throw new CheckFailure(`${limitBytes + 1} bytes refused`, 'STORED');
  }
  return { visibleMs: await direction.gone(key), detail: `${limitBytes + 1} bytes` };
}

/** Reads in multigets, as applications do, until every key shows. */
async function checkMany(direction: Direction): Promise<CheckFinding> {
  const missing = new Map<string, string>();
  for (let i = 0; i < direction.manyKeys; i += 1) missing.set(direction.key(`many-${i}`), `value ${i}`);
  const answers = [...missing].map(([key, value]) => direction.writer.store('set', key, value, OPTIONS));
  for (const answer of await Promise.all(answers)) expectAnswer('set', answer, 'STORED');

  const startedAt = performance.now();
  const allShown = async () => {
    for (const batch of batches([...missing.keys()])) {
      for (const [key, { value }] of await direction.reader.gets(batch)) {
        if (value.toString() === missing.get(key)) missing.delete(key);
      }
    }
    return missing.size === 0 ? true : undefined;
  };
  await poll(allShown, { withinMs: direction.visibleWithinMs, signal: direction.signal });
  if (missing.size > 0) {
    const seen = `${missing.size} missing or different, such as ${[...missing.keys()][0]}`;
    throw new CheckFailure(`all ${direction.manyKeys} keys on ${direction.to}`, seen);
  }
  return { visibleMs: sinceMs(startedAt), detail: `${direction.manyKeys} keys` };
}

async function refused(direction: Direction, key: string, value: Buffer): Promise<boolean> {
  try {
    expectAnswer('set', await direction.writer.store('set', key, value, OPTIONS), 'STORED');
    return false;
  } catch (error) {
    if (error instanceof ClientError && error.kind === 'answered' && /too large/.test(error.message))
      return true;
    throw error;
  }
}

async function itemSizeMax(direction: Direction): Promise<number> {
  const text = (await direction.writer.stats('settings')).get('item_size_max');
  const sizeBytes = Number(text);
  if (!(sizeBytes >= 1024)) throw new CheckFailure('item_size_max in stats settings', text ?? 'nothing');
  return sizeBytes;
}

/** Bytes in which a lost, doubled or swapped piece shows. */
function patterned(sizeBytes: number): Buffer {
  const value = Buffer.allocUnsafe(sizeBytes);
  for (let i = 0; i < sizeBytes; i += 1) value[i] = (i * 31 + (i >>> 8) * 17 + (i >>> 16)) & 0xff;
  return value;
}
