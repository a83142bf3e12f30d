// One client connection that speaks the binary protocol: bytes in, store, reply bytes out. Sans-I/O.
//
// A session is always in one of three phases:
// - head: it waits for a request's header, extras and key. A head that lies whole in one chunk is read where it is;
//   of any other the beginning is kept until the rest comes. The lengths in a header are checked as soon as it is
//   there, so that no more than the longest possible head is ever kept.
// - value: the value of a storage command goes into a reserved slot as it arrives (a SASL message: into the login).
// - swallow: what belongs to a request that was refused is skipped.
import { KEY_MAX_BYTES } from '../../store/layout.js';
import type { Store } from '../../store/store.js';
import type { Credentials } from '../auth/credentials.js';
import type { ReplyBuffer } from '../reply-buffer.js';
import type { ServerFacts } from '../server-facts.js';
import { answerArithmetic } from './arithmetic.js';
import { answerDelete, answerFlush, answerOk, answerVerbosity, answerVersion } from './plain-commands.js';
import { writeError } from './replies.js';
import { Request } from './request.js';
import { answerGet, answerGetAndTouch, answerTouch } from './retrieval.js';
import { SaslLogin } from './sasl.js';
import { answerStat } from './stats.js';
import { BinaryStorage } from './storage.js';
import {
  EXTRAS_MAX_BYTES,
  HEADER_BYTES,
  OP_ADD,
  OP_APPEND,
  OP_DECREMENT,
  OP_DELETE,
  OP_FLUSH,
  OP_GAT,
  OP_GATK,
  OP_GET,
  OP_GETK,
  OP_INCREMENT,
  OP_NOOP,
  OP_PREPEND,
  OP_QUIT,
  OP_REPLACE,
  OP_SASL_AUTH,
  OP_SASL_LIST,
  OP_SASL_STEP,
  OP_SET,
  OP_STAT,
  OP_TOUCH,
  OP_UNKNOWN,
  OP_VERBOSITY,
  OP_VERSION,
  REQUEST_MAGIC,
  STATUS_AUTH_ERROR,
  STATUS_INVALID,
  STATUS_TEMPORARY_FAILURE,
  STATUS_UNKNOWN_COMMAND,
} from './wire.js';

const HEAD_MAX_BYTES = HEADER_BYTES + EXTRAS_MAX_BYTES + KEY_MAX_BYTES;
/** memcached's bound; a body above it is not even swallowed. */
const BODY_MAX_BYTES = 1024 * 1024 * 1024;

const NOTHING = new Uint8Array(0);

/** Scratch for the request at hand; the sessions of a thread take turns, and none keeps it between two calls. */
const request = new Request();

export class BinarySession {
  /** Set by quit and by fatal input: flush what the reply buffer holds, then close. Nothing more is consumed. */
  closing = false;
  /** True when consume stopped because the reply buffer is over its high-water mark; flush it, then call it again. */
  paused = false;

  readonly #store: Store;
  readonly #server: ServerFacts;
  readonly #storage: BinaryStorage;
  /** Present when clients must log in. */
  readonly #login: SaslLogin | undefined;
  /** The beginning of a head: #kept[0 .. #keptLength). */
  #kept: Uint8Array = NOTHING;
  #keptLength = 0;
  #toSwallow = 0;

  /** @param credentials the logins; undefined = nobody needs to log in, or can */
  constructor(store: Store, server: ServerFacts, credentials: Credentials | undefined) {
    this.#store = store;
    this.#server = server;
    this.#storage = new BinaryStorage(store);
    this.#login = credentials && new SaslLogin(store, credentials);
  }

  /**
   * Takes bytes[start .. end), writes replies, and returns how many bytes it took: all, unless paused or closing.
   * Keeps no reference to bytes. Call store.setNow() first.
   */
  consume(bytes: Uint8Array, start: number, end: number, reply: ReplyBuffer): number {
    this.paused = false;
    let at = start;
    while (!this.closing && at < end) {
      if (reply.isFull) {
        this.paused = true;
        break;
      }
      if (this.#toSwallow > 0) at = this.#swallow(at, end);
      else if (this.#storage.isReceiving) at = this.#takeValue(bytes, at, end, reply);
      else if (this.#login?.isReceiving) at = this.#takeMessage(this.#login, bytes, at, end, reply);
      else at = this.#takeHead(bytes, at, end, reply);
    }
    request.clear();
    return at - start;
  }

  /** Releases a half-received item. Call once when the connection ends, however it ends. */
  close(): void {
    this.#storage.release();
    this.#kept = NOTHING;
    this.closing = true;
  }

  #swallow(at: number, end: number): number {
    const swallowed = Math.min(this.#toSwallow, end - at);
    this.#toSwallow -= swallowed;
    return at + swallowed;
  }

  #takeValue(bytes: Uint8Array, at: number, end: number, reply: ReplyBuffer): number {
    const next = this.#storage.take(bytes, at, end);
    if (this.#storage.isComplete) this.#storage.finish(reply);
    return next;
  }

  #takeMessage(login: SaslLogin, bytes: Uint8Array, at: number, end: number, reply: ReplyBuffer): number {
    const next = login.take(bytes, at, end);
    if (login.isComplete) login.finish(reply);
    return next;
  }

  #takeHead(bytes: Uint8Array, start: number, end: number, reply: ReplyBuffer): number {
    if (this.#keptLength === 0 && bytes[start] !== REQUEST_MAGIC) {
      this.closing = true;
      return start;
    }
    if (this.#keptLength > 0 || end - start < HEADER_BYTES)
      return this.#takeSplitHead(bytes, start, end, reply);
    request.read(bytes, start);
    if (!this.#admit(reply)) return start + HEADER_BYTES;
    const headEnd = start + request.headBytes;
    if (headEnd > end) return this.#takeSplitHead(bytes, start, end, reply);
    this.#run(reply);
    return headEnd;
  }

  /** The same for a head that comes in pieces. */
  #takeSplitHead(bytes: Uint8Array, start: number, end: number, reply: ReplyBuffer): number {
    if (this.#kept.length === 0) this.#kept = new Uint8Array(HEAD_MAX_BYTES);
    let next = this.#keep(bytes, start, end, HEADER_BYTES);
    if (this.#keptLength < HEADER_BYTES) return next;
    request.read(this.#kept, 0);
    if (!this.#admit(reply)) {
      this.#keptLength = 0;
      return next;
    }
    next = this.#keep(bytes, next, end, request.headBytes);
    if (this.#keptLength < request.headBytes) return next;
    this.#keptLength = 0;
    this.#run(reply);
    return next;
  }

  /** Keeps bytes from `at` on, until so many of the head are there. Returns where it stopped. */
  #keep(bytes: Uint8Array, at: number, end: number, headBytes: number): number {
    let next = at;
    while (this.#keptLength < headBytes && next < end) this.#kept[this.#keptLength++] = bytes[next++];
    return next;
  }

  /**
   * Judges a header alone, before anything that it announces is waited for. False when the request goes no further:
   * it is answered, and what follows is swallowed, or the connection closes.
   */
  #admit(reply: ReplyBuffer): boolean {
    if (request.valueLength < 0) return this.#end(STATUS_UNKNOWN_COMMAND, reply);
    if (request.bodyLength > BODY_MAX_BYTES) return this.#end(STATUS_INVALID, reply);
    if (this.#login !== undefined && !this.#login.isAuthenticated && !isOpenToAll(request.shape.command)) {
      return this.#end(STATUS_AUTH_ERROR, reply);
    }
    if (request.keyLength > KEY_MAX_BYTES) return this.#end(STATUS_INVALID, reply);
    if (!this.#isKnown()) {
      writeError(reply, request, STATUS_UNKNOWN_COMMAND);
      this.#toSwallow = request.bodyLength;
      return false;
    }
    return request.hasItsShape || this.#end(STATUS_INVALID, reply);
  }

  #isKnown(): boolean {
    const { command } = request.shape;
    return command !== OP_UNKNOWN && (this.#login !== undefined || !isSasl(command));
  }

  /** Answers with an error, after which nothing that the client says can be trusted. */
  #end(status: number, reply: ReplyBuffer): false {
    writeError(reply, request, status);
    this.closing = true;
    return false;
  }

  /** Runs the request whose head is complete: one stretch under the store lock. */
  #run(reply: ReplyBuffer): void {
    if (isSasl(request.shape.command)) {
      if (this.#login !== undefined) this.#runLogin(this.#login, reply);
      return;
    }
    this.#store.lock();
    try {
      this.#answer(reply);
    } finally {
      this.#store.unlock();
    }
    if (this.#storage.isReceiving && this.#storage.isComplete) this.#storage.finish(reply);
  }

  #runLogin(login: SaslLogin, reply: ReplyBuffer): void {
    if (request.shape.command === OP_SASL_LIST) login.list(request, reply);
    else if (!login.begin(request, reply)) this.#toSwallow = request.valueLength;
    else if (login.isComplete) login.finish(reply);
  }

  #answer(reply: ReplyBuffer): void {
    const store = this.#store;
    if (request.shape.writes && store.refusesWrites) {
      writeError(reply, request, STATUS_TEMPORARY_FAILURE);
      this.#toSwallow = request.valueLength;
      return;
    }
    switch (request.shape.command) {
      case OP_GET:
      case OP_GETK:
        answerGet(request, store, reply);
        break;
      case OP_SET:
      case OP_ADD:
      case OP_REPLACE:
      case OP_APPEND:
      case OP_PREPEND:
        if (!this.#storage.begin(request, reply)) this.#toSwallow = request.valueLength;
        break;
      case OP_DELETE:
        answerDelete(request, store, reply);
        break;
      case OP_INCREMENT:
      case OP_DECREMENT:
        answerArithmetic(request, store, reply);
        break;
      case OP_GAT:
      case OP_GATK:
        answerGetAndTouch(request, store, reply);
        break;
      case OP_TOUCH:
        answerTouch(request, store, reply);
        break;
      case OP_FLUSH:
        answerFlush(request, store, this.#server, reply);
        break;
      case OP_STAT:
        answerStat(request, store, this.#server, reply);
        break;
      case OP_VERSION:
        answerVersion(request, this.#server, reply);
        break;
      case OP_VERBOSITY:
        answerVerbosity(request, this.#server, reply);
        break;
      case OP_NOOP:
        answerOk(request, reply);
        break;
      case OP_QUIT:
        answerOk(request, reply);
        this.closing = true;
        break;
    }
  }
}

function isSasl(command: number): boolean {
  return command === OP_SASL_LIST || command === OP_SASL_AUTH || command === OP_SASL_STEP;
}

/** What a client may ask before it has logged in. */
function isOpenToAll(command: number): boolean {
  return command === OP_VERSION || isSasl(command);
}
