// The frames in the bytes of one send, which are whole ones.

import { FRAME_HEADER_BYTES, readU32 } from '../../../src/engine/replication/frames.js';

const LENGTH_BYTES = 4;

/** Payloads are views: who changes one changes what is sent. */
export function* framesOf(bytes: Uint8Array): Generator<[type: number, payload: Uint8Array]> {
  for (let at = 0; at < bytes.length; ) {
    const end = at + LENGTH_BYTES + readU32(bytes, at);
    yield [bytes[at + LENGTH_BYTES], bytes.subarray(at + FRAME_HEADER_BYTES, end)];
    at = end;
  }
}
