// Builds the bytes of one send: frames one after the other in a buffer that is used again and again.

import { FRAME_HEADER_BYTES, type FrameType, writeF64, writeU32 } from './frames.js';

const INITIAL_BYTES = 16_384;
/** What is kept for the next send; a buffer that grew above it for a large value is given up. */
const KEPT_BYTES = 1_048_576;

/** Append frames, take {@link FrameWriter.bytes}, and {@link FrameWriter.clear} once they have left. */
export class FrameWriter {
  /** Fresh memory only when a frame does not fit. Written by callers between `begin` and the next call. */
  buffer = new Uint8Array(INITIAL_BYTES);
  length = 0;

  /** What was written. Valid until the next `clear`. */
  get bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
    if (this.buffer.length > KEPT_BYTES) this.buffer = new Uint8Array(INITIAL_BYTES);
  }

  /** Writes a frame's header and makes room for its payload. Returns where in `buffer` the payload goes. */
  begin(type: FrameType, payloadBytes: number): number {
    const at = this.length;
    const end = at + FRAME_HEADER_BYTES + payloadBytes;
    if (end > this.buffer.length) this.#grow(end);
    writeU32(this.buffer, at, payloadBytes + 1);
    this.buffer[at + 4] = type;
    this.length = end;
    return at + FRAME_HEADER_BYTES;
  }

  empty(type: FrameType): void {
    this.begin(type, 0);
  }

  bytesFrame(type: FrameType, payload: Uint8Array): void {
    const at = this.begin(type, payload.length);
    this.buffer.set(payload, at);
  }

  byteFrame(type: FrameType, value: number): void {
    const at = this.begin(type, 1);
    this.buffer[at] = value;
  }

  numberFrame(type: FrameType, value: number): void {
    const at = this.begin(type, 8);
    writeF64(this.buffer, at, value);
  }

  numbersFrame(type: FrameType, first: number, second: number): void {
    const at = this.begin(type, 16);
    writeF64(this.buffer, at, first);
    writeF64(this.buffer, at + 8, second);
  }

  /** Frames that were built elsewhere. */
  frames(bytes: Uint8Array): void {
    const end = this.length + bytes.length;
    if (end > this.buffer.length) this.#grow(end);
    this.buffer.set(bytes, this.length);
    this.length = end;
  }

  #grow(sizeBytes: number): void {
    // A large value comes alone: twice its size would be waste.
    const larger = new Uint8Array(Math.max(sizeBytes, Math.min(this.buffer.length * 2, KEPT_BYTES)));
    larger.set(this.buffer.subarray(0, this.length));
    this.buffer = larger;
  }
}
