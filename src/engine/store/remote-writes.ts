// The peer's writes: applied by version, never logged, whatever the order they arrive in.
//
// Order is (version, touchSeq). On a full tie a tombstone beats an item, and between two items with differing
// content the one of the node with bit 0 stays. Both nodes judge alike, so both end with the same.
//
// What was added where nobody could know of the value here (memcached's clients create by `add` whatever they do not
// find) must not destroy it, however new it is. Were it simply to lose, the order would depend on more than versions
// and have cycles. So the value here becomes newer than the add instead: it is written again by this node.
import type { Items } from './items.js';
import type { KeyPatterns } from './key-patterns.js';
import {
  BYTE_TOUCH_SEQ,
  BYTE_USE,
  KEY_MAX_BYTES,
  memcachedItemBytes,
  OWN_UNIQUE_BYTES,
  STATE_LIVE,
  STATE_TOMBSTONE,
  USE_LOCAL,
  USE_PROVISIONAL,
  USE_STALE,
  WORD_EXPTIME,
  WORD_FLAGS,
  WORD_VERSION_HI,
  WORD_VERSION_LO,
} from './layout.js';
import { copyBytes, type Segments } from './segments.js';
import {
  type ItemMarks,
  REMOTE_APPLIED,
  REMOTE_DEAD,
  REMOTE_INVALID,
  REMOTE_LOST_HERE,
  REMOTE_NO_MEMORY,
  REMOTE_OLDER,
  REMOTE_OVERRULED,
  REMOTE_SAME,
  type RemoteResult,
} from './store-types.js';
import { compareVersions } from './version.js';

export class RemoteWrites {
  remoteWinsTies = false;
  /** Whether this node answers for what it holds: only then is a provisional add overruled. */
  overrulesAdds = false;
  /** What stays, after REMOTE_OVERRULED: it is for the caller to give it a new version. */
  overrulingRef = 0;
  /** Entries of the peer's that met one here which it had not acknowledged: ours stayed, or gave way. */
  conflictsWon = 0;
  conflictsLost = 0;

  readonly #items: Items;
  readonly #segments: Segments;
  readonly #itemSizeMaxBytes: number;
  readonly #localKeys: KeyPatterns | undefined;

  constructor(items: Items, itemSizeMaxBytes: number, localKeys: KeyPatterns | undefined) {
    this.#items = items;
    this.#segments = items.segments;
    this.#itemSizeMaxBytes = itemSizeMaxBytes;
    this.#localKeys = localKeys;
  }

  applyItem(
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
    isFlushed: boolean,
    marks: ItemMarks | undefined,
  ): RemoteResult {
    if (!isInside(bytes, keyStart, keyLength) || keyLength < 1 || keyLength > KEY_MAX_BYTES)
      return REMOTE_INVALID;
    if (!isInside(bytes, valueStart, valueLength)) return REMOTE_INVALID;
    if (isFlushed) return REMOTE_DEAD;
    const items = this.#items;
    const hash = items.index.hash(bytes, keyStart, keyLength);
    const known = this.#knownEntry(bytes, keyStart, keyLength, hash);
    if (known !== 0) {
      const order = this.#orderAgainst(known, versionHi, versionLo, touchSeq);
      if (order < 0) return this.#olderThan(known);
      if (order === 0) {
        if (this.#segments.state(known) === STATE_TOMBSTONE) return REMOTE_OLDER;
        if (this.#hasContent(known, bytes, valueStart, valueLength, flags, exptimeSec)) return REMOTE_SAME;
        if (!this.remoteWinsTies) return REMOTE_OLDER;
      }
      if (marks?.isProvisional && this.#overrules(known)) {
        this.overrulingRef = known;
        this.conflictsWon += 1;
        return REMOTE_OVERRULED;
      }
      if (order > 0) this.#noteGivingWay(known);
    }
    if (exptimeSec !== 0 && exptimeSec <= items.nowSec) {
      if (known !== 0) items.drop(known);
      return REMOTE_DEAD;
    }
    if (known === 0 && items.lost.covers(hash, versionHi, versionLo)) return REMOTE_LOST_HERE;
    return this.#store(
      bytes,
      keyStart,
      keyLength,
      valueStart,
      valueLength,
      flags,
      exptimeSec,
      versionHi,
      versionLo,
      touchSeq,
      hash,
      known,
      marks,
    );
  }

  applyTombstone(
    bytes: Uint8Array,
    keyStart: number,
    keyLength: number,
    versionHi: number,
    versionLo: number,
    touchSeq: number,
    keep: boolean,
    isFlushed: boolean,
  ): RemoteResult {
    if (!isInside(bytes, keyStart, keyLength) || keyLength < 1 || keyLength > KEY_MAX_BYTES)
      return REMOTE_INVALID;
    if (isFlushed) return REMOTE_DEAD;
    const items = this.#items;
    const hash = items.index.hash(bytes, keyStart, keyLength);
    const known = this.#knownEntry(bytes, keyStart, keyLength, hash);
    if (known === 0) {
      if (!keep) return REMOTE_APPLIED;
      const ref = items.addTombstone(bytes, keyStart, keyLength, hash, versionHi, versionLo, touchSeq);
      if (ref === 0) items.lost.noteDeleted(hash, versionHi, versionLo);
      return REMOTE_APPLIED;
    }
    const order = this.#orderAgainst(known, versionHi, versionLo, touchSeq);
    if (order < 0) return this.#olderThan(known);
    const isTombstone = this.#segments.state(known) === STATE_TOMBSTONE;
    if (order === 0 && isTombstone) return REMOTE_SAME;
    if (order > 0) this.#noteGivingWay(known);
    if (!keep) {
      items.drop(known);
      return REMOTE_APPLIED;
    }
    this.#segments.setVersion(known, versionHi, versionLo, touchSeq);
    if (!isTombstone) items.entomb(known);
    return REMOTE_APPLIED;
  }

  #store(
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
    hash: number,
    knownBefore: number,
    marks: ItemMarks | undefined,
  ): RemoteResult {
    const items = this.#items;
    const segments = this.#segments;
    const fits = memcachedItemBytes(keyLength, valueLength, flags) <= this.#itemSizeMaxBytes;
    const hasUnique = marks !== undefined && (marks.uniqueHi !== 0 || marks.uniqueLo !== 0);
    const uniqueBytes = hasUnique ? OWN_UNIQUE_BYTES : 0;
    const ref = fits ? items.reserve(keyLength, uniqueBytes, flags, exptimeSec, valueLength) : 0;
    // Allocating may have evicted what was known of the key.
    const known = knownBefore === 0 ? 0 : items.index.find(bytes, keyStart, keyLength, hash);
    if (ref === 0) {
      if (known !== 0) items.drop(known);
      return REMOTE_NO_MEMORY;
    }
    segments.setVersion(ref, versionHi, versionLo, touchSeq);
    if (hasUnique) segments.setOwnUnique(ref, marks.uniqueHi, marks.uniqueLo);
    // Of a key that stays local only this node's own items come this way, from before it was restarted.
    const isLocal = this.#localKeys?.matches(bytes, keyStart, keyLength) === true;
    if (isLocal) segments.setByte(ref, BYTE_USE, segments.byte(ref, BYTE_USE) | USE_LOCAL);
    if (marks?.isProvisional) segments.setByte(ref, BYTE_USE, segments.byte(ref, BYTE_USE) | USE_PROVISIONAL);
    if (marks?.isStale) segments.setByte(ref, BYTE_USE, segments.byte(ref, BYTE_USE) | USE_STALE);
    copyBytes(bytes, keyStart, keyStart + keyLength, segments.view(ref), segments.keyOffset(ref));
    items.values.write(ref, 0, bytes, valueStart, valueStart + valueLength);
    items.publish(ref, hash, known);
    return REMOTE_APPLIED;
  }

  /** What is known of a key, 0 = nothing. An item that this node alone has forgotten may come back. */
  #knownEntry(bytes: Uint8Array, keyStart: number, keyLength: number, hash: number): number {
    const items = this.#items;
    const known = items.index.find(bytes, keyStart, keyLength, hash);
    if (known === 0 || !items.isForgotten(known)) return known;
    items.dropForgotten(known);
    return 0;
  }

  /** Whether an entry is a value that a provisional add must not replace. */
  #overrules(ref: number): boolean {
    if (!this.overrulesAdds || this.#segments.state(ref) !== STATE_LIVE) return false;
    return (this.#segments.byte(ref, BYTE_USE) & USE_PROVISIONAL) === 0 && !this.#items.isDead(ref);
  }

  /** What is here stays. */
  #olderThan(ref: number): RemoteResult {
    if (this.#items.isUnacknowledged(ref)) this.conflictsWon += 1;
    return REMOTE_OLDER;
  }

  #noteGivingWay(ref: number): void {
    if (this.#items.isUnacknowledged(ref)) this.conflictsLost += 1;
  }

  /** Positive when what arrived is newer than the entry. */
  #orderAgainst(ref: number, versionHi: number, versionLo: number, touchSeq: number): number {
    const segments = this.#segments;
    const order = compareVersions(
      versionHi,
      versionLo,
      segments.word(ref, WORD_VERSION_HI),
      segments.word(ref, WORD_VERSION_LO),
    );
    return order === 0 ? touchSeq - segments.byte(ref, BYTE_TOUCH_SEQ) : order;
  }

  #hasContent(
    ref: number,
    bytes: Uint8Array,
    valueStart: number,
    valueLength: number,
    flags: number,
    exptimeSec: number,
  ): boolean {
    const segments = this.#segments;
    return (
      segments.word(ref, WORD_FLAGS) === flags &&
      segments.word(ref, WORD_EXPTIME) === exptimeSec &&
      this.#items.values.equals(ref, bytes, valueStart, valueStart + valueLength)
    );
  }
}

function isInside(bytes: Uint8Array, start: number, length: number): boolean {
  return start >= 0 && length >= 0 && start + length <= bytes.length;
}
