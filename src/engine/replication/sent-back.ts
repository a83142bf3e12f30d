// The answers to what the peer sends that is older than what was lost here: tombstones, until the peer has them.

import { FrameWriter } from './frame-writer.js';
import {
  FRAME,
  FRAME_HEADER_BYTES,
  ITEM_HEADER_BYTES,
  readU32,
  TOMBSTONE_HEADER_BYTES,
  writeU32,
} from './frames.js';

/** So much may wait while the link takes nothing. */
const WAITING_MAX_BYTES = 524_288;

/**
 * They lie beside the store. There they would need room where there is none: what a copy brings to a full node would
 * push them out again before they had been sent, and each look for what was lost would lose as much as it found.
 */
export class SentBack {
  readonly #waiting = new FrameWriter();
  /** When the last of them were written, if the peer has not shown that it has heard of them. */
  #writtenMs: number | null = null;

  /** Before a link, and after it. What was lost is still known, and will be looked for again. */
  beginLink(): void {
    this.#waiting.clear();
    this.#writtenMs = null;
  }

  /** Whether the peer may still have something that was sent back. */
  get awaitsPeer(): boolean {
    return this.#waiting.length > 0 || this.#writtenMs !== null;
  }

  /**
   * Takes the payload of an `item` frame that begins at `start`.
   * @returns false if there is no room
   */
  add(bytes: Uint8Array, start: number): boolean {
    const waiting = this.#waiting;
    const keyLength = bytes[start + 17];
    const payloadBytes = TOMBSTONE_HEADER_BYTES + keyLength;
    if (waiting.length + FRAME_HEADER_BYTES + payloadBytes > WAITING_MAX_BYTES) return false;
    const at = waiting.begin(FRAME.tombstone, payloadBytes);
    const { buffer } = waiting;
    writeU32(buffer, at, readU32(bytes, start));
    writeU32(buffer, at + 4, readU32(bytes, start + 4));
    buffer[at + 8] = bytes[start + 16];
    buffer[at + 9] = keyLength;
    const keyStart = start + ITEM_HEADER_BYTES;
    buffer.set(bytes.subarray(keyStart, keyStart + keyLength), at + TOMBSTONE_HEADER_BYTES);
    return true;
  }

  /** To be called before an acknowledgement is written: whoever gets that has heard of these. */
  write(writer: FrameWriter, nowMs: number): void {
    if (this.#waiting.length === 0) return;
    writer.frames(this.#waiting.bytes);
    this.#waiting.clear();
    this.#writtenMs = nowMs;
  }

  /** The peer has answered our ping, and so has heard of all that was written earlier. */
  pinged(sentMs: number): void {
    if (this.#writtenMs !== null && sentMs > this.#writtenMs) this.#writtenMs = null;
  }
}
