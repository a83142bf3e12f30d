// Damaged and random binary requests, split anywhere: the session answers whole replies, the same however it is split.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newStore } from '../../store/new-store.js';
import { BytesTalk } from './binary-talk.js';
import { describeReplies, packet } from './packets.js';

const RUNS = 200;
const SECRET = 'what only another client stored';

const word = fc.stringMatching(/^[a-c]{0,3}$/);

/** Mostly right: each field now and then lies. */
const request = fc
  .record({
    opcode: fc.oneof({ weight: 9, arbitrary: fc.nat(0x25) }, { weight: 1, arbitrary: fc.nat(0xff) }),
    extras: fc.oneof(...[0, 4, 8, 20].map((size) => fc.uint8Array({ minLength: size, maxLength: size }))),
    key: word,
    value: fc.oneof(word, fc.uint8Array({ maxLength: 40 })),
    unique: fc.oneof({ weight: 4, arbitrary: fc.constant(0n) }, fc.bigInt({ min: 0n, max: 9n })),
    lies: fc.record(
      {
        keyLength: fc.oneof(fc.nat(10), fc.nat(0xffff)),
        extrasLength: fc.nat(0xff),
        bodyLength: fc.oneof(fc.nat(60), fc.nat(0xffff_ffff)),
        magic: fc.nat(0xff),
      },
      { requiredKeys: [] },
    ),
    lying: fc.nat(9),
  })
  .map(({ lies, lying, ...honest }) => packet(lying === 0 ? { ...honest, ...lies } : honest));

const stream = fc
  .array(
    fc.oneof({ weight: 9, arbitrary: request }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 50 }) }),
    {
      minLength: 1,
      maxLength: 12,
    },
  )
  .map((pieces) => Buffer.concat(pieces));

/** What is heard, and how it ends; another client's value lies in the same memory. */
function hear(pieces: readonly Uint8Array[]): { heard: string[]; bytes: Buffer; closes: boolean } {
  const store = newStore({ memoryBytes: 4 * 1024 * 1024 });
  new BytesTalk(store).say(
    packet({ opcode: 0x11, extras: Buffer.alloc(8), key: 'another client', value: SECRET }),
  );
  const talk = new BytesTalk(store, { protocols: 'binary' });
  const bytes = talk.say(...pieces);
  const { closing: closes } = talk.session;
  talk.session.close();
  return { heard: describeReplies(bytes), bytes, closes };
}

describe('the binary protocol, damaged', () => {
  it('answers whole replies, the same for every split, and nothing of anybody else', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 6 }), (bytes, cuts) => {
        const whole = hear([bytes]);
        expect(whole.bytes.includes(SECRET)).toBe(false);
        const places = [
          0,
          ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b),
          bytes.length,
        ];
        const pieces = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
        const { heard, closes } = hear(pieces);
        expect(heard).toEqual(whole.heard);
        expect(closes).toBe(whole.closes);
      }),
      { numRuns: RUNS },
    );
  }, 120_000);
});
