// How bytes arrive: whole, byte by byte, or cut anywhere.
import fc from 'fast-check';

/** Cuts bytes into pieces that make the same bytes again; some may be empty. */
export type Splitter = (bytes: Uint8Array) => Uint8Array[];

const byteByByte: Splitter = (bytes) => Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));

/** Every byte by itself is only worth its time for short streams. */
const BYTE_BY_BYTE_MAX = 20_000;

/** @param fractions in [0, 1) */
function cutAt(fractions: readonly number[], bytes: Uint8Array): Uint8Array[] {
  const cuts = fractions.map((fraction) => Math.floor(fraction * (bytes.length + 1))).sort((a, b) => a - b);
  return [...cuts, bytes.length].map((end, index) => bytes.subarray(index === 0 ? 0 : cuts[index - 1], end));
}

const cuts = fc
  .array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 1, maxLength: 12 })
  .map(
    (fractions): Splitter =>
      (bytes) =>
        cutAt(fractions, bytes),
  );

export const splitter: fc.Arbitrary<Splitter> = fc.oneof(
  { weight: 4, arbitrary: cuts },
  {
    weight: 1,
    arbitrary: fc.constant<Splitter>((bytes) =>
      bytes.length > BYTE_BY_BYTE_MAX ? cutAt([0.1, 0.5, 0.9], bytes) : byteByByte(bytes),
    ),
  },
);
