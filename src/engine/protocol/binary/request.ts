// One request's header and where its extras and key lie. Reused for every request: nothing is allocated.
import { HEADER_BYTES, type RequestShape, shapeOf } from './wire.js';

const NOTHING = new Uint8Array(0);

export class Request {
  /** Holds the request's header, extras and key; valid until the session that fills it returns. */
  bytes: Uint8Array = NOTHING;
  /** As the client sent it, quiet or not: replies repeat it. */
  opcode = 0;
  shape: RequestShape = shapeOf(0);
  keyLength = 0;
  extrasLength = 0;
  /** Extras, key and value. */
  bodyLength = 0;
  opaque = 0;
  /** The CAS field; 0/0 asks for no comparison. */
  uniqueHi = 0;
  uniqueLo = 0;
  #start = 0;

  /** Reads the header at bytes[start]; all of its 24 bytes must be there. Checks nothing. */
  read(bytes: Uint8Array, start: number): void {
    this.bytes = bytes;
    this.#start = start;
    this.opcode = bytes[start + 1];
    this.shape = shapeOf(this.opcode);
    this.keyLength = (bytes[start + 2] << 8) | bytes[start + 3];
    this.extrasLength = bytes[start + 4];
    this.bodyLength = readU32(bytes, start + 8);
    this.opaque = readU32(bytes, start + 12);
    this.uniqueHi = readU32(bytes, start + 16);
    this.uniqueLo = readU32(bytes, start + 20);
  }

  /** Lets go of the bytes. */
  clear(): void {
    this.bytes = NOTHING;
  }

  /** Header, extras and key: what must be there before the request can be run. */
  get headBytes(): number {
    return HEADER_BYTES + this.extrasLength + this.keyLength;
  }

  get keyStart(): number {
    return this.#start + HEADER_BYTES + this.extrasLength;
  }

  /** Negative when the lengths contradict each other. */
  get valueLength(): number {
    return this.bodyLength - this.extrasLength - this.keyLength;
  }

  get hasUnique(): boolean {
    return this.uniqueHi !== 0 || this.uniqueLo !== 0;
  }

  /** The u32 at this offset of the extras. */
  extra(offset: number): number {
    return readU32(this.bytes, this.#start + HEADER_BYTES + offset);
  }

  /** Whether extras, key and value are what the opcode asks for. */
  get hasItsShape(): boolean {
    const { shape, extrasLength } = this;
    if (extrasLength !== shape.extrasBytes && !(extrasLength === 0 && shape.extrasAreOptional)) return false;
    if (this.keyLength === 0 ? shape.key === 'required' : shape.key === 'none') return false;
    return shape.hasValue || this.valueLength === 0;
  }
}

function readU32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}
