// append and prepend: a new item of both values, with the old one's flags and expiry.
import type { HashIndex } from '../index.js';
import type { Reservation } from '../items/reservation.js';
import { BYTE_KEY_LENGTH, WORD_EXPTIME, WORD_FLAGS, WORD_VALUE_LENGTH } from '../layout.js';
import { copyBytes, type Segments } from '../segments.js';
import type { StoreState } from '../store-state.js';
import { NOT_STORED, STORED, type StoreResult } from '../store-types.js';
import type { Values } from '../values.js';
import type { LocalWrites } from './local-writes.js';

export class Concatenation {
  readonly #segments: Segments;
  readonly #values: Values;
  readonly #index: HashIndex;
  readonly #reservation: Reservation;
  readonly #writes: LocalWrites;

  constructor({ segments, values, index }: StoreState, reservation: Reservation, writes: LocalWrites) {
    this.#segments = segments;
    this.#values = values;
    this.#index = index;
    this.#reservation = reservation;
    this.#writes = writes;
  }

  /**
   * Stores the live item with the piece's key again, with the piece behind or before its value.
   * @param piece the reserved item with the addition; given back
   */
  concatenate(piece: number, hash: number, isAppend: boolean): StoreResult {
    const segments = this.#segments;
    const values = this.#values;
    const keyLength = segments.byte(piece, BYTE_KEY_LENGTH);
    const pieceKeyAt = segments.keyOffset(piece);
    const pieceLength = segments.word(piece, WORD_VALUE_LENGTH);
    let old = this.#index.find(segments.view(piece), pieceKeyAt, keyLength, hash);
    const oldLength = segments.word(old, WORD_VALUE_LENGTH);
    const uniqueBytes = segments.ownUniqueBytes(piece);
    const ref = this.#reservation.reserveAllowed(
      keyLength,
      uniqueBytes,
      segments.word(old, WORD_FLAGS),
      segments.word(old, WORD_EXPTIME),
      oldLength + pieceLength,
    );
    // Making room may have evicted the very item.
    if (ref !== 0) old = this.#index.find(segments.view(piece), pieceKeyAt, keyLength, hash);
    if (ref === 0 || old === 0) {
      if (ref !== 0) values.release(ref);
      values.release(piece);
      return NOT_STORED;
    }
    copyBytes(
      segments.view(piece),
      pieceKeyAt,
      pieceKeyAt + keyLength,
      segments.view(ref),
      segments.keyOffset(ref),
    );
    if (uniqueBytes !== 0)
      segments.giveUnique(ref, segments.ownUnique(piece, 0), segments.ownUnique(piece, 4));
    values.transfer(old, ref, isAppend ? 0 : pieceLength);
    values.transfer(piece, ref, isAppend ? oldLength : 0);
    values.release(piece);
    this.#writes.publish(ref, hash, old, false);
    return STORED;
  }
}
