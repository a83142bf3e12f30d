// What the peer knows of an entry here. Without replication there is nobody to know anything.
import type { ChangeLog } from '../change-log.js';
import { USE_LOCAL, WORD_VERSION_HI, WORD_VERSION_LO } from '../layout.js';
import type { Segments } from '../segments.js';
import type { StoreState } from '../store-state.js';
import type { Liveness } from './liveness.js';

export class PeerKnowledge {
  readonly #segments: Segments;
  readonly #changeLog: ChangeLog | undefined;
  readonly #liveness: Liveness;

  constructor({ segments, changeLog }: StoreState, liveness: Liveness) {
    this.#segments = segments;
    this.#changeLog = changeLog;
    this.#liveness = liveness;
  }

  /** Whether this node made the entry and the peer has not said that it has it. */
  isUnacknowledged(ref: number): boolean {
    const segments = this.#segments;
    const hi = segments.word(ref, WORD_VERSION_HI);
    return this.#changeLog?.isUnacknowledged(hi, segments.word(ref, WORD_VERSION_LO)) === true;
  }

  /** Whether the peer may keep something older for want of this item. */
  mayMiss(ref: number): boolean {
    const segments = this.#segments;
    if (this.#changeLog === undefined || this.#liveness.isFlushed(ref) || segments.hasMark(ref, USE_LOCAL)) {
      return false;
    }
    const hi = segments.word(ref, WORD_VERSION_HI);
    return this.#changeLog.mayBeUnknownToPeer(hi, segments.word(ref, WORD_VERSION_LO));
  }
}
