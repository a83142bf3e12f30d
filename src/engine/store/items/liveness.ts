// Whether an item can still be served: until it expires, or a flush_all takes it.
import type { FlushFloor } from '../flush-floor.js';
import { STATE_LIVE, WORD_EXPTIME, WORD_LAST_ACCESS, WORD_VERSION_HI, WORD_VERSION_LO } from '../layout.js';
import type { LocalFlush } from '../local-flush.js';
import type { Segments } from '../segments.js';
import type { StoreState } from '../store-state.js';
import type { StoreTime } from '../store-time.js';

export class Liveness {
  readonly #segments: Segments;
  readonly #time: StoreTime;
  readonly #flushFloor: FlushFloor;
  readonly #localFlush: LocalFlush | undefined;

  constructor({ segments, time, flushFloor, localFlush }: StoreState) {
    this.#segments = segments;
    this.#time = time;
    this.#flushFloor = flushFloor;
    this.#localFlush = localFlush;
  }

  /** Whether an entry can be served: not a tombstone, expired or flushed. */
  isLive(ref: number): boolean {
    return this.#segments.state(ref) === STATE_LIVE && !this.isExpired(ref) && !this.isFlushed(ref);
  }

  /** Whether an item has expired or was flushed. */
  isDead(ref: number): boolean {
    return this.isExpired(ref) || this.isFlushed(ref);
  }

  isExpired(ref: number): boolean {
    const exptimeSec = this.#segments.word(ref, WORD_EXPTIME);
    return exptimeSec !== 0 && exptimeSec <= this.#time.nowSec;
  }

  isFlushed(ref: number): boolean {
    return this.isFlushedOnBoth(ref) || this.isForgotten(ref);
  }

  /** Whether a flush_all that goes for the peer as well took the entry. */
  isFlushedOnBoth(ref: number): boolean {
    const segments = this.#segments;
    return this.#flushFloor.covers(segments.word(ref, WORD_VERSION_HI), segments.word(ref, WORD_VERSION_LO));
  }

  /** Whether a flush_all of this node alone took the item: to the peer it says nothing. */
  isForgotten(ref: number): boolean {
    return (
      this.#localFlush !== undefined &&
      this.#segments.state(ref) === STATE_LIVE &&
      this.#localFlush.covers(this.#segments.word(ref, WORD_LAST_ACCESS))
    );
  }
}
