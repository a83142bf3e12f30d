// What a node says it has when a link comes up, and what the other one makes of it: how little needs to be sent.

import { readF64, writeF64 } from './frames.js';
import { NODE_ID_BYTES } from './handshake.js';

/**
 * - `partial`: the changes since the last position that the peer has told, from the log.
 * - `digest`: both sum up what they have, range by range of key hashes, and whole ranges that differ are sent.
 * - `full`: everything is sent.
 */
export const SYNC_KINDS = ['partial', 'digest', 'full'] as const;
export type SyncKind = (typeof SYNC_KINDS)[number];

/** Where one of the two has so much less than the other, sums would cost more than they could save. */
const COMPARABLE_RATIO = 8;

export const HAVE_BYTES = NODE_ID_BYTES + 16;

export interface Have {
  /** The process whose changes were applied last; all zeros if none were, or if old entries must be looked for. */
  readonly streamOf: Uint8Array;
  /** Up to which of its log entries. */
  readonly appliedSeq: number;
  /** Items and tombstones. */
  readonly entryCount: number;
}

/** In a `have`, where the changes of nobody are named. */
export const NOBODY = new Uint8Array(NODE_ID_BYTES);

export function writeHave(bytes: Uint8Array, at: number, have: Have): void {
  bytes.set(have.streamOf, at);
  writeF64(bytes, at + NODE_ID_BYTES, have.appliedSeq);
  writeF64(bytes, at + NODE_ID_BYTES + 8, have.entryCount);
}

/** Null if no node can have said that. */
export function readHave(bytes: Uint8Array, start: number, end: number): Have | null {
  if (end - start !== HAVE_BYTES) return null;
  const appliedSeq = readF64(bytes, start + NODE_ID_BYTES);
  const entryCount = readF64(bytes, start + NODE_ID_BYTES + 8);
  if (!isCount(appliedSeq) || !isCount(entryCount)) return null;
  return { streamOf: bytes.slice(start, start + NODE_ID_BYTES), appliedSeq, entryCount };
}

/** Where digests are no less work than sending everything, everything is sent. */
export function isComparable(ownCount: number, peerCount: number): boolean {
  const fewer = Math.min(ownCount, peerCount);
  return fewer > 0 && fewer * COMPARABLE_RATIO >= Math.max(ownCount, peerCount);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
