// What every write of this node has in common: a version, the marks that go by its key, and its place in the log.
// All commands write through here, so that none can forget to replicate.
import { CHANGE_ITEM, CHANGE_TOMBSTONE, type ChangeLog } from '../change-log.js';
import type { Items } from '../items/items.js';
import type { KeyPatterns } from '../key-patterns.js';
import {
  BYTE_KEY_LENGTH,
  BYTE_TOUCH_SEQ,
  BYTE_USE,
  USE_LOCAL,
  USE_PROVISIONAL,
  WORD_VALUE_LENGTH,
  WORD_VERSION_HI,
  WORD_VERSION_LO,
} from '../layout.js';
import type { LocalFlush } from '../local-flush.js';
import type { LostWrites } from '../lost-writes.js';
import type { Segments } from '../segments.js';
import type { StoreState } from '../store-state.js';
import type { StoreTime } from '../store-time.js';
import type { VersionClock } from '../version.js';

const OUT_OF_SYNC = 0;
const SYNC_WORDS = 1;

export class LocalWrites {
  /** The unique that the last stored item was given, and the length its value has now. */
  storedUniqueHi = 0;
  storedUniqueLo = 0;
  storedLength = 0;

  readonly #segments: Segments;
  readonly #time: StoreTime;
  readonly #clock: VersionClock;
  readonly #changeLog: ChangeLog | undefined;
  readonly #localKeys: KeyPatterns | undefined;
  readonly #localFlush: LocalFlush | undefined;
  readonly #lost: LostWrites;
  readonly #items: Items;
  /** [OUT_OF_SYNC] 1 while the peer may have what is not here. */
  readonly #sync: Uint32Array;

  constructor(state: StoreState, items: Items) {
    this.#segments = state.segments;
    this.#time = state.time;
    this.#clock = state.clock;
    this.#changeLog = state.changeLog;
    this.#localKeys = state.localKeys;
    this.#localFlush = state.localFlush;
    this.#lost = state.lost;
    this.#items = items;
    this.#sync = state.memory.words('local-writes.sync', SYNC_WORDS);
  }

  /** @param isInSync whether all that the peer has is here: else an add is provisional, as its key may exist there */
  noteSync(isInSync: boolean): void {
    this.#sync[OUT_OF_SYNC] = isInSync ? 0 : 1;
  }

  /** Whether a key stays on this node. */
  staysLocal(key: Uint8Array, start: number, length: number): boolean {
    return this.#localKeys?.matches(key, start, length) === true;
  }

  /**
   * Stamps, publishes and logs a filled item, in the place of old (0 = none).
   * @param isAdd the client creates the item because it found none
   */
  publish(ref: number, hash: number, old: number, isAdd: boolean): void {
    const segments = this.#segments;
    this.stamp(ref);
    if (this.staysLocal(segments.view(ref), segments.keyOffset(ref), segments.byte(ref, BYTE_KEY_LENGTH))) {
      segments.setMark(ref, USE_LOCAL);
    } else if (isAdd && old === 0 && this.#mayLack && !this.#lost.has(hash)) {
      // Nothing at all is known of the key here, not even that it was deleted or evicted.
      segments.setMark(ref, USE_PROVISIONAL);
    }
    this.#items.publish(ref, hash, old);
    this.#noteStored(segments.uniqueHi(ref), segments.uniqueLo(ref), segments.word(ref, WORD_VALUE_LENGTH));
    this.log(ref);
  }

  /** An item was stored that had expired already: it has a version, but there is nothing to publish. */
  noteStillborn(valueLength: number): void {
    this.#clock.tick(this.#time.nowMs);
    this.#noteStored(this.#clock.hi, this.#clock.lo, valueLength);
  }

  /** A live item changed in its place: a new version, which is also its unique again. */
  renew(ref: number): void {
    this.stamp(ref);
    if (this.#segments.ownUniqueBytes(ref) !== 0) {
      this.#segments.setOwnUnique(ref, this.#clock.hi, this.#clock.lo);
    }
    this.log(ref);
  }

  /** A new version; what was provisional no longer is. log() is to follow. */
  stamp(ref: number): void {
    const segments = this.#segments;
    this.#clock.tick(this.#time.nowMs);
    const use = segments.byte(ref, BYTE_USE);
    if ((use & USE_PROVISIONAL) !== 0) segments.setByte(ref, BYTE_USE, use & ~USE_PROVISIONAL);
    segments.setVersion(ref, this.#clock.hi, this.#clock.lo, 0);
  }

  log(ref: number): void {
    const segments = this.#segments;
    if (this.#changeLog === undefined || segments.hasMark(ref, USE_LOCAL)) return;
    const touchSeq = segments.byte(ref, BYTE_TOUCH_SEQ);
    const hi = segments.word(ref, WORD_VERSION_HI);
    this.#changeLog.append(ref, hi, segments.word(ref, WORD_VERSION_LO), touchSeq, CHANGE_ITEM);
  }

  /** The same for the tombstone that a stamped item has become. */
  logTombstone(ref: number): void {
    this.#changeLog?.append(ref, this.#clock.hi, this.#clock.lo, 0, CHANGE_TOMBSTONE);
  }

  #noteStored(uniqueHi: number, uniqueLo: number, valueLength: number): void {
    this.storedUniqueHi = uniqueHi;
    this.storedUniqueLo = uniqueLo;
    this.storedLength = valueLength;
  }

  /** Whether the peer may have what is not here. */
  get #mayLack(): boolean {
    return this.#sync[OUT_OF_SYNC] !== 0 || this.#localFlush?.hasFlushed === true;
  }
}
