// Values: reading and writing them wherever they lie, and the chains of slots that hold the large ones.
//
// An item that fits no slot is chained: its head is a slot of the largest class, full but for its last word, which
// refers to the first piece. A piece is a slot with a header of its own (state, owner, next piece) and value bytes
// behind it; all but the last are of the largest class. Whether an item is chained follows from its lengths alone.
import {
  BYTE_STATE,
  HEADER_BYTES,
  SEGMENT_REF_MASK,
  STATE_PIECE,
  WORD_NEXT,
  WORD_PIECE_OWNER,
  WORD_VALUE_LENGTH,
} from './layout.js';
import { copyBytes, type Segments } from './segments.js';
import type { Slabs } from './slabs.js';

const LINK_BYTES = 4;

/** A stretch of a value that lies in one slot. */
class Span {
  view: Uint8Array = new Uint8Array(0);
  at = 0;
  sizeBytes = 0;
}

export class Values {
  /** Bytes of header, key and value up to which an item is one slot. */
  readonly unchainedBytesMax: number;

  readonly #segments: Segments;
  readonly #slabs: Slabs;
  /** Value bytes of a piece of the largest class. */
  readonly #pieceBytes: number;
  readonly #linkWord: number;
  /** Scratch; nothing of it outlives a call. */
  readonly #source = new Span();
  readonly #target = new Span();

  constructor(segments: Segments, slabs: Slabs) {
    this.#segments = segments;
    this.#slabs = slabs;
    this.unchainedBytesMax = slabs.slotBytesMax;
    this.#pieceBytes = slabs.slotBytesMax - HEADER_BYTES;
    this.#linkWord = (slabs.slotBytesMax - LINK_BYTES) >>> 2;
  }

  /** Bytes of an item's header, key and value (and unique, if it has one of its own). */
  itemBytes(ref: number): number {
    const segments = this.#segments;
    const valueAt = segments.valueOffset(ref) - ((ref & SEGMENT_REF_MASK) << 3);
    return valueAt + segments.word(ref, WORD_VALUE_LENGTH);
  }

  isChained(ref: number): boolean {
    return this.itemBytes(ref) > this.unchainedBytesMax;
  }

  // ── Contents ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Copies source[start .. end) into the value, from valueStart on; it must fit. */
  write(ref: number, valueStart: number, source: Uint8Array, start: number, end: number): void {
    if (!this.isChained(ref)) {
      copyBytes(source, start, end, this.#segments.view(ref), this.#segments.valueOffset(ref) + valueStart);
      return;
    }
    const span = this.#target;
    for (let from = start; from < end; ) {
      this.#seek(span, ref, valueStart + from - start);
      const until = Math.min(end, from + span.sizeBytes);
      copyBytes(source, from, until, span.view, span.at);
      from = until;
    }
  }

  /** Copies length bytes of the value, from valueStart on. */
  read(ref: number, valueStart: number, length: number, target: Uint8Array, targetStart: number): void {
    if (!this.isChained(ref)) {
      const from = this.#segments.valueOffset(ref) + valueStart;
      copyBytes(this.#segments.view(ref), from, from + length, target, targetStart);
      return;
    }
    const span = this.#source;
    for (let done = 0; done < length; ) {
      this.#seek(span, ref, valueStart + done);
      const taken = Math.min(length - done, span.sizeBytes);
      copyBytes(span.view, span.at, span.at + taken, target, targetStart + done);
      done += taken;
    }
  }

  /** Copies the whole value of one item into another's, from toStart on. */
  transfer(from: number, to: number, toStart: number): void {
    const length = this.#segments.word(from, WORD_VALUE_LENGTH);
    const span = this.#source;
    for (let done = 0; done < length; ) {
      this.#seek(span, from, done);
      const taken = Math.min(length - done, span.sizeBytes);
      this.write(to, toStart + done, span.view, span.at, span.at + taken);
      done += taken;
    }
  }

  /** Whether the whole value is bytes[start .. end). */
  equals(ref: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#segments.word(ref, WORD_VALUE_LENGTH) !== end - start) return false;
    const span = this.#source;
    for (let at = start; at < end; ) {
      this.#seek(span, ref, at - start);
      const taken = Math.min(end - at, span.sizeBytes);
      for (let offset = 0; offset < taken; offset++) {
        if (span.view[span.at + offset] !== bytes[at + offset]) return false;
      }
      at += taken;
    }
    return true;
  }

  // ── Chains ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** How many value bytes of an item of itemBytes lie in pieces. */
  pieceBytesOf(itemBytes: number): number {
    return itemBytes <= this.unchainedBytesMax ? 0 : itemBytes - this.unchainedBytesMax + LINK_BYTES;
  }

  /** How many of leftBytes the next piece takes. */
  nextPieceBytes(leftBytes: number): number {
    return Math.min(leftBytes, this.#pieceBytes);
  }

  /** Says of a new chained head that it has no piece yet. */
  beginChain(head: number): void {
    this.#segments.setWord(head, this.#linkWord, 0);
  }

  /** Makes a slot the next piece of an item, behind previous (0 = it is the first). */
  addPiece(head: number, previous: number, piece: number): void {
    const segments = this.#segments;
    segments.setWord(piece, WORD_NEXT, 0);
    segments.setWord(piece, WORD_PIECE_OWNER, head);
    segments.setByte(piece, BYTE_STATE, STATE_PIECE);
    this.#setLink(head, previous, piece);
  }

  /** The item that a piece belongs to. */
  ownerOf(piece: number): number {
    return this.#segments.word(piece, WORD_PIECE_OWNER);
  }

  /** Frees the pieces of an item, if it has any. To be done before its lengths change. */
  freePieces(ref: number): void {
    if (!this.isChained(ref)) return;
    let piece = this.#segments.word(ref, this.#linkWord);
    while (piece !== 0) {
      const next = this.#segments.next(piece);
      this.#slabs.free(piece);
      piece = next;
    }
    this.beginChain(ref);
  }

  /** Frees the slots of an item or tombstone that is not in the index (any more). */
  release(ref: number): void {
    this.freePieces(ref);
    this.#slabs.free(ref);
  }

  /** Tells the pieces of an item that it lies elsewhere now. */
  adopt(head: number): void {
    if (!this.isChained(head)) return;
    let piece = this.#segments.word(head, this.#linkWord);
    while (piece !== 0) {
      this.#segments.setWord(piece, WORD_PIECE_OWNER, head);
      piece = this.#segments.next(piece);
    }
  }

  /** Makes the chain of a piece lead to its copy in another slot. */
  replacePiece(piece: number, copy: number): void {
    const head = this.ownerOf(piece);
    let previous = 0;
    let at = this.#segments.word(head, this.#linkWord);
    while (at !== piece) {
      previous = at;
      at = this.#segments.next(at);
    }
    this.#setLink(head, previous, copy);
  }

  #setLink(head: number, previous: number, piece: number): void {
    if (previous === 0) this.#segments.setWord(head, this.#linkWord, piece);
    else this.#segments.setWord(previous, WORD_NEXT, piece);
  }

  /** Finds where the value's byte at an offset lies, and how much of the value follows there. */
  #seek(span: Span, ref: number, offset: number): void {
    const segments = this.#segments;
    const valueAt = segments.valueOffset(ref);
    if (!this.isChained(ref)) {
      span.view = segments.view(ref);
      span.at = valueAt + offset;
      span.sizeBytes = segments.word(ref, WORD_VALUE_LENGTH) - offset;
      return;
    }
    const headBytes = ((ref & SEGMENT_REF_MASK) << 3) + this.unchainedBytesMax - LINK_BYTES - valueAt;
    if (offset < headBytes) {
      span.view = segments.view(ref);
      span.at = valueAt + offset;
      span.sizeBytes = headBytes - offset;
      return;
    }
    let left = offset - headBytes;
    let piece = segments.word(ref, this.#linkWord);
    for (; left >= this.#pieceBytes; left -= this.#pieceBytes) piece = segments.next(piece);
    span.view = segments.view(piece);
    span.at = ((piece & SEGMENT_REF_MASK) << 3) + HEADER_BYTES + left;
    span.sizeBytes = this.#pieceBytes - left;
  }
}
