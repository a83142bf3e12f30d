// Frames come out alike, and nonsense is noticed alike, however the bytes are cut.

import { describe, expect, it } from 'vitest';
import { FrameDecoder } from '../../../src/engine/replication/frame-decoder.js';

/** What the pieces are taken for: the frames, and whether that was all. */
function decode(pieces: readonly Uint8Array[]): { frames: string[]; isSound: boolean } {
  const decoder = new FrameDecoder();
  const frames: string[] = [];
  for (const piece of pieces) {
    const isSound = decoder.feed(piece, {
      onFrame: (type, bytes, start, end) => {
        frames.push(`${type}:${Buffer.from(bytes.subarray(start, end)).toString('hex')}`);
        return true;
      },
    });
    if (!isSound) return { frames, isSound };
  }
  return { frames, isSound: true };
}

const FRAMES = Uint8Array.of(1, 0, 0, 0, 13, 3, 0, 0, 0, 9, 0xaa, 0xbb);

describe('FrameDecoder', () => {
  it.each([
    { name: 'whole frames', tail: [], isSound: true },
    { name: 'a frame that is cut off', tail: [2, 0, 0, 0, 5], isSound: true },
    { name: 'a length that is cut off', tail: [0xff, 0xff, 0xff], isSound: true },
    { name: 'a length alone', tail: [2, 0, 0, 0], isSound: true },
    { name: 'a length of zero at the very end', tail: [0, 0, 0, 0], isSound: false },
    { name: 'a length above the bound at the very end', tail: [0xff, 0xff, 0xff, 0xff], isSound: false },
    { name: 'a length of zero, and more', tail: [0, 0, 0, 0, 1], isSound: false },
  ])('takes $name for the same, cut anywhere', ({ tail, isSound }) => {
    const bytes = Uint8Array.from([...FRAMES, ...tail]);
    const expected = { frames: ['13:', '9:aabb'], isSound };
    expect(decode([bytes])).toEqual(expected);
    expect(decode(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(expected);
    for (let at = 0; at <= bytes.length; at++) {
      expect(decode([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(expected);
    }
  });
});
