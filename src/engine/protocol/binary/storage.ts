// set, add, replace, append, prepend and their quiet forms: the request's head, then the value as it arrives.
import { absoluteExptime } from '../../store/exptime.js';
import type { Store } from '../../store/store.js';
import {
  EXISTS,
  MODE_ADD,
  MODE_APPEND,
  MODE_CAS,
  MODE_PREPEND,
  MODE_REPLACE,
  MODE_SET,
  NOT_FOUND,
  STORED,
  type StoreMode,
  type StoreResult,
  TOO_LARGE,
} from '../../store/store-types.js';
import type { ReplyBuffer } from '../reply-buffer.js';
import { type Addressee, NO_MEMORY_ITEM, writeError, writeOk, writeValue } from './replies.js';
import type { Request } from './request.js';
import {
  OP_ADD,
  OP_APPEND,
  OP_PREPEND,
  OP_SET,
  STATUS_EXISTS,
  STATUS_NO_MEMORY,
  STATUS_NOT_FOUND,
  STATUS_NOT_STORED,
  STATUS_TOO_LARGE,
} from './wire.js';

export class BinaryStorage implements Addressee {
  /** Of the request whose value is arriving: its reply repeats them. */
  opcode = 0;
  opaque = 0;

  readonly #store: Store;
  /** The reserved item whose value is arriving, 0 = none. */
  #ref = 0;
  #mode: StoreMode = MODE_SET;
  #uniqueHi = 0;
  #uniqueLo = 0;
  #isQuiet = false;
  #valueLength = 0;
  #received = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Whether a slot waits for its value or, once that is all there, for finish(). */
  get isReceiving(): boolean {
    return this.#ref !== 0;
  }

  get isComplete(): boolean {
    return this.#received === this.#valueLength;
  }

  /** Reserves a slot for the value that follows; false when there is none, which was answered. Call under the lock. */
  begin(request: Request, reply: ReplyBuffer): boolean {
    const store = this.#store;
    const { bytes, keyStart, keyLength, valueLength, shape } = request;
    const hasFlags = shape.extrasBytes !== 0;
    const flags = hasFlags ? request.extra(0) : 0;
    const exptimeSec = hasFlags ? absoluteExptime(request.extra(4), store.nowSec) : 0;
    const ref = store.reserve(bytes, keyStart, keyLength, flags, exptimeSec, valueLength);
    if (ref === 0) {
      store.tellRefused(bytes, keyStart, keyLength, modeOf(request));
      // A set that failed must not leave the value it was to replace.
      if (shape.command === OP_SET) store.discard(bytes, keyStart, keyLength);
      if (store.reserveError === TOO_LARGE) writeError(reply, request, STATUS_TOO_LARGE);
      else writeValue(reply, request, STATUS_NO_MEMORY, NO_MEMORY_ITEM);
      return false;
    }
    this.#ref = ref;
    this.#mode = modeOf(request);
    this.#uniqueHi = request.uniqueHi;
    this.#uniqueLo = request.uniqueLo;
    this.#isQuiet = shape.isQuiet;
    this.opcode = request.opcode;
    this.opaque = request.opaque;
    this.#valueLength = valueLength;
    this.#received = 0;
    return true;
  }

  /** Takes what belongs to the value from bytes[at .. end). Returns where it stopped. */
  take(bytes: Uint8Array, at: number, end: number): number {
    const taken = Math.min(this.#valueLength - this.#received, end - at);
    if (taken > 0) this.#store.writeValue(this.#ref, this.#received, bytes, at, at + taken);
    this.#received += taken;
    return at + taken;
  }

  /** Stores the complete value, and answers: one stretch under the store lock. */
  finish(reply: ReplyBuffer): void {
    this.#store.lock();
    try {
      this.#commit(reply);
    } finally {
      this.#store.unlock();
    }
  }

  #commit(reply: ReplyBuffer): void {
    const store = this.#store;
    const ref = this.#ref;
    this.#ref = 0;
    const result = store.commit(ref, this.#mode, this.#uniqueHi, this.#uniqueLo);
    if (result !== STORED) writeError(reply, this, statusOf(result, this.#mode));
    else if (!this.#isQuiet) writeOk(reply, this, store.storedUniqueHi, store.storedUniqueLo);
  }

  /** Gives a half-received item back. */
  release(): void {
    if (this.#ref === 0) return;
    this.#store.lock();
    try {
      this.#store.release(this.#ref);
    } finally {
      this.#store.unlock();
    }
    this.#ref = 0;
  }
}

/** With a unique, set, add and replace are all the same: cas. */
function modeOf(request: Request): StoreMode {
  const { command } = request.shape;
  if (command === OP_APPEND) return MODE_APPEND;
  if (command === OP_PREPEND) return MODE_PREPEND;
  if (request.hasUnique) return MODE_CAS;
  if (command === OP_ADD) return MODE_ADD;
  return command === OP_SET ? MODE_SET : MODE_REPLACE;
}

function statusOf(result: StoreResult, mode: StoreMode): number {
  if (result === EXISTS) return STATUS_EXISTS;
  if (result === NOT_FOUND) return STATUS_NOT_FOUND;
  if (mode === MODE_ADD) return STATUS_EXISTS;
  if (mode === MODE_REPLACE) return STATUS_NOT_FOUND;
  return STATUS_NOT_STORED;
}
