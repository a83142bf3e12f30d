// The cache itself: every command's effect on memory, local ones and the peer's. No clock, timer or I/O of its own.
import type { ChangeLog } from './change-log.js';
import type { Counters } from './counters.js';
import type { VersionClock } from './version.js';

export interface StoreOptions {
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
  /** Tombstones may take this share of memory before the oldest found are dropped. Default 1/16. */
  tombstoneShare?: number;
}

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
export type StoreMode =
  | typeof MODE_SET
  | typeof MODE_ADD
  | typeof MODE_REPLACE
  | typeof MODE_APPEND
  | typeof MODE_PREPEND
  | typeof MODE_CAS;

/** Results of the applyRemote... methods. */
export const REMOTE_APPLIED = 0;
/** The same version and content is here already. */
export const REMOTE_SAME = 1;
/** A newer version is here, or the tie rule says ours stays. */
export const REMOTE_OLDER = 2;
/** Below the flush floor, or expired on arrival: whatever older was here is gone, nothing is kept. */
export const REMOTE_DEAD = 3;
/** Absent here and not newer than the delete floor: it may be something that was deleted here. */
export const REMOTE_BELOW_DELETE_FLOOR = 4;
/** No room (or larger than -I allows here): whatever older was here is gone. */
export const REMOTE_NO_MEMORY = 5;
/** The version is too far in the future for the clock. */
export const REMOTE_CLOCK = 6;
/** Key or value length outside what an item can have; nothing was touched. */
export const REMOTE_INVALID = 7;
export type RemoteResult =
  | typeof REMOTE_APPLIED
  | typeof REMOTE_SAME
  | typeof REMOTE_OLDER
  | typeof REMOTE_DEAD
  | typeof REMOTE_BELOW_DELETE_FLOOR
  | typeof REMOTE_NO_MEMORY
  | typeof REMOTE_CLOCK
  | typeof REMOTE_INVALID;

/** flush_all as it replicates. Versions; 0/0 = none. */
export interface FlushState {
  /** Items with a version <= the floor are dead. */
  floorHi: number;
  floorLo: number;
  /** A floor that takes effect when the clock reaches its millisecond. */
  pendingHi: number;
  pendingLo: number;
  /** Version of the last flush_all command; of two pending floors the one with the higher stamp counts. */
  stampHi: number;
  stampLo: number;
}

export declare class Store {
  readonly counters: Counters;
  /** Set by setNow(). */
  readonly nowMs: number;
  readonly nowSec: number;

  constructor(options: StoreOptions);

  /** Tells the time; call before each batch of work. Also lets a delayed flush_all take effect. */
  setNow(nowMs: number): void;

  // ── Full copies and the sender: what a slot holds ────────────────────────────────────────────────────────────

  /** Buckets of the index. A scan goes from 0 up and reads this anew each time: splits only move items upwards. */
  get bucketCount(): number;
  /** First entry of a bucket, 0 = none. Finish a bucket before anything else runs: refs may move between steps. */
  bucketHead(bucket: number): number;
  /** Next entry of the same bucket, 0 = none. */
  nextInBucket(ref: number): number;
  /** Whether an entry of a bucket can be served: not a tombstone, expired or flushed. */
  isLive(ref: number): boolean;
  isTombstone(ref: number): boolean;
  /** Whether the slot still holds exactly this entry (live or tombstone). Any ref is safe to ask about. */
  holds(ref: number, versionHi: number, versionLo: number, touchSeq: number): boolean;
  keyLength(ref: number): number;
  valueLength(ref: number): number;
  flags(ref: number): number;
  exptimeSec(ref: number): number;
  versionHi(ref: number): number;
  versionLo(ref: number): number;
  touchSeq(ref: number): number;
  copyKey(ref: number, target: Uint8Array, targetStart: number): void;
  /** Copies length bytes of the value from valueStart on. */
  copyValue(ref: number, valueStart: number, length: number, target: Uint8Array, targetStart: number): void;

  // ── The peer's writes ────────────────────────────────────────────────────────────────────────────────────────

  /** On equal order with differing content the node with bit 0 wins: true when that is the peer. */
  remoteWinsTies: boolean;
  /** Applies the peer's item, which lies in bytes; never logs. exptimeSec is absolute in this node's clock. */
  applyRemoteItem(
    bytes: Uint8Array,
    keyStart: number,
    keyLength: number,
    valueStart: number,
    valueLength: number,
    flags: number,
    exptimeSec: number,
    versionHi: number,
    versionLo: number,
    touchSeq: number,
  ): RemoteResult;
  /**
   * Applies the peer's delete; never logs. With keep a tombstone stays here as well (released by releaseTombstone
   * or the cap); a link that delivers in order does not need it, since the peer cannot send anything older any more.
   */
  applyRemoteTombstone(
    bytes: Uint8Array,
    keyStart: number,
    keyLength: number,
    versionHi: number,
    versionLo: number,
    touchSeq: number,
    keep: boolean,
  ): RemoteResult;
  /** Merges the peer's flush state into ours; never logs. */
  applyRemoteFlush(remote: FlushState): RemoteResult;
  flushState(): FlushState;

  // ── Tombstones ───────────────────────────────────────────────────────────────────────────────────────────────

  /** Frees the tombstone of a delete that the peer acknowledged; false when the slot no longer holds it. */
  releaseTombstone(ref: number, versionHi: number, versionLo: number): boolean;
  get tombstoneCount(): number;
  /** Entries at or below it that are absent here are refused: their tombstone may have been dropped. 0/0 = none. */
  get deleteFloorHi(): number;
  get deleteFloorLo(): number;

  // ── Upkeep ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Frees expired and flushed items among the next maxSlots slots; returns how many it freed. Call from a timer. */
  sweep(maxSlots: number): number;
  /** Bytes of memory the store may ever touch, <= memoryBytes; and what it has taken so far. */
  get memoryLimitBytes(): number;
  get memoryUsedBytes(): number;

  // The methods that the protocols use (get, reserve, commit, remove, touch, arithmetic, flushAll) follow.
}
