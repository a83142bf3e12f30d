// The peer's writes: applied by version, never logged, whatever the order they arrive in.
//
// Order is (version, touchSeq). On a full tie a tombstone beats an item, and between two items with differing
// content the one of the node with bit 0 stays. Both nodes judge alike, so both end with the same.
//
// What was added where nobody could know of the value here (memcached's clients create by `add` whatever they do not
// find) must not destroy it, however new it is. Were it simply to lose, the order would depend on more than versions
// and have cycles. So the value here becomes newer than the add instead: it is written again by this node.
import type { FlushFloor } from './flush-floor.js';
import type { HashIndex } from './index.js';
import type { Departures } from './items/departures.js';
import type { Items } from './items/items.js';
import type { Liveness } from './items/liveness.js';
import type { PeerKnowledge } from './items/peer-knowledge.js';
import type { Reservation } from './items/reservation.js';
import type { Tombstones } from './items/tombstones.js';
import {
  BYTE_TOUCH_SEQ,
  KEY_MAX_BYTES,
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
import type { LostWrites } from './lost-writes.js';
import type { LocalWrites } from './operations/local-writes.js';
import { copyBytes, type Segments } from './segments.js';
import type { StoreState } from './store-state.js';
import type { StoreTime } from './store-time.js';
import {
  type ItemMarks,
  REMOTE_APPLIED,
  REMOTE_CLOCK,
  REMOTE_DEAD,
  REMOTE_INVALID,
  REMOTE_LOST_HERE,
  REMOTE_NO_MEMORY,
  REMOTE_OLDER,
  REMOTE_OVERRULED,
  REMOTE_SAME,
  type RemoteResult,
} from './store-types.js';
import type { Values } from './values.js';
import { compareVersions, type VersionClock } from './version.js';

/** What they build on. */
export interface RemoteWritesParts {
  readonly liveness: Liveness;
  readonly peer: PeerKnowledge;
  readonly departures: Departures;
  readonly reservation: Reservation;
  readonly tombstones: Tombstones;
  readonly items: Items;
  readonly writes: LocalWrites;
}

export class RemoteWrites {
  remoteWinsTies = false;
  /** Whether this node answers for what it holds: only then is a provisional add overruled. */
  overrulesAdds = false;
  /** Entries of the peer's that met one here which it had not acknowledged: ours stayed, or gave way. */
  conflictsWon = 0;
  conflictsLost = 0;

  readonly #segments: Segments;
  readonly #values: Values;
  readonly #index: HashIndex;
  readonly #time: StoreTime;
  readonly #clock: VersionClock;
  readonly #flushFloor: FlushFloor;
  readonly #lost: LostWrites;
  readonly #liveness: Liveness;
  readonly #peer: PeerKnowledge;
  readonly #departures: Departures;
  readonly #reservation: Reservation;
  readonly #tombstones: Tombstones;
  readonly #items: Items;
  readonly #writes: LocalWrites;

  constructor(state: StoreState, parts: RemoteWritesParts) {
    this.#segments = state.segments;
    this.#values = state.values;
    this.#index = state.index;
    this.#time = state.time;
    this.#clock = state.clock;
    this.#flushFloor = state.flushFloor;
    this.#lost = state.lost;
    this.#liveness = parts.liveness;
    this.#peer = parts.peer;
    this.#departures = parts.departures;
    this.#reservation = parts.reservation;
    this.#tombstones = parts.tombstones;
    this.#items = parts.items;
    this.#writes = parts.writes;
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
    marks: ItemMarks | undefined,
  ): RemoteResult {
    if (!this.#clock.observe(versionHi, versionLo, this.#time.nowMs)) return REMOTE_CLOCK;
    if (!isInside(bytes, keyStart, keyLength) || keyLength < 1 || keyLength > KEY_MAX_BYTES)
      return REMOTE_INVALID;
    if (!isInside(bytes, valueStart, valueLength)) return REMOTE_INVALID;
    if (this.#flushFloor.covers(versionHi, versionLo)) return REMOTE_DEAD;
    const hash = this.#index.hash(bytes, keyStart, keyLength);
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
        // Written again by this node, so that it is newer than the add.
        this.#writes.stamp(known);
        this.#writes.log(known);
        this.conflictsWon += 1;
        return REMOTE_OVERRULED;
      }
      if (order > 0) this.#noteGivingWay(known);
    }
    if (exptimeSec !== 0 && exptimeSec <= this.#time.nowSec) {
      if (known !== 0) this.#departures.drop(known);
      return REMOTE_DEAD;
    }
    if (known === 0 && this.#lost.covers(hash, versionHi, versionLo)) return REMOTE_LOST_HERE;
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
  ): RemoteResult {
    if (!this.#clock.observe(versionHi, versionLo, this.#time.nowMs)) return REMOTE_CLOCK;
    if (!isInside(bytes, keyStart, keyLength) || keyLength < 1 || keyLength > KEY_MAX_BYTES)
      return REMOTE_INVALID;
    if (this.#flushFloor.covers(versionHi, versionLo)) return REMOTE_DEAD;
    const hash = this.#index.hash(bytes, keyStart, keyLength);
    const known = this.#knownEntry(bytes, keyStart, keyLength, hash);
    if (known === 0) {
      if (!keep) return REMOTE_APPLIED;
      const ref = this.#tombstones.add(bytes, keyStart, keyLength, hash, versionHi, versionLo, touchSeq);
      if (ref === 0) this.#lost.noteDeleted(hash, versionHi, versionLo);
      return REMOTE_APPLIED;
    }
    const order = this.#orderAgainst(known, versionHi, versionLo, touchSeq);
    if (order < 0) return this.#olderThan(known);
    const isTombstone = this.#segments.state(known) === STATE_TOMBSTONE;
    if (order === 0 && isTombstone) return REMOTE_SAME;
    if (order > 0) this.#noteGivingWay(known);
    if (!keep) {
      this.#departures.drop(known);
      return REMOTE_APPLIED;
    }
    this.#segments.setVersion(known, versionHi, versionLo, touchSeq);
    if (!isTombstone) this.#tombstones.entomb(known);
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
    const segments = this.#segments;
    const hasUnique = marks !== undefined && (marks.uniqueHi !== 0 || marks.uniqueLo !== 0);
    const uniqueBytes = hasUnique ? OWN_UNIQUE_BYTES : 0;
    const ref = this.#reservation.reserveAllowed(keyLength, uniqueBytes, flags, exptimeSec, valueLength);
    // Allocating may have evicted what was known of the key.
    const known = knownBefore === 0 ? 0 : this.#index.find(bytes, keyStart, keyLength, hash);
    if (ref === 0) {
      if (known !== 0) this.#departures.drop(known);
      return REMOTE_NO_MEMORY;
    }
    segments.setVersion(ref, versionHi, versionLo, touchSeq);
    if (hasUnique) segments.setOwnUnique(ref, marks.uniqueHi, marks.uniqueLo);
    // Of a key that stays local only this node's own items come this way, from before it was restarted.
    if (this.#writes.staysLocal(bytes, keyStart, keyLength)) segments.setMark(ref, USE_LOCAL);
    if (marks?.isProvisional) segments.setMark(ref, USE_PROVISIONAL);
    if (marks?.isStale) segments.setMark(ref, USE_STALE);
    copyBytes(bytes, keyStart, keyStart + keyLength, segments.view(ref), segments.keyOffset(ref));
    this.#values.write(ref, 0, bytes, valueStart, valueStart + valueLength);
    this.#items.publish(ref, hash, known);
    return REMOTE_APPLIED;
  }

  /** What is known of a key, 0 = nothing. An item that this node alone has forgotten may come back. */
  #knownEntry(bytes: Uint8Array, keyStart: number, keyLength: number, hash: number): number {
    const known = this.#index.find(bytes, keyStart, keyLength, hash);
    if (known === 0 || !this.#liveness.isForgotten(known)) return known;
    this.#departures.dropForgotten(known);
    return 0;
  }

  /** Whether an entry is a value that a provisional add must not replace. */
  #overrules(ref: number): boolean {
    if (!this.overrulesAdds || this.#segments.state(ref) !== STATE_LIVE) return false;
    return !this.#segments.hasMark(ref, USE_PROVISIONAL) && !this.#liveness.isDead(ref);
  }

  /** What is here stays. */
  #olderThan(ref: number): RemoteResult {
    if (this.#peer.isUnacknowledged(ref)) this.conflictsWon += 1;
    return REMOTE_OLDER;
  }

  #noteGivingWay(ref: number): void {
    if (this.#peer.isUnacknowledged(ref)) this.conflictsLost += 1;
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
      this.#values.equals(ref, bytes, valueStart, valueStart + valueLength)
    );
  }
}

function isInside(bytes: Uint8Array, start: number, length: number): boolean {
  return start >= 0 && length >= 0 && start + length <= bytes.length;
}
