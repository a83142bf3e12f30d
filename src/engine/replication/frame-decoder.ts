// Cuts the incoming bytes into frames, however they were split on the way.

import { FRAME_HEADER_BYTES, MAX_HANDSHAKE_FRAME_BYTES, readU32 } from './frames.js';

const INITIAL_CARRY_BYTES = 512;
const LENGTH_BYTES = 4;
/** What is kept for the next frame that is cut off; a buffer that grew above it for a large value is given up. */
const KEPT_BYTES = 1_048_576;

/** Takes one whole frame. The payload is `bytes[start, end)` and is gone after the call. */
export interface FrameSink {
  /** @returns false to have no more frames of this feed: the link is being closed. */
  onFrame(type: number, bytes: Uint8Array, start: number, end: number): boolean;
}

/**
 * A frame that lies whole in what came in is handed on from there, without a copy. Only one that is cut off at the
 * end is kept, in a buffer that grows with what has really arrived and never past the largest frame allowed.
 */
export class FrameDecoder {
  /** The largest length word accepted. Tiny until the peer has proved itself. */
  maxFrameBytes = MAX_HANDSHAKE_FRAME_BYTES;
  #carry = new Uint8Array(INITIAL_CARRY_BYTES);
  #carryLength = 0;

  /** @returns false if the bytes are no frames (a length of zero or above the bound): close the link. */
  feed(bytes: Uint8Array, sink: FrameSink): boolean {
    let at = 0;
    const end = bytes.length;
    if (this.#carryLength > 0) {
      at = this.#complete(bytes, sink);
      if (at < 0) return at === STOPPED;
    }
    // A length that no frame has is told as soon as it is here, whether or not anything of the frame is.
    while (end - at >= LENGTH_BYTES) {
      const length = readU32(bytes, at);
      if (length < 1 || length > this.maxFrameBytes) return false;
      const next = at + LENGTH_BYTES + length;
      if (next > end) break;
      if (!sink.onFrame(bytes[at + LENGTH_BYTES], bytes, at + FRAME_HEADER_BYTES, next)) return true;
      at = next;
    }
    if (at < end) this.#keep(bytes, at, end);
    return true;
  }

  /** Fills up the frame that was cut off. Returns how much of `bytes` that took, or a negative verdict. */
  #complete(bytes: Uint8Array, sink: FrameSink): number {
    let at = 0;
    if (this.#carryLength < LENGTH_BYTES) {
      at = Math.min(LENGTH_BYTES - this.#carryLength, bytes.length);
      this.#keep(bytes, 0, at);
      if (this.#carryLength < LENGTH_BYTES) return at;
    }
    const length = readU32(this.#carry, 0);
    if (length < 1 || length > this.maxFrameBytes) return BROKEN;
    const wanted = LENGTH_BYTES + length - this.#carryLength;
    const taken = Math.min(wanted, bytes.length - at);
    this.#keep(bytes, at, at + taken);
    if (taken < wanted) return at + taken;
    const frame = this.#carry;
    const frameEnd = this.#carryLength;
    this.#carryLength = 0;
    if (frame.length > KEPT_BYTES) this.#carry = new Uint8Array(INITIAL_CARRY_BYTES);
    if (!sink.onFrame(frame[LENGTH_BYTES], frame, FRAME_HEADER_BYTES, frameEnd)) return STOPPED;
    return at + taken;
  }

  /** The most that there is to keep: the whole of the frame, once its length has come. */
  #frameBytesMax(): number {
    const isKnown = this.#carryLength >= LENGTH_BYTES;
    return LENGTH_BYTES + (isKnown ? readU32(this.#carry, 0) : this.maxFrameBytes);
  }

  #keep(bytes: Uint8Array, start: number, end: number): void {
    const length = this.#carryLength + (end - start);
    if (length > this.#carry.length) {
      const larger = new Uint8Array(
        Math.max(length, Math.min(this.#carry.length * 2, this.#frameBytesMax())),
      );
      larger.set(this.#carry.subarray(0, this.#carryLength));
      this.#carry = larger;
    }
    this.#carry.set(bytes.subarray(start, end), this.#carryLength);
    this.#carryLength = length;
  }
}

const STOPPED = -1;
const BROKEN = -2;
