// The frames that travel between the two nodes: their layout, their bounds, and how they are written.

/**
 * A frame is a u32 length of what follows it, a u8 type, and the payload. All numbers are little-endian; sequence
 * numbers and times are doubles, exact to 2^53. Payloads:
 *
 * | type      | payload |
 * |-----------|---------|
 * | hello     | see handshake.ts |
 * | proof     | 32 bytes for each of one or two secrets, or none where there is no secret |
 * | refuse    | u8 reason |
 * | ping      | f64 sender's time in ms |
 * | pong      | f64 time from the ping, f64 sender's time in ms |
 * | have      | 8 bytes node id, f64 seq, f64 entries: see have.ts. Asks for what is missing |
 * | syncBegin | u32 sync, u8 kind, u8 rangeBits, u8 gap: a sync begins, in between the changes as they are made |
 * | digest    | u32 sync, u32 first range, 8 bytes for each range: the answer to the begin of a digest sync |
 * | syncEnd   | f64 seq: the sync is complete, and so are all changes up to seq |
 * | position  | f64 seq: all changes up to seq have been sent |
 * | ack       | f64 seq, u32 sync: everything up to that syncEnd or position has been applied, and all of that sync |
 * | item      | u32 versionHi, u32 versionLo, u32 exptimeSec, u32 flags, u8 touchSeq, u8 keyLength, key, value |
 * | markedItem | u8 marks, u32 uniqueHi, u32 uniqueLo, then as in item |
 * | tombstone | u32 versionHi, u32 versionLo, u8 touchSeq, u8 keyLength, key |
 * | flush     | u32 floorHi, u32 floorLo, u32 pendingHi, u32 pendingLo, u32 stampHi, u32 stampLo |
 * | bye       | nothing: the sender is shutting down and has handed over all it had |
 */
export const FRAME = {
  hello: 1,
  proof: 2,
  refuse: 3,
  ping: 4,
  pong: 5,
  syncBegin: 6,
  syncEnd: 7,
  position: 8,
  ack: 9,
  item: 10,
  tombstone: 11,
  flush: 12,
  bye: 13,
  markedItem: 14,
  have: 15,
  digest: 16,
} as const;

export type FrameType = (typeof FRAME)[keyof typeof FRAME];

/** The length word and the type. */
export const FRAME_HEADER_BYTES = 5;
export const ITEM_HEADER_BYTES = 18;
/** What stands before the item in a markedItem. */
export const MARKS_BYTES = 9;
/** Bits of a markedItem's marks: the item is stale; the unique in the frame is what clients see of it. */
export const MARK_STALE = 1;
export const MARK_OWN_UNIQUE = 2;
/** The item was made by an add while its node was not in sync: it gives way to a value that exists. */
export const MARK_PROVISIONAL = 4;
export const TOMBSTONE_HEADER_BYTES = 10;
export const FLUSH_BYTES = 24;
export const SYNC_BEGIN_BYTES = 7;
export const ACK_BYTES = 12;
export const DIGEST_HEADER_BYTES = 8;
/** The sum of a range. */
export const SUM_BYTES = 8;
export const DIGEST_RANGES_PER_FRAME = 512;
const DIGEST_FRAME_BYTES = 1 + DIGEST_HEADER_BYTES + DIGEST_RANGES_PER_FRAME * SUM_BYTES;
/** What a stranger may make us hold. */
export const MAX_HANDSHAKE_FRAME_BYTES = 256;

/** The largest frame (without its length word) of an established link, for values of up to `maxValueBytes`. */
export function maxFrameBytes(maxValueBytes: number): number {
  return Math.max(DIGEST_FRAME_BYTES, 1 + MARKS_BYTES + ITEM_HEADER_BYTES + 255 + maxValueBytes);
}

export function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

const f64 = new Float64Array(1);
const f64Bytes = new Uint8Array(f64.buffer);

export function readF64(bytes: Uint8Array, at: number): number {
  for (let i = 0; i < 8; i++) f64Bytes[i] = bytes[at + i];
  return f64[0];
}

export function writeF64(bytes: Uint8Array, at: number, value: number): void {
  f64[0] = value;
  for (let i = 0; i < 8; i++) bytes[at + i] = f64Bytes[i];
}
