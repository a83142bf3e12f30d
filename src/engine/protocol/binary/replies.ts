// Writes the binary protocol's replies: headers, and errors with the texts that memcached gives them.
import type { ReplyBuffer } from '../reply-buffer.js';
import type { Request } from './request.js';
import {
  HEADER_BYTES,
  RESPONSE_MAGIC,
  STATUS_AUTH_ERROR,
  STATUS_EXISTS,
  STATUS_INVALID,
  STATUS_NO_MEMORY,
  STATUS_NON_NUMERIC,
  STATUS_NOT_FOUND,
  STATUS_NOT_STORED,
  STATUS_OK,
  STATUS_TEMPORARY_FAILURE,
  STATUS_TOO_LARGE,
  STATUS_UNKNOWN_COMMAND,
} from './wire.js';

const text = (words: string): Uint8Array => Uint8Array.from(Buffer.from(words, 'latin1'));
const NO_TEXT = text('');

const TEXTS = new Map([
  [STATUS_NOT_FOUND, text('Not found')],
  [STATUS_EXISTS, text('Data exists for key.')],
  [STATUS_TOO_LARGE, text('Too large.')],
  [STATUS_INVALID, text('Invalid arguments')],
  [STATUS_NOT_STORED, text('Not stored.')],
  [STATUS_NON_NUMERIC, text('Non-numeric server-side value for incr or decr')],
  [STATUS_AUTH_ERROR, text('Auth failure.')],
  [STATUS_UNKNOWN_COMMAND, text('Unknown command')],
  [STATUS_NO_MEMORY, text('Out of memory')],
  // memcached has the status, and no use for it; ours is --repl-ack strict.
  [STATUS_TEMPORARY_FAILURE, text('No peer in sync')],
]);

export const NO_MEMORY_ITEM = text('Out of memory allocating item');
export const NO_MEMORY_NEW_NUMBER = text('Out of memory allocating new item');
export const NO_MEMORY_NUMBER = text('Out of memory incrementing value');

/** What of a request its reply repeats; a request whose value is still to come keeps it. */
export type Addressee = Pick<Request, 'opcode' | 'opaque'>;

/**
 * Writes a header, and makes room for the body: it is to follow as extras, key, value.
 * uniqueHi and uniqueLo are the item's CAS unique, 0/0 = none.
 */
export function writeHeader(
  reply: ReplyBuffer,
  to: Addressee,
  status: number,
  extrasLength: number,
  keyLength: number,
  bodyLength: number,
  uniqueHi: number,
  uniqueLo: number,
): void {
  reply.reserve(HEADER_BYTES + bodyLength);
  const { bytes, length: at } = reply;
  bytes[at] = RESPONSE_MAGIC;
  bytes[at + 1] = to.opcode;
  bytes[at + 2] = keyLength >>> 8;
  bytes[at + 3] = keyLength;
  bytes[at + 4] = extrasLength;
  bytes[at + 5] = 0;
  bytes[at + 6] = status >>> 8;
  bytes[at + 7] = status;
  reply.length = at + 8;
  writeU32(reply, bodyLength);
  writeU32(reply, to.opaque);
  writeU32(reply, uniqueHi);
  writeU32(reply, uniqueLo);
}

/** Writes four bytes for which there is room. */
export function writeU32(reply: ReplyBuffer, value: number): void {
  const { bytes, length: at } = reply;
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
  reply.length = at + 4;
}

/** A reply that says only that all is well. */
export function writeOk(reply: ReplyBuffer, to: Addressee, uniqueHi: number, uniqueLo: number): void {
  writeHeader(reply, to, STATUS_OK, 0, 0, 0, uniqueHi, uniqueLo);
}

/** A reply without extras, key and unique, whose value is this. */
export function writeValue(reply: ReplyBuffer, to: Addressee, status: number, value: Uint8Array): void {
  writeHeader(reply, to, status, 0, 0, value.length, 0, 0);
  reply.write(value);
}

/** An error in memcached's words. */
export function writeError(reply: ReplyBuffer, to: Addressee, status: number): void {
  writeValue(reply, to, status, TEXTS.get(status) ?? NO_TEXT);
}
