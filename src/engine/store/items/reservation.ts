// Memory for what is to be stored: a slot or a chain of them, for which something else may have to go.
import type { HashIndex } from '../index.js';
import {
  BYTE_STATE,
  BYTE_USE,
  HEADER_BYTES,
  memcachedItemBytes,
  STATE_RESERVED,
  USE_OWN_UNIQUE,
} from '../layout.js';
import type { Segments } from '../segments.js';
import { classForSize } from '../slab-classes.js';
import type { Slabs } from '../slabs.js';
import type { StoreState } from '../store-state.js';
import type { Values } from '../values.js';
import type { Eviction } from './eviction.js';

/**
 * How large the index may be made for what is only expected, in buckets a page of memory: what items of 128 bytes would
 * fill, and a 32nd of the memory.
 */
const EXPECTED_BUCKETS_A_PAGE = 8192;
/** And never larger than is made in some 100 ms; from there on it grows as entries come. */
const EXPECTED_BUCKETS_MAX = 2 ** 24;

/** How often room is made anew when another got it first: the index, or a page that went with its last item. */
const ROOM_TRIES = 3;

export class Reservation {
  readonly #segments: Segments;
  readonly #slabs: Slabs;
  readonly #values: Values;
  readonly #index: HashIndex;
  readonly #eviction: Eviction;
  readonly #evictions: boolean;
  readonly #itemSizeMaxBytes: number;

  constructor(state: StoreState, eviction: Eviction) {
    this.#segments = state.segments;
    this.#slabs = state.slabs;
    this.#values = state.values;
    this.#index = state.index;
    this.#eviction = eviction;
    this.#evictions = state.evictions;
    this.#itemSizeMaxBytes = state.itemSizeMaxBytes;
  }

  /** Whether an item is within -I. */
  isAllowed(keyLength: number, valueLength: number, flags: number): boolean {
    return memcachedItemBytes(keyLength, valueLength, flags) <= this.#itemSizeMaxBytes;
  }

  /** reserve() unless the item is larger than -I allows; then 0 as well. */
  reserveAllowed(
    keyLength: number,
    ownUniqueBytes: number,
    flags: number,
    exptimeSec: number,
    valueLength: number,
  ): number {
    if (!this.isAllowed(keyLength, valueLength, flags)) return 0;
    return this.reserve(keyLength, ownUniqueBytes, flags, exptimeSec, valueLength);
  }

  /**
   * Memory for an item, with its header set: one slot, or a chain of them. May evict anything that is not reserved.
   * ownUniqueBytes: OWN_UNIQUE_BYTES for an item with a unique of its own, else 0. Returns 0 when there is no memory.
   */
  reserve(
    keyLength: number,
    ownUniqueBytes: number,
    flags: number,
    exptimeSec: number,
    valueLength: number,
  ): number {
    if (this.#index.isCrowded) this.#growIndex();
    const itemBytes = HEADER_BYTES + keyLength + ownUniqueBytes + valueLength;
    const pieceBytes = this.#values.pieceBytesOf(itemBytes);
    const ref = this.#allocate(pieceBytes === 0 ? itemBytes : this.#values.unchainedBytesMax);
    if (ref === 0) return 0;
    this.#segments.setHeader(ref, keyLength, flags, exptimeSec, valueLength);
    if (ownUniqueBytes !== 0) this.#segments.setMark(ref, USE_OWN_UNIQUE);
    if (pieceBytes !== 0 && !this.#chain(ref, pieceBytes)) {
      this.#values.release(ref);
      return 0;
    }
    return ref;
  }

  #allocate(sizeBytes: number): number {
    const slabs = this.#slabs;
    const slabClass = classForSize(slabs.sizes, sizeBytes);
    let ref = slabs.allocate(slabClass);
    // The slot of a victim lies just behind the hand and has a full turn before it. A slot that was free may lie
    // just before it: one use to its credit gives its item a turn as well.
    const use = ref !== 0 && slabs.reusedSlot ? 1 : 0;
    for (let tries = 0; ref === 0; tries++) {
      const roomyClass = tries === ROOM_TRIES ? -1 : this.#eviction.makeRoom(slabClass);
      if (roomyClass < 0) return 0;
      ref = slabs.allocate(roomyClass);
    }
    this.#segments.setByte(ref, BYTE_STATE, STATE_RESERVED);
    this.#segments.setByte(ref, BYTE_USE, use);
    return ref;
  }

  #chain(head: number, pieceBytes: number): boolean {
    this.#values.beginChain(head);
    let previous = 0;
    for (let left = pieceBytes; left > 0; ) {
      const taken = this.#values.nextPieceBytes(left);
      const piece = this.#allocate(HEADER_BYTES + taken);
      if (piece === 0) return false;
      this.#values.addPiece(head, previous, piece);
      previous = piece;
      left -= taken;
    }
    return true;
  }

  /**
   * Of an empty store: that many entries are about to come. Makes the index larger for them, within bounds, by no more
   * than a page.
   * @returns whether it is to be made larger still
   */
  expect(entries: number): boolean {
    const index = this.#index;
    const most = Math.min(this.#slabs.pageLimit * EXPECTED_BUCKETS_A_PAGE, EXPECTED_BUCKETS_MAX);
    const wanted = Math.min(entries, most);
    if (index.entryCount > 0 || index.bucketCount >= wanted || !this.#hasIndexPage()) return false;
    index.widen(wanted);
    return index.bucketCount < wanted;
  }

  /** One split of the index; until there is a page for it the chains grow longer instead. */
  #growIndex(): void {
    if (this.#hasIndexPage()) this.#index.split();
    else this.#slabs.indexWaits = this.#evictions;
  }

  /** Whether the index has the page that its next bucket goes to: takes one for it if need be. */
  #hasIndexPage(): boolean {
    if (!this.#index.needsPage) return true;
    const page = this.#slabs.takePageForIndex();
    if (page < 0) return false;
    this.#index.addPage(page);
    return true;
  }
}
