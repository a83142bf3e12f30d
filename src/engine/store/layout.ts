// How items, slots and pages lie in memory. Everything else computes addresses from these numbers.
//
// A ref is a u32: byte offset / 8 over all segments, so it reaches 32 GiB; 0 means none.
// An item is a header of 32 bytes, the key, a unique of 8 bytes if a client gave one, the value (without its line end).

/** One segment: the largest view whose byte accesses stay fast in both runtimes. */
export const SEGMENT_BYTES = 0x4000_0000;
export const SEGMENT_REF_SHIFT = 27;
export const SEGMENT_REF_MASK = 0x7ff_ffff;

export const PAGE_BYTES = 0x10_0000;
/** ref >>> PAGE_REF_SHIFT is the page. */
export const PAGE_REF_SHIFT = 17;
/** Slots start behind the first 8 bytes of a page, so that ref 0 never names an item. */
export const PAGE_FIRST_SLOT_REF = 1;
export const PAGE_SLOT_BYTES = PAGE_BYTES - 8;

export const HEADER_BYTES = 32;
/** In a piece: the item it belongs to. Its NEXT is the piece that follows, 0 = none. */
export const WORD_PIECE_OWNER = 1;
/** u32 fields, as word offsets from the item. While a slot is reserved, NEXT holds the hash of its key. */
export const WORD_NEXT = 0;
export const WORD_EXPTIME = 1;
export const WORD_VERSION_LO = 2;
export const WORD_VERSION_HI = 3;
export const WORD_FLAGS = 4;
export const WORD_VALUE_LENGTH = 5;
export const WORD_LAST_ACCESS = 6;
/** u8 fields, as byte offsets from the item. */
export const BYTE_KEY_LENGTH = 28;
export const BYTE_STATE = 29;
export const BYTE_USE = 30;
export const BYTE_TOUCH_SEQ = 31;

export const STATE_FREE = 0;
/** Taken by a writer, not in the index yet. */
export const STATE_RESERVED = 1;
export const STATE_LIVE = 2;
export const STATE_TOMBSTONE = 3;
/** Holds a further part of the value of an item that is larger than any slot; see values.ts. */
export const STATE_PIECE = 4;

/** Two low bits of BYTE_USE: how often it was hit lately, counted down by the clock hand. */
export const USE_FREQUENCY_MASK = 3;
/** Set by the first hit. */
export const USE_FETCHED = 0x80;
/** Marked by `md I` or `ms I`: readers of meta commands are told so. Belongs to the version, so it replicates. */
export const USE_STALE = 0x40;
/** A reader was told to recache it (`W`); others are told that somebody was. A hint of this node alone. */
export const USE_WINNER = 0x20;
/** The client gave the unique itself (`E`): it lies in 8 bytes between key and value, and the version is not shown. */
export const USE_OWN_UNIQUE = 0x10;
/** Made by an add on a node that could not know what its peer has: gives way to any value there. Replicates. */
export const USE_PROVISIONAL = 0x04;
/** The key stays on this node: the item is neither logged nor copied, and leaves no tombstone. */
export const USE_LOCAL = 0x08;
export const OWN_UNIQUE_BYTES = 8;
/** Turns USE_OWN_UNIQUE into OWN_UNIQUE_BYTES without a branch. */
export const OWN_UNIQUE_SHIFT = 1;

export const TOUCH_SEQ_MAX = 255;
export const KEY_MAX_BYTES = 250;

/** What memcached adds to key and value when it compares with -I: header 48, CAS 8, a NUL and a line end. */
const MEMCACHED_OVERHEAD_BYTES = 48 + 8 + 1 + 2;
/** memcached keeps non-zero client flags in 4 bytes more. */
const MEMCACHED_FLAGS_BYTES = 4;

/**
 * An item's size as memcached counts it. Our own header is smaller, so whatever passes memcached's limit fits a page;
 * counting its way means that exactly the same values are accepted.
 */
export function memcachedItemBytes(keyLength: number, valueLength: number, flags: number): number {
  const itemBytes = MEMCACHED_OVERHEAD_BYTES + keyLength + valueLength;
  return flags === 0 ? itemBytes : itemBytes + MEMCACHED_FLAGS_BYTES;
}
