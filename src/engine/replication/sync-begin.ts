// The frame that opens a sync.

import type { FrameWriter } from './frame-writer.js';
import { FRAME, readU32, SYNC_BEGIN_BYTES, writeU32 } from './frames.js';
import { SYNC_KINDS, type SyncKind } from './have.js';
import { isRangeBits } from './range-digest.js';

export interface SyncBegin {
  /** Tells it from others on the same link. */
  readonly id: number;
  readonly kind: SyncKind;
  /** Of a digest: into 2 to the power of how many ranges the hashes are cut; else 0. */
  readonly rangeBits: number;
  /** Whether the receiver lacks changes until the end of the sync. */
  readonly hasGap: boolean;
}

export function writeSyncBegin(writer: FrameWriter, sync: SyncBegin): void {
  const at = writer.begin(FRAME.syncBegin, SYNC_BEGIN_BYTES);
  writeU32(writer.buffer, at, sync.id);
  writer.buffer[at + 4] = SYNC_KINDS.indexOf(sync.kind);
  writer.buffer[at + 5] = sync.rangeBits;
  writer.buffer[at + 6] = sync.hasGap ? 1 : 0;
}

/** Null if no node sends that. */
export function readSyncBegin(bytes: Uint8Array, start: number, end: number): SyncBegin | null {
  if (end - start !== SYNC_BEGIN_BYTES) return null;
  const kind = SYNC_KINDS[bytes[start + 4]];
  const rangeBits = bytes[start + 5];
  if (kind === undefined || (kind === 'digest' && !isRangeBits(rangeBits))) return null;
  return { id: readU32(bytes, start), kind, rangeBits, hasGap: bytes[start + 6] === 1 };
}
