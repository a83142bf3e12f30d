// Binary requests as clients send them, right and wrong, but always whole: the connection survives each of them.
import fc from 'fast-check';
import { counting, packet, storing, u32 } from '../protocol/binary/packets.js';
import { NUMBER_KEYS, taggedValue } from './tagged-values.js';
import { TEXT_KEYS } from './text-grammar.js';

export interface BinaryRequest {
  readonly opcode: number;
  readonly key: string;
  /** Errors are said even by quiet forms, so these answer once or not at all. */
  readonly isQuiet: boolean;
  readonly bytes: Buffer;
}

const OP_NOOP = 0x0a;
const OP_STAT = 0x10;
const OPAQUE_AT = 12;

const key = fc.constantFrom(...TEXT_KEYS);
const numberKey = fc.constantFrom(...NUMBER_KEYS);
const unique = fc.constantFrom(0n, 0n, 0n, 1n, 2n ** 64n - 1n);
const exptime = fc.constantFrom(0, 0, 0, 100, 0xffff_ffff, 1_800_000_000);
const times = fc.oneof(
  { weight: 20, arbitrary: fc.nat(40) },
  { weight: 2, arbitrary: fc.constantFrom(3_000, 30_000, 90_000) },
);

/** Each loud form with its quiet one, which is `quiet` above it. */
const request = (opcode: number, isQuiet: boolean, name: string, bytes: Buffer): BinaryRequest => ({
  opcode,
  isQuiet,
  key: name,
  bytes,
});

/** Loud and quiet opcodes. */
const STORING = [
  [0x01, 0x11],
  [0x02, 0x12],
  [0x03, 0x13],
  [0x0e, 0x19],
  [0x0f, 0x1a],
] as const;
const GETTING = [
  [0x00, 0x09],
  [0x0c, 0x0d],
] as const;
const TOUCHING = [
  [0x1d, 0x1e],
  [0x23, 0x24],
] as const;
const COUNTING = [
  [0x05, 0x15],
  [0x06, 0x16],
] as const;

const APPEND = 0x0e;

const storingRequest = fc
  .record({ opcodes: fc.constantFrom(...STORING), isQuiet: fc.boolean(), key, times, unique, exptime })
  .map(({ opcodes, isQuiet, key: name, times: count, unique: compared, exptime: until }) => {
    const opcode = opcodes[isQuiet ? 1 : 0];
    const value = taggedValue(name, Math.ceil(count / (name.length + 2)));
    const bytes =
      opcodes[0] >= APPEND
        ? packet({ opcode, key: name, value, unique: compared })
        : storing(opcode, name, value, { flags: count, exptime: until, unique: compared });
    return request(opcode, isQuiet, name, bytes);
  });

const gettingRequest = fc
  .record({ opcodes: fc.constantFrom(...GETTING), isQuiet: fc.boolean(), key: fc.oneof(key, numberKey) })
  .map(({ opcodes, isQuiet, key: name }) => {
    const opcode = opcodes[isQuiet ? 1 : 0];
    return request(opcode, isQuiet, name, packet({ opcode, key: name }));
  });

const touchingRequest = fc
  .record({ opcodes: fc.constantFrom(...TOUCHING), isQuiet: fc.boolean(), key, exptime })
  .map(({ opcodes, isQuiet, key: name, exptime: until }) => {
    const opcode = opcodes[isQuiet ? 1 : 0];
    return request(opcode, isQuiet, name, packet({ opcode, key: name, extras: u32(until) }));
  });

const countingRequest = fc
  .record({
    opcodes: fc.constantFrom(...COUNTING),
    isQuiet: fc.boolean(),
    key: fc.oneof({ weight: 6, arbitrary: numberKey }, { weight: 1, arbitrary: key }),
    delta: fc.constantFrom(0n, 1n, 7n, 2n ** 64n - 1n),
    // On a key of tags it must never create a number.
    unique,
  })
  .map(({ opcodes, isQuiet, key: name, delta, unique: compared }) => {
    const opcode = opcodes[isQuiet ? 1 : 0];
    const exptimeSec = NUMBER_KEYS.includes(name) ? 0 : 0xffff_ffff;
    return request(
      opcode,
      isQuiet,
      name,
      counting(opcode, name, delta, { exptime: exptimeSec, unique: compared }),
    );
  });

const otherRequest = fc.oneof(
  fc
    .tuple(fc.constantFrom(0x04, 0x14), key, unique)
    .map(([opcode, name, compared]) =>
      request(opcode, opcode === 0x14, name, packet({ opcode, key: name, unique: compared })),
    ),
  fc
    .constantFrom(0x08, 0x18)
    .map((opcode) => request(opcode, opcode === 0x18, '', packet({ opcode, extras: u32(10) }))),
  fc.constantFrom(0x0a, 0x0b).map((opcode) => request(opcode, false, '', packet({ opcode }))),
  fc
    .constantFrom('', 'items', 'nonsense')
    .map((group) => request(OP_STAT, false, group, packet({ opcode: OP_STAT, key: group }))),
  fc
    .tuple(fc.constantFrom(0x1f, 0x30, 0x55, 0xfe), fc.uint8Array({ maxLength: 60 }))
    .map(([opcode, value]) => request(opcode, false, '', packet({ opcode, value }))),
);

export const binaryRequest: fc.Arbitrary<BinaryRequest> = fc.oneof(
  { weight: 6, arbitrary: storingRequest },
  { weight: 5, arbitrary: gettingRequest },
  { weight: 2, arbitrary: touchingRequest },
  { weight: 3, arbitrary: countingRequest },
  { weight: 2, arbitrary: otherRequest },
);

/** The stream of all requests, numbered by their opaque from 1, with a noop of opaque 0 at its end. */
export function numbered(requests: readonly BinaryRequest[]): Buffer {
  const stream = requests.map(({ bytes }, index) => {
    const copy = Buffer.from(bytes);
    copy.writeUInt32BE(index + 1, OPAQUE_AT);
    return copy;
  });
  return Buffer.concat([...stream, packet({ opcode: OP_NOOP, opaque: 0 })]);
}

/** Whether an opcode's reply is a series that ends with an empty key. */
export function answersSeries(opcode: number): boolean {
  return opcode === OP_STAT;
}
