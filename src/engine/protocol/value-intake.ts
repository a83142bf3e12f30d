// The value behind a text command's line, as it arrives: into a reserved slot, or, refused, nowhere.
import type { Store } from '../store/store.js';

const CR = 0x0d;
const LF = 0x0a;
const LINE_END_BYTES = 2;

export class ValueIntake {
  readonly #store: Store;
  /** The reserved item whose value is arriving, 0 = none. */
  #ref = 0;
  #valueLength = 0;
  /** Bytes of the value and its line end that came in. */
  #received = 0;
  #hasBadEnd = false;
  /** Bytes of a refused value that are still to come. */
  #toSwallow = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Whether bytes of a value, kept or not, are still to come. */
  get isReceiving(): boolean {
    return this.#ref !== 0 || this.#toSwallow !== 0;
  }

  /** Whether the value did not end with a line end where it should have. */
  get hasBadEnd(): boolean {
    return this.#hasBadEnd;
  }

  /** From here on a value of so many bytes goes into a reserved item. */
  expect(ref: number, valueLength: number): void {
    this.#ref = ref;
    this.#valueLength = valueLength;
    this.#received = 0;
    this.#hasBadEnd = false;
  }

  /** From here on a value of so many bytes, with its line end, is dropped. */
  swallow(valueLength: number): void {
    this.#toSwallow = valueLength + LINE_END_BYTES;
  }

  /** Takes what belongs to the value from bytes[at .. end). Returns where it stopped; takeComplete() is to follow. */
  take(bytes: Uint8Array, at: number, end: number): number {
    if (this.#ref === 0) {
      const swallowed = Math.min(this.#toSwallow, end - at);
      this.#toSwallow -= swallowed;
      return at + swallowed;
    }
    let next = at;
    const valueLeft = this.#valueLength - this.#received;
    if (valueLeft > 0) {
      const taken = Math.min(valueLeft, end - at);
      this.#store.writeValue(this.#ref, this.#received, bytes, at, at + taken);
      this.#received += taken;
      next += taken;
    }
    const total = this.#valueLength + LINE_END_BYTES;
    while (next < end && this.#received < total) {
      const expected = this.#received === this.#valueLength ? CR : LF;
      if (bytes[next] !== expected) this.#hasBadEnd = true;
      next++;
      this.#received++;
    }
    return next;
  }

  /** Hands over the item once its value is complete: the caller commits or releases it. 0 = not yet, or none. */
  takeComplete(): number {
    const ref = this.#ref;
    if (ref === 0 || this.#received < this.#valueLength + LINE_END_BYTES) return 0;
    this.#ref = 0;
    return ref;
  }

  /** Gives a half-received item back; the connection is gone. */
  abandon(): void {
    this.#toSwallow = 0;
    if (this.#ref !== 0) this.giveBack(this.#ref);
    this.#ref = 0;
  }

  /** Releases a reserved item, for a caller who does not hold the lock. */
  giveBack(ref: number): void {
    this.#store.lock();
    try {
      this.#store.release(ref);
    } finally {
      this.#store.unlock();
    }
  }
}
