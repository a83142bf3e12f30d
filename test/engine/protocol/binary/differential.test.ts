// The same binary requests to a real memcached and to ours: the same answer to the byte, uniques apart.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  askMemcached,
  isMemcachedInstalled,
  type RealMemcached,
  startMemcached,
} from '../../../helpers/real-memcached.js';
import { newStore } from '../../store/new-store.js';
import { BytesTalk } from './binary-talk.js';
import { CASES } from './cases.js';
import { packet } from './packets.js';

/** A noop whose opaque value no test says: its answer is the last. */
const FENCE = packet({ opcode: 0x0a, opaque: 0x46454e43 });
const FENCE_ANSWER = Buffer.from(FENCE);
FENCE_ANSWER[0] = 0x81;

const hasFence = (heard: Buffer): boolean => heard.subarray(-FENCE_ANSWER.length).equals(FENCE_ANSWER);

/** Sets every unique but 0 to 1: they are the servers' own. */
function withoutUniques(replies: Buffer): string {
  const bytes = Buffer.from(replies);
  for (let at = 0; at + 24 <= bytes.length; at += 24 + bytes.readUInt32BE(at + 8)) {
    if (bytes.readBigUInt64BE(at + 16) !== 0n) bytes.writeBigUInt64BE(1n, at + 16);
  }
  return bytes.toString('hex');
}

describe.skipIf(!isMemcachedInstalled)(
  'beside a real memcached (skipped when memcached is not installed)',
  () => {
    let real: RealMemcached;

    beforeAll(async () => {
      real = await startMemcached();
    });

    afterAll(() => real.stop());

    it.each(CASES.filter(({ oursAlone }) => oursAlone === undefined))(
      '$name',
      async ({ said, closes = false }) => {
        await askMemcached(real.port, Buffer.concat([packet({ opcode: 0x08 }), FENCE]), hasFence);
        const bytes = Buffer.concat([...said, FENCE]);
        const theirs = await askMemcached(real.port, bytes, hasFence);
        const store = newStore({ memoryBytes: 64 * 1024 * 1024 });
        store.setNow(Date.now());
        const talk = new BytesTalk(store);
        const ours = talk.say(bytes);
        expect(withoutUniques(ours)).toBe(withoutUniques(theirs.heard));
        expect({ theirs: theirs.closes, ours: talk.session.closing }).toEqual({
          theirs: closes,
          ours: closes,
        });
      },
    );
  },
);
