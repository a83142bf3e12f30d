// The meta commands of one connection: mg, ms, md, ma, me, mn. Sans-I/O, a part of the text session.
import type { Store } from '../../store/store.js';
import { BAD_FORMAT, NO_PEER } from '../classic/replies.js';
import type { ReplyBuffer } from '../reply-buffer.js';
import { answerMetaArithmetic } from './meta-arithmetic.js';
import { answerMetaDebug } from './meta-debug.js';
import { answerMetaDelete } from './meta-delete.js';
import { answerMetaGet } from './meta-get.js';
import { MN_REPLY } from './meta-replies.js';
import { MetaRequest } from './meta-request.js';
import { MetaSet } from './meta-set.js';

const LETTER_A = 0x61;
const LETTER_D = 0x64;
const LETTER_E = 0x65;
const LETTER_G = 0x67;
const LETTER_M = 0x6d;
const LETTER_N = 0x6e;
const LETTER_S = 0x73;

/** Scratch for the line at hand; the sessions of a thread take turns, and none keeps it between two calls. */
const request = new MetaRequest();

/** The second letter of the meta command that bytes[start .. end) names, 0 when it names none. */
export function metaCommandOf(bytes: Uint8Array, start: number, end: number): number {
  if (end - start !== 2 || bytes[start] !== LETTER_M) return 0;
  switch (bytes[start + 1]) {
    case LETTER_A:
    case LETTER_D:
    case LETTER_E:
    case LETTER_G:
    case LETTER_N:
    case LETTER_S:
      return bytes[start + 1];
    default:
      return 0;
  }
}

export class MetaCommands {
  readonly #store: Store;
  readonly #set: MetaSet;

  constructor(store: Store) {
    this.#store = store;
    this.#set = new MetaSet(store);
  }

  /** Whether bytes of a value are still to come: take() is to have them. */
  get isReceiving(): boolean {
    return this.#set.isReceiving;
  }

  take(bytes: Uint8Array, at: number, end: number, reply: ReplyBuffer): number {
    return this.#set.take(bytes, at, end, reply);
  }

  /** Gives a half-received item back. */
  release(): void {
    this.#set.release();
  }

  /** Runs the line bytes[start .. end), which is without its line end: one stretch under the store lock. */
  run(command: number, bytes: Uint8Array, start: number, end: number, reply: ReplyBuffer): void {
    if (command === LETTER_N) {
      reply.write(MN_REPLY);
      return;
    }
    const isWellFormed =
      command === LETTER_S ? request.splitWithLength(bytes, start, end) : request.split(bytes, start, end);
    if (!isWellFormed) {
      reply.write(BAD_FORMAT);
      return;
    }
    this.#store.lock();
    try {
      this.#answer(command, reply);
    } finally {
      this.#store.unlock();
    }
    request.clear();
  }

  #answer(command: number, reply: ReplyBuffer): void {
    if ((command === LETTER_D || command === LETTER_A) && this.#store.refusesWrites) {
      reply.write(NO_PEER);
      return;
    }
    switch (command) {
      case LETTER_G:
        answerMetaGet(request, this.#store, reply);
        break;
      case LETTER_S:
        this.#set.begin(request, reply);
        break;
      case LETTER_D:
        answerMetaDelete(request, this.#store, reply);
        break;
      case LETTER_A:
        answerMetaArithmetic(request, this.#store, reply);
        break;
      default:
        answerMetaDebug(request, this.#store, reply);
    }
  }
}
