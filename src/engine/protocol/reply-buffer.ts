// Where replies are written: one reused buffer, flushed by the server. One serves all connections of a thread.
import { writeDecimal, writeDecimal64 } from '../store/decimal64.js';

/** Above this many bytes a session stops reading until the server has flushed. */
export const REPLY_HIGH_WATER_BYTES = 256 * 1024;

const DEFAULT_INITIAL_BYTES = 64 * 1024;
const NUMBER_MAX_BYTES = 20;

export class ReplyBuffer {
  /** The bytes to send are bytes[0 .. length). The array may be replaced by a larger one while a session runs. */
  bytes: Buffer;
  length = 0;

  constructor(initialBytes = DEFAULT_INITIAL_BYTES) {
    this.bytes = Buffer.allocUnsafeSlow(initialBytes);
  }

  /** Forgets what was written; the server calls it once the bytes are sent or copied. */
  clear(): void {
    this.length = 0;
  }

  get isFull(): boolean {
    return this.length >= REPLY_HIGH_WATER_BYTES;
  }

  /** Makes room for so many bytes more, so that they can be written to `bytes` directly. */
  reserve(sizeBytes: number): void {
    const neededBytes = this.length + sizeBytes;
    if (neededBytes <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(neededBytes, this.bytes.length * 2));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }

  /** Appends all of a byte constant. */
  write(constant: Uint8Array): void {
    this.reserve(constant.length);
    const { bytes } = this;
    let at = this.length;
    for (let from = 0; from < constant.length; from++) bytes[at++] = constant[from];
    this.length = at;
  }

  /** Appends a non-negative safe integer in decimal. */
  writeNumber(value: number): void {
    this.reserve(NUMBER_MAX_BYTES);
    this.length += writeDecimal(value, this.bytes, this.length);
  }

  /** Appends a 64-bit number in decimal. */
  writeNumber64(hi: number, lo: number): void {
    this.reserve(NUMBER_MAX_BYTES);
    this.length += writeDecimal64(hi, lo, this.bytes, this.length);
  }

  /** Appends text; for replies that nobody is in a hurry for. */
  writeText(text: string): void {
    this.reserve(Buffer.byteLength(text));
    this.length += this.bytes.write(text, this.length);
  }
}
