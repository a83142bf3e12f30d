// Moving what lies in a slot to another one, for a page that is to change its class.
import { CHANGE_ITEM, CHANGE_TOMBSTONE, type ChangeLog } from '../change-log.js';
import type { HashIndex } from '../index.js';
import {
  BYTE_TOUCH_SEQ,
  SEGMENT_REF_MASK,
  STATE_PIECE,
  STATE_TOMBSTONE,
  USE_LOCAL,
  WORD_VERSION_HI,
  WORD_VERSION_LO,
} from '../layout.js';
import { copyBytes, type Segments } from '../segments.js';
import type { Slabs } from '../slabs.js';
import type { StoreState } from '../store-state.js';
import type { Values } from '../values.js';
import type { Accounts } from './accounts.js';

export class Relocation {
  readonly #segments: Segments;
  readonly #slabs: Slabs;
  readonly #values: Values;
  readonly #index: HashIndex;
  readonly #changeLog: ChangeLog | undefined;
  readonly #accounts: Accounts;

  constructor({ segments, slabs, values, index, changeLog }: StoreState, accounts: Accounts) {
    this.#segments = segments;
    this.#slabs = slabs;
    this.#values = values;
    this.#index = index;
    this.#changeLog = changeLog;
    this.#accounts = accounts;
  }

  /** Moves an item, a tombstone or a piece to a free slot of the same class or a larger one, and frees its own. */
  relocate(ref: number, to: number): void {
    const segments = this.#segments;
    const at = (ref & SEGMENT_REF_MASK) << 3;
    const slotBytes = this.#slabs.sizes[this.#slabs.classOfRef(ref)];
    copyBytes(segments.view(ref), at, at + slotBytes, segments.view(to), (to & SEGMENT_REF_MASK) << 3);
    if (segments.state(ref) === STATE_PIECE) {
      this.#values.replacePiece(ref, to);
    } else {
      this.#index.exchange(ref, to, this.#index.hashOfRef(ref));
      this.#values.adopt(to);
      this.#accounts.uncount(ref);
      if (segments.state(to) === STATE_TOMBSTONE) this.#accounts.countTombstone(to, 1);
      else this.#accounts.countItem(to, 1);
      this.#log(to);
    }
    this.#slabs.free(ref);
  }

  /**
   * The sender finds an entry by its slot: it is logged again under the new one. Also when the peer knows the version:
   * that is said of all up to one that was acknowledged, and of these the moved one may be the last to be sent.
   */
  #log(ref: number): void {
    const segments = this.#segments;
    if (segments.hasMark(ref, USE_LOCAL)) return;
    this.#changeLog?.appendMove(
      ref,
      segments.word(ref, WORD_VERSION_HI),
      segments.word(ref, WORD_VERSION_LO),
      segments.byte(ref, BYTE_TOUCH_SEQ),
      segments.state(ref) === STATE_TOMBSTONE ? CHANGE_TOMBSTONE : CHANGE_ITEM,
    );
  }
}
