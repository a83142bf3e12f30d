// What the store takes and answers: options, result codes, the flush state. No code.
import type { ChangeLog } from './change-log.js';
import type { KeyPatterns } from './key-patterns.js';
import type { SharedMemory } from './shared-memory.js';
import type { VersionClock } from './version.js';

export interface StoreOptions {
  /** Where everything lies. Default: memory of its own. Over another thread's, with the same options, a second view. */
  memory?: SharedMemory;
  /** All memory of the store, its index included (-m, in bytes). At least MIN_MEMORY_BYTES. */
  memoryBytes: number;
  /** -I; counted as memcached counts it, header included. Default 1 MiB. */
  itemSizeMaxBytes?: number;
  /** -f; growth from one slab class to the next. Default 1.25. */
  growthFactor?: number;
  /** -n; room for key and value in the smallest slot. Default 48. */
  minItemSpaceBytes?: number;
  /** False with -M: refuse a new item rather than evict an old one. Default true. */
  evictions?: boolean;
  /** Seed of the key hash; random in the server, so that nobody can aim keys at one bucket. */
  hashSeed: number;
  clock: VersionClock;
  /** Present when replication is on: local writes are logged and deletes leave tombstones. */
  changeLog?: ChangeLog;
  /** Buckets the index starts with; a power of two, 2 .. 2^18. Default 2^18, which is one page. */
  initialBuckets?: number;
  /** Keys that stay on this node. Absent: none do. */
  localKeys?: KeyPatterns;
  /** flush_all empties this node alone; the peer's items may come back. Default false. */
  flushesLocally?: boolean;
  /** Tombstones may take this share of memory before the oldest found are dropped. Default 1/16. */
  tombstoneShare?: number;
}

/** The least that can work: the index and a few pages for items. */
export const MIN_MEMORY_BYTES = 4 * 1024 * 1024;
/** The highest -I. Larger ones would only take longer turns under the lock. */
export const MAX_ITEM_BYTES = 128 * 1024 * 1024;
/** A ref reaches 32 GiB. */
export const MAX_MEMORY_BYTES = 32 * 1024 * 1024 * 1024;

/** Results of commit(). */
export const STORED = 0;
export const NOT_STORED = 1;
export const EXISTS = 2;
export const NOT_FOUND = 3;
export const NO_MEMORY = 4;
export const TOO_LARGE = 5;
export type StoreResult =
  | typeof STORED
  | typeof NOT_STORED
  | typeof EXISTS
  | typeof NOT_FOUND
  | typeof NO_MEMORY
  | typeof TOO_LARGE;

/** Modes of commit(). */
export const MODE_SET = 0;
export const MODE_ADD = 1;
export const MODE_REPLACE = 2;
export const MODE_APPEND = 3;
export const MODE_PREPEND = 4;
export const MODE_CAS = 5;
/** Append or prepend, or store the piece when there is nothing to append to. */
export const MODE_APPEND_OR_ADD = 6;
export const MODE_PREPEND_OR_ADD = 7;
/** As MODE_CAS, but an older unique than the item's stores as well, and the item is stale then. */
export const MODE_CAS_OR_STALE = 8;
export type StoreMode =
  | typeof MODE_SET
  | typeof MODE_ADD
  | typeof MODE_REPLACE
  | typeof MODE_APPEND
  | typeof MODE_PREPEND
  | typeof MODE_CAS
  | typeof MODE_APPEND_OR_ADD
  | typeof MODE_PREPEND_OR_ADD
  | typeof MODE_CAS_OR_STALE;

/** Results of the applyRemote... methods. */
export const REMOTE_APPLIED = 0;
/** The same version and content is here already. */
export const REMOTE_SAME = 1;
/** A newer version is here, or the tie rule says ours stays. */
export const REMOTE_OLDER = 2;
/** Below the flush floor, or expired on arrival: whatever older was here is gone, nothing is kept. */
export const REMOTE_DEAD = 3;
/** Absent here, and older than what was lost of the key: refused. The peer is to be told to drop it. */
export const REMOTE_LOST_HERE = 4;
/** No room (or larger than -I allows here): whatever older was here is gone. */
export const REMOTE_NO_MEMORY = 5;
/** The version is too far in the future for the clock. */
export const REMOTE_CLOCK = 6;
/** Key or value length outside what an item can have; nothing was touched. */
export const REMOTE_INVALID = 7;
/** The key stays local on this node: whatever the peer has under it is its own. */
export const REMOTE_LOCAL_KEY = 8;
/** A provisional add of a key that has a value here: that stays, and goes to the peer under a new version. */
export const REMOTE_OVERRULED = 9;
export type RemoteResult =
  | typeof REMOTE_APPLIED
  | typeof REMOTE_SAME
  | typeof REMOTE_OLDER
  | typeof REMOTE_DEAD
  | typeof REMOTE_LOST_HERE
  | typeof REMOTE_NO_MEMORY
  | typeof REMOTE_CLOCK
  | typeof REMOTE_INVALID
  | typeof REMOTE_LOCAL_KEY
  | typeof REMOTE_OVERRULED;

/** What the peer says of an item besides, if there is anything. */
export interface ItemMarks {
  /** Marked by `md I` or `ms I`. */
  isStale: boolean;
  /** Made by an add while its node could not know what the other one has. */
  isProvisional: boolean;
  /** The unique that a client gave; 0/0 = none. */
  uniqueHi: number;
  uniqueLo: number;
}

/** flush_all as it replicates. Versions; 0/0 = none. */
export interface FlushState {
  /** Items with a version <= the floor are dead. */
  floorHi: number;
  floorLo: number;
  /** When a flush is still to come: the lowest version of that millisecond, by the clock of the node that tells. */
  pendingHi: number;
  pendingLo: number;
  /** Version of the last flush_all command; of two that are still to come the one with the higher stamp counts. */
  stampHi: number;
  stampLo: number;
}

/** Results of incr and decr. */
export const ARITH_OK = 0;
export const ARITH_NOT_FOUND = 1;
export const ARITH_NON_NUMERIC = 2;
export const ARITH_NO_MEMORY = 3;
export type ArithResult =
  | typeof ARITH_OK
  | typeof ARITH_NOT_FOUND
  | typeof ARITH_NON_NUMERIC
  | typeof ARITH_NO_MEMORY;
