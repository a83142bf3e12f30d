// Bytes that no client sends: pieces of the protocols thrown together, cut short, with bytes changed. Nothing may throw,
// hang, hold a slot, or give away what another client stored, logged in or not.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClientAccess } from '../../../src/engine/protocol/session.js';
import { credentialsOf } from '../protocol/auth/fixed-credentials.js';
import { packet } from '../protocol/binary/packets.js';
import { contents } from '../store/new-store.js';
import { binaryRequest } from './binary-grammar.js';
import { converse } from './conversation.js';
import { effort, TIMEOUT_MS } from './effort.js';
import { expectSound, GHOST_TAG, hauntedStore } from './haunted-store.js';
import { splitter } from './splits.js';
import { textCommand } from './text-grammar.js';

const RUNS = 80;
/** Whether a longer line without an end closes the connection depends on where it is split, with memcached too. */
const STREAM_BYTES_MAX = 2048;

const word = fc.constantFrom(
  ...'get gets gat set add append cas delete incr touch mg ms md ma me mn stats items slabs sizes'.split(' '),
  ...'flush_all version verbosity noreply quit lru lru_crawler metadump slabs reassign watch detail'.split(
    ' ',
  ),
  ...'0 1 -1 2 10 250 2147483647 -2147483648 4294967296 18446744073709551616 1e9 all hash a b'.split(' '),
  ...'T0 N30 b k v q O1 C0 MS MI E1 I x HTTP/1.1 maps reset shutdown conns cachedump'.split(' '),
);
const separator = fc.constantFrom(' ', ' ', ' ', '  ', '\r\n', '\r\n', '\n', '\r', '\t', '\0', '');
const words = fc
  .array(fc.tuple(word, separator), { minLength: 1, maxLength: 20 })
  .map((pairs) => Buffer.from(pairs.flat().join(''), 'latin1'));

const lyingPacket = fc
  .record({
    opcode: fc.nat(0x26),
    key: fc.constantFrom('', 'a', 'PLAIN', 'k'.repeat(250)),
    value: fc.constantFrom('', '1', '\0ann\0pass', 'x'.repeat(30)),
    extras: fc.constantFrom(0, 4, 8, 20).map((size) => new Uint8Array(size)),
    keyLength: fc.option(fc.constantFrom(0, 1, 250, 251, 0x7fff, 0xffff), { nil: undefined }),
    extrasLength: fc.option(fc.constantFrom(0, 1, 8, 20, 0xff), { nil: undefined }),
    bodyLength: fc.option(fc.constantFrom(0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff), { nil: undefined }),
  })
  .map(({ keyLength, extrasLength, bodyLength, ...honest }) =>
    packet({
      ...honest,
      ...(keyLength !== undefined && { keyLength }),
      ...(extrasLength !== undefined && { extrasLength }),
      ...(bodyLength !== undefined && { bodyLength }),
    }),
  );

const piece: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 4, arbitrary: words },
  { weight: 3, arbitrary: textCommand.map(({ bytes }) => bytes.subarray(0, 500)) },
  { weight: 2, arbitrary: binaryRequest.map(({ bytes }) => bytes.subarray(0, 500)) },
  { weight: 2, arbitrary: lyingPacket },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
);

interface Damage {
  readonly at: number;
  readonly byte: number;
}

const damage: fc.Arbitrary<Damage> = fc.record({
  at: fc.nat(STREAM_BYTES_MAX),
  byte: fc.oneof(fc.constantFrom(0x00, 0x0a, 0x0d, 0x20, 0x2d, 0x39, 0x7f, 0x80, 0xff), fc.nat(0xff)),
});

const stream = fc
  .tuple(fc.array(piece, { minLength: 1, maxLength: 12 }), fc.array(damage, { maxLength: 5 }))
  .map(([pieces, damages]) => {
    const bytes = Buffer.from(Buffer.concat(pieces).subarray(0, STREAM_BYTES_MAX));
    for (const { at, byte } of damages) if (at < bytes.length) bytes[at] = byte;
    return bytes;
  });

const CREDENTIALS = credentialsOf(`ann:${'p'.repeat(40)}\n`);
const ACCESSES: readonly { name: string; access: Partial<ClientAccess> }[] = [
  { name: 'either protocol', access: {} },
  { name: 'the binary protocol only', access: { protocols: 'binary' } },
  { name: 'the text protocol only', access: { protocols: 'ascii' } },
  { name: 'either protocol, with a login', access: { credentials: CREDENTIALS } },
  { name: 'the text protocol, with a login', access: { protocols: 'ascii', credentials: CREDENTIALS } },
];

describe('bytes at random', () => {
  it.each(ACCESSES)(
    'do no harm to $name',
    ({ access }) => {
      fc.assert(
        fc.property(stream, splitter, (bytes, split) => {
          const store = hauntedStore();
          const before = contents(store);
          const whole = converse(store, [bytes], access);
          expect(whole.bytes.includes(GHOST_TAG)).toBe(false);
          expectSound(store);
          // Nobody guesses the password: nothing was changed.
          if (access.credentials !== undefined) expect(contents(store)).toEqual(before);
          const other = hauntedStore();
          const pieces = converse(other, split(bytes), access);
          expect(pieces.bytes.toString('latin1')).toBe(whole.bytes.toString('latin1'));
          expect(pieces.closes).toBe(whole.closes);
          expectSound(other);
        }),
        effort(RUNS),
      );
    },
    TIMEOUT_MS,
  );
});
