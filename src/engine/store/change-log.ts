// The log of local writes, as the store sees it: it appends; replication keeps, sends and acknowledges.

/** What a log entry speaks of. An entry's slot says more: the sender reads what the slot holds when it pops the entry. */
export const CHANGE_ITEM = 0;
export const CHANGE_TOMBSTONE = 1;
/** flush_all; the entry has no slot (ref 0), the sender reads the store's flush state. */
export const CHANGE_FLUSH = 2;

export type ChangeKind = typeof CHANGE_ITEM | typeof CHANGE_TOMBSTONE | typeof CHANGE_FLUSH;

/** Implemented by replication. Present = replication is on, and deletes leave tombstones. */
export interface ChangeLog {
  /** Called once for each local write, after it took effect. Must not call back into the store. */
  append(ref: number, versionHi: number, versionLo: number, touchSeq: number, kind: ChangeKind): void;
  /** An entry lies in another slot from now on. Nobody wrote: no client waits until the peer has heard of it. */
  appendMove(ref: number, versionHi: number, versionLo: number, touchSeq: number, kind: ChangeKind): void;
  /**
   * Whether the peer may not know this version yet. Asked when an item expires: if so, it becomes a tombstone,
   * or else the peer's older value would come back with the next copy.
   */
  mayBeUnknownToPeer(versionHi: number, versionLo: number): boolean;
  /**
   * Whether this node made the version and the peer has not acknowledged it. Asked when an item is evicted: if so,
   * the peer is asked for older values of the key when there is time.
   */
  isUnacknowledged(versionHi: number, versionLo: number): boolean;
}
