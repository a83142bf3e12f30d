// ms: the command line, then the value as it arrives.
import { KEY_MAX_BYTES } from '../../store/layout.js';
import type { Store } from '../../store/store.js';
import {
  EXISTS,
  MODE_ADD,
  MODE_APPEND,
  MODE_APPEND_OR_ADD,
  MODE_CAS,
  MODE_CAS_OR_STALE,
  MODE_PREPEND,
  MODE_PREPEND_OR_ADD,
  MODE_REPLACE,
  MODE_SET,
  NOT_FOUND,
  STORED,
  type StoreMode,
  TOO_LARGE,
} from '../../store/store-types.js';
import { BAD_CHUNK, NO_PEER, OUT_OF_MEMORY, TOO_LARGE_REPLY } from '../classic/replies.js';
import type { ReplyBuffer } from '../reply-buffer.js';
import { ValueIntake } from '../value-intake.js';
import { BAD_SET_MODE, EX, HD, NF, NS } from './meta-replies.js';
import type { MetaRequest } from './meta-request.js';
import { LINE_MAX_BYTES, putBytes, putKey, putLineEnd, putNumber, putNumber64 } from './meta-writer.js';

const LETTER_O = 0x4f;
const LETTER_K = 0x6b;
const LETTER_C = 0x63;
const LETTER_S = 0x73;
const SPACE = 0x20;
/** A mode byte that names no mode. */
const NO_MODE = -1;
/** An opaque of 32 bytes with a blank, and k, c, s. */
const ECHOES_MAX_BYTES = 40;
const NOTHING = new Uint8Array(0);

/** Scratch: the key of the item at hand, which commit() may free. */
const keyScratch = new Uint8Array(KEY_MAX_BYTES);

export class MetaSet {
  readonly #store: Store;
  readonly #intake: ValueIntake;
  #mode: StoreMode = MODE_SET;
  #uniqueHi = 0;
  #uniqueLo = 0;
  #valueLength = 0;
  #isQuiet = false;
  #isBinary = false;
  /** Flags that the reply is to show, in their order: O with its token and a blank behind it, k, c, s. */
  #echoes: Uint8Array = NOTHING;
  #echoesLength = 0;

  constructor(store: Store) {
    this.#store = store;
    this.#intake = new ValueIntake(store);
  }

  /** Whether bytes of a value, kept or not, are still to come. */
  get isReceiving(): boolean {
    return this.#intake.isReceiving;
  }

  /** `ms <key> <length> <flag>*`, split: prepares for the value, or refuses it. The lock is held. */
  begin(request: MetaRequest, reply: ReplyBuffer): void {
    const problem = request.parse(this.#store.nowSec) ?? this.#prepare(request);
    if (problem === undefined) return;
    this.#intake.swallow(request.valueLength);
    // Errors are said even to those who want quiet.
    reply.write(problem);
  }

  /** Takes what belongs to the value from bytes[at .. end); answers once it is complete. Returns where it stopped. */
  take(bytes: Uint8Array, at: number, end: number, reply: ReplyBuffer): number {
    const next = this.#intake.take(bytes, at, end);
    const ref = this.#intake.takeComplete();
    if (ref !== 0) this.#finish(ref, reply);
    return next;
  }

  /** Gives a half-received item back. */
  release(): void {
    this.#intake.abandon();
  }

  #prepare(request: MetaRequest): Uint8Array | undefined {
    const mode = modeOf(request);
    if (mode === NO_MODE) return BAD_SET_MODE;
    const store = this.#store;
    if (store.refusesWrites) return NO_PEER;
    const { key, keyStart, keyLength, clientFlags, ownUnique, valueLength } = request;
    const isVivifying = mode === MODE_APPEND_OR_ADD || mode === MODE_PREPEND_OR_ADD;
    const exptimeSec = isVivifying ? request.vivifyExptimeSec : request.exptimeSec;
    const ref =
      ownUnique.hi === 0 && ownUnique.lo === 0
        ? store.reserve(key, keyStart, keyLength, clientFlags, exptimeSec, valueLength)
        : store.reserveWithUnique(
            key,
            keyStart,
            keyLength,
            clientFlags,
            exptimeSec,
            valueLength,
            ownUnique.hi,
            ownUnique.lo,
          );
    if (ref === 0) {
      store.tellRefused(key, keyStart, keyLength, mode);
      // A value that can't be stored must not leave the one it was to replace.
      store.discard(key, keyStart, keyLength);
      return store.reserveError === TOO_LARGE ? TOO_LARGE_REPLY : OUT_OF_MEMORY;
    }
    this.#mode = mode;
    this.#uniqueHi = request.compares ? request.unique.hi : 0;
    this.#uniqueLo = request.compares ? request.unique.lo : 0;
    this.#valueLength = valueLength;
    this.#isQuiet = request.isQuiet;
    this.#isBinary = request.isBinary;
    this.#noteEchoes(request);
    this.#intake.expect(ref, valueLength);
    return undefined;
  }

  #noteEchoes(request: MetaRequest): void {
    this.#echoesLength = 0;
    for (let position = 0; position < request.flagCount; position++) {
      const letter = request.flag(position);
      if (letter !== LETTER_O && letter !== LETTER_K && letter !== LETTER_C && letter !== LETTER_S) continue;
      if (this.#echoes === NOTHING) this.#echoes = new Uint8Array(ECHOES_MAX_BYTES);
      if (letter === LETTER_O) {
        this.#echoesLength += request.copyFlag(position, this.#echoes, this.#echoesLength);
        this.#echoes[this.#echoesLength++] = SPACE;
      } else {
        this.#echoes[this.#echoesLength++] = letter;
      }
    }
  }

  #finish(ref: number, reply: ReplyBuffer): void {
    if (this.#intake.hasBadEnd) {
      this.#intake.giveBack(ref);
      reply.write(BAD_CHUNK);
      return;
    }
    const store = this.#store;
    const keyLength = store.keyLength(ref);
    store.copyKey(ref, keyScratch, 0);
    let status: Uint8Array;
    store.lock();
    try {
      status = statusOf(store.commit(ref, this.#mode, this.#uniqueHi, this.#uniqueLo));
    } finally {
      store.unlock();
    }
    if (status === HD && this.#isQuiet) return;
    reply.reserve(LINE_MAX_BYTES);
    const at = putBytes(status, reply.bytes, reply.length);
    reply.length = putLineEnd(reply.bytes, this.#putEchoes(status === HD, keyLength, reply.bytes, at));
  }

  #putEchoes(isStored: boolean, keyLength: number, target: Uint8Array, at: number): number {
    const store = this.#store;
    let to = at;
    for (let position = 0; position < this.#echoesLength; position++) {
      switch (this.#echoes[position]) {
        case LETTER_K:
          to = putKey(keyScratch, 0, keyLength, this.#isBinary, target, to);
          break;
        case LETTER_C:
          // memcached says 0 for what was not stored.
          if (isStored) to = putNumber64(LETTER_C, store.storedUniqueHi, store.storedUniqueLo, target, to);
          else to = putNumber(LETTER_C, 0, target, to);
          break;
        case LETTER_S:
          to = putNumber(LETTER_S, isStored ? store.storedLength : this.#valueLength, target, to);
          break;
        default:
          target[to++] = SPACE;
          while (this.#echoes[position] !== SPACE) target[to++] = this.#echoes[position++];
      }
    }
    return to;
  }
}

/** The mode a request asks for, NO_MODE when it is none. */
function modeOf(request: MetaRequest): StoreMode | typeof NO_MODE {
  const isSet = request.mode === 0 || request.mode === 0x53; // none, S
  if (isSet || request.mode === 0x52) {
    // R. With a unique to compare with, replacing is the same as setting.
    if (request.compares) return request.marksStale ? MODE_CAS_OR_STALE : MODE_CAS;
    return isSet ? MODE_SET : MODE_REPLACE;
  }
  switch (request.mode) {
    case 0x45: // E
      return MODE_ADD;
    case 0x41: // A
      return request.vivifies ? MODE_APPEND_OR_ADD : MODE_APPEND;
    case 0x50: // P
      return request.vivifies ? MODE_PREPEND_OR_ADD : MODE_PREPEND;
    default:
      return NO_MODE;
  }
}

function statusOf(result: number): Uint8Array {
  switch (result) {
    case STORED:
      return HD;
    case EXISTS:
      return EX;
    case NOT_FOUND:
      return NF;
    default:
      return NS;
  }
}
