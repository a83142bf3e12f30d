// The words of the legacy protocol, one TCP connection of text lines, and the bounds that its lines keep.
//
//   rep <key> <flags> <exptime> <bytes> <cas>\r\n<data>\r\n     an item, whole
//   delete <key>\r\n         delete <key> <unix time>\r\n
//   flush_all \r\n           flush_all <unix time>\r\n           with the blank
//   marugoto_end\r\n                                             the copy of the one who accepted is out
//
// A real repcached takes `version` on this connection without a word, which makes it the one line that can be sent to
// show that we are there. `get` would be answered by 2.2.1, but 2.3.1 dies of it: its replication connection belongs to
// no thread, and `get` counts by thread.

const encoder = new TextEncoder();

export const REP = encoder.encode('rep ');
export const DELETE = encoder.encode('delete ');
export const FLUSH_ALL = encoder.encode('flush_all ');
export const COPY_END = encoder.encode('marugoto_end');
export const NUDGE = encoder.encode('version');

export const CR = 0x0d;
export const LF = 0x0a;
export const BLANK = 0x20;
export const LINE_END_BYTES = 2;

/** No line is longer: `rep `, a key of 250 bytes, four numbers and what is between them. */
export const LINE_MAX_BYTES = 330;

/** A buffer that grew above it for a large value, on its way in or out, is given up once that is through. */
export const KEPT_BYTES = 1_048_576;

/** The largest item of a real one: a slab page. 2.3.1 takes less if its -I says so, which it tells nobody. */
const LEGACY_ITEM_MAX_BYTES = 1_048_576;
/** Above what its header, the suffix with flags and length, and the line end take in either version. */
const LEGACY_OVERHEAD_BYTES = 128;

/**
 * Whether a real one is sure to have a slab class for the item. It must: one that can't allocate runs the value's
 * bytes as commands.
 */
export function fitsLegacy(keyLength: number, valueLength: number): boolean {
  return keyLength + valueLength + LEGACY_OVERHEAD_BYTES <= LEGACY_ITEM_MAX_BYTES;
}

/** Whether a key can stand in a line; the binary protocol lets clients store others. */
export function isLineKey(bytes: Uint8Array, start: number, length: number): boolean {
  for (let at = start; at < start + length; at++) {
    const byte = bytes[at];
    if (byte === BLANK || byte === LF || byte === CR || byte === 0) return false;
  }
  return length > 0;
}
