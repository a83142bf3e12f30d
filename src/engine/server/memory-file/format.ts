// The file of -e: how items lie on disk while their node is down. Knows nothing of files; all numbers little-endian.
//
// A header of fixed size, blocks, an end. Each checksum is CRC-32 and goes on from the one before it, from the header
// on: so no byte, no block and no order of blocks can change unnoticed, and a file that was cut off has no end.
//
// - header: magic, u32 format, u32 savedSec, u32 clockHi, u32 clockLo, six u32 of the flush state, u32 hash seed,
//   twelve u32 of the losses' floor, u8 length of the pair id, 64 bytes of it, zeros, u32 checksum
// - block: u32 length of its records, u32 checksum of that length and the records; records
// - end: a block of length 0xffffffff, whose checksum covers what follows it: f64 items, f64 tombstones
// - record: u8 kind, u8 keyLength, u8 touchSeq, u8 marks, u32 versionHi, u32 versionLo, u32 exptimeSec, u32 flags,
//   u32 valueLength, [u32 uniqueHi, u32 uniqueLo with MARK_OWN_UNIQUE], key, value
// - record of a key that was lost unsent: u8 kind, u8 0, u8 whether it was deleted, u8 0, u32 versionHi, u32 versionLo,
//   u32 hash of the key, zeros up to the length of a record's head
import { crc32 } from 'node:zlib';
import type { LostFloor } from '../../store/lost-writes.js';
import type { FlushState } from '../../store/store-types.js';

/** Raised whenever an older program would misread the file. */
export const FORMAT = 1;

export const HEADER_BYTES = 192;
export const BLOCK_HEAD_BYTES = 8;
/** A block ends with the record that makes it as long as this. */
export const BLOCK_BYTES = 1024 * 1024;
/** So none is longer: the largest -I is 128 MB. */
export const BLOCK_BYTES_MAX = 256 * 1024 * 1024;
export const END_BYTES = 16;
export const END_LENGTH = 0xffff_ffff;
export const RECORD_HEAD_BYTES = 24;
export const UNIQUE_BYTES = 8;
export const PAIR_ID_BYTES_MAX = 64;

export const KIND_ITEM = 1;
export const KIND_TOMBSTONE = 2;
export const KIND_LOST = 3;

export const MARK_STALE = 1;
export const MARK_OWN_UNIQUE = 2;
export const MARK_PROVISIONAL = 4;
export const MARKS_KNOWN = MARK_STALE | MARK_OWN_UNIQUE | MARK_PROVISIONAL;

const MAGIC = Buffer.from('repcache', 'latin1');
const FORMAT_AT = 8;
const WORDS_AT = 12;
const PAIR_ID_LENGTH_AT = 100;
const PAIR_ID_AT = 101;
const CHECKSUM_AT = HEADER_BYTES - 4;

/** What a file says of the node that wrote it. */
export interface MemoryFileHeader {
  /** Unix s. */
  readonly savedSec: number;
  /** The greatest version that was known. */
  readonly clockHi: number;
  readonly clockLo: number;
  readonly flush: FlushState;
  /** By which keys were hashed. */
  readonly hashSeed: number;
  readonly lost: LostFloor;
  /** --repl-pair; empty without one, or without replication. */
  readonly pairId: string;
}

export function encodeHeader(header: MemoryFileHeader): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(bytes);
  bytes.writeUInt32LE(FORMAT, FORMAT_AT);
  const { flush, lost } = header;
  const words = [
    header.savedSec,
    header.clockHi,
    header.clockLo,
    flush.floorHi,
    flush.floorLo,
    flush.pendingHi,
    flush.pendingLo,
    flush.stampHi,
    flush.stampLo,
    header.hashSeed,
    lost.floorHi,
    lost.floorLo,
    lost.firstHi,
    lost.firstLo,
    ...Array.from(lost.seen),
    ...Array.from(lost.sent),
  ];
  for (const [index, word] of words.entries()) bytes.writeUInt32LE(word, WORDS_AT + 4 * index);
  bytes[PAIR_ID_LENGTH_AT] = bytes.write(header.pairId, PAIR_ID_AT, PAIR_ID_BYTES_MAX);
  bytes.writeUInt32LE(headerChecksum(bytes), CHECKSUM_AT);
  return bytes;
}

/** @returns what the header says, or why it can't be used */
export function decodeHeader(bytes: Buffer): MemoryFileHeader | string {
  if (bytes.length < HEADER_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
    return 'is not a file of -e';
  }
  const format = bytes.readUInt32LE(FORMAT_AT);
  if (format !== FORMAT) return `has format ${format}, and this version reads format ${FORMAT}`;
  if (bytes.readUInt32LE(CHECKSUM_AT) !== headerChecksum(bytes)) return 'is damaged in its header';
  const word = (index: number): number => bytes.readUInt32LE(WORDS_AT + 4 * index);
  return {
    savedSec: word(0),
    clockHi: word(1),
    clockLo: word(2),
    flush: {
      floorHi: word(3),
      floorLo: word(4),
      pendingHi: word(5),
      pendingLo: word(6),
      stampHi: word(7),
      stampLo: word(8),
    },
    hashSeed: word(9),
    lost: {
      floorHi: word(10),
      floorLo: word(11),
      firstHi: word(12),
      firstLo: word(13),
      seen: [word(14), word(15), word(16), word(17)],
      sent: [word(18), word(19), word(20), word(21)],
    },
    pairId: bytes.toString(
      'utf8',
      PAIR_ID_AT,
      PAIR_ID_AT + Math.min(bytes[PAIR_ID_LENGTH_AT], PAIR_ID_BYTES_MAX),
    ),
  };
}

/** The checksum that the first block's goes on from. */
export function headerChecksum(bytes: Buffer): number {
  return crc32(bytes.subarray(0, CHECKSUM_AT));
}

/** The checksum of a block (or end) of this length word and content, after the one with checksum `previous`. */
export function blockChecksum(previous: number, lengthWord: number, content: Uint8Array): number {
  lengthBytes.writeUInt32LE(lengthWord);
  return crc32(content, crc32(lengthBytes, previous));
}

const lengthBytes = Buffer.alloc(4);
