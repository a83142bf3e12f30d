// The login of a binary connection: SASL list, auth and step, with the one mechanism PLAIN.
//
// A login begins with auth and is over with its answer. A message may be left out of auth; then the answer asks for
// it (continue), and it comes with step. Whatever an earlier login achieved is gone when auth or step begins, so that
// no failure can leave a connection authenticated.
import { COUNTER } from '../../store/counters.js';
import type { Store } from '../../store/store.js';
import type { Credentials } from '../auth/credentials.js';
import { acceptsPlain } from '../auth/sasl-plain.js';
import type { ReplyBuffer } from '../reply-buffer.js';
import { type Addressee, writeError, writeValue } from './replies.js';
import type { Request } from './request.js';
import { OP_SASL_AUTH, STATUS_AUTH_CONTINUE, STATUS_AUTH_ERROR, STATUS_INVALID, STATUS_OK } from './wire.js';

/** Three times the longest that the auth file can hold; no longer message can be right, and none is kept. */
const MESSAGE_MAX_BYTES = 768;

/** memcached's bound for the name of a mechanism. */
const MECHANISM_MAX_BYTES = 32;
const MECHANISM = 'PLAIN';
const MECHANISMS = Buffer.from(MECHANISM, 'latin1');
const AUTHENTICATED = Buffer.from('Authenticated', 'latin1');
const NOTHING = new Uint8Array(0);

export class SaslLogin implements Addressee {
  isAuthenticated = false;
  /** Of the request whose message is arriving: its reply repeats them. */
  opcode = 0;
  opaque = 0;

  readonly #store: Store;
  readonly #credentials: Credentials;
  /** Whether auth was answered with continue, so that step is next. */
  #awaitsStep = false;
  #isReceiving = false;
  #isRefused = false;
  #message: Uint8Array = NOTHING;
  #received = 0;

  constructor(store: Store, credentials: Credentials) {
    this.#store = store;
    this.#credentials = credentials;
  }

  get isReceiving(): boolean {
    return this.#isReceiving;
  }

  get isComplete(): boolean {
    return this.#received === this.#message.length;
  }

  list(request: Request, reply: ReplyBuffer): void {
    writeValue(reply, request, STATUS_OK, MECHANISMS);
  }

  /** auth or step; its message follows. False when that is not wanted, which was answered. */
  begin(request: Request, reply: ReplyBuffer): boolean {
    this.isAuthenticated = false;
    const isExpected = request.shape.command === OP_SASL_AUTH || this.#awaitsStep;
    this.#awaitsStep = false;
    this.opcode = request.opcode;
    this.opaque = request.opaque;
    if (request.keyLength > MECHANISM_MAX_BYTES) {
      writeError(reply, request, STATUS_INVALID);
      return false;
    }
    if (request.valueLength > MESSAGE_MAX_BYTES) {
      this.#fail(reply);
      return false;
    }
    this.#isRefused = !isExpected || !isPlain(request);
    this.#isReceiving = true;
    this.#message = new Uint8Array(request.valueLength);
    this.#received = 0;
    return true;
  }

  /** Takes what belongs to the message from bytes[at .. end). Returns where it stopped. */
  take(bytes: Uint8Array, at: number, end: number): number {
    const next = Math.min(end, at + this.#message.length - this.#received);
    this.#message.set(bytes.subarray(at, next), this.#received);
    this.#received += next - at;
    return next;
  }

  /** Judges the complete message, and answers. */
  finish(reply: ReplyBuffer): void {
    const message = this.#message;
    this.#isReceiving = false;
    this.#message = NOTHING;
    this.#received = 0;
    if (this.#isRefused) {
      this.#fail(reply);
    } else if (message.length === 0 && this.opcode === OP_SASL_AUTH) {
      this.#awaitsStep = true;
      writeValue(reply, this, STATUS_AUTH_CONTINUE, NOTHING);
    } else if (acceptsPlain(message, this.#credentials)) {
      this.isAuthenticated = true;
      this.#count(COUNTER.authCmds);
      writeValue(reply, this, STATUS_OK, AUTHENTICATED);
    } else {
      this.#fail(reply);
    }
    // The password has no business in memory any longer.
    message.fill(0);
  }

  #fail(reply: ReplyBuffer): void {
    this.#count(COUNTER.authCmds);
    this.#count(COUNTER.authErrors);
    writeError(reply, this, STATUS_AUTH_ERROR);
  }

  #count(counter: number): void {
    this.#store.lock();
    this.#store.counters.values[counter]++;
    this.#store.unlock();
  }
}

function isPlain(request: Request): boolean {
  const { bytes, keyStart, keyLength } = request;
  const name = bytes.subarray(keyStart, keyStart + keyLength);
  return Buffer.from(name).toString('latin1').toUpperCase() === MECHANISM;
}
