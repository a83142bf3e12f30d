// The login of a text connection when there is an auth file: a `set` with any key, whose value is `user password`.
// Sans-I/O. Until it succeeds nothing else is a command.
import { COUNTER } from '../../store/counters.js';
import type { Store } from '../../store/store.js';
import { CommandLine } from '../classic/command-line.js';
import type { ReplyBuffer } from '../reply-buffer.js';
import type { Credentials } from './credentials.js';

/** memcached's bounds: without a line end by then, or below that with one, it is no client of ours. */
const LINE_MAX_BYTES = 2048;
const LINE_MIN_BYTES = 6;
const TOKEN_MAX_BYTES = 16_384;
const LINE_END_BYTES = 2;

const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;
const NOTHING = new Uint8Array(0);

const text = (words: string): Uint8Array => Uint8Array.from(Buffer.from(`${words}\r\n`, 'latin1'));
const SET = Buffer.from('set', 'latin1');
const STORED = text('STORED');
const UNAUTHENTICATED = text('CLIENT_ERROR unauthenticated');
const TOKEN_TOO_LONG = text('CLIENT_ERROR auth token too long');
const BAD_TERMINATION = text('CLIENT_ERROR bad command line termination');
const BAD_TOKEN = text('CLIENT_ERROR bad authentication token format');
const FAILURE = text('CLIENT_ERROR authentication failure');

export class TextLogin {
  /** Set by input that no client of ours sends: close. */
  closing = false;
  paused = false;
  isAuthenticated = false;

  readonly #store: Store;
  readonly #credentials: Credentials;
  /** The line, or the value with its line end, as far as it has come: #kept[0 .. #keptLength). */
  #kept: Uint8Array = NOTHING;
  #keptLength = 0;
  /** Bytes of the value and its line end; 0 while the line is awaited. */
  #tokenBytes = 0;

  constructor(store: Store, credentials: Credentials) {
    this.#store = store;
    this.#credentials = credentials;
  }

  /** Takes bytes[start .. end) until the login has succeeded; returns how many it took. */
  consume(bytes: Uint8Array, start: number, end: number, reply: ReplyBuffer): number {
    this.paused = false;
    let at = start;
    while (!this.closing && !this.isAuthenticated && at < end) {
      if (reply.isFull) {
        this.paused = true;
        break;
      }
      at =
        this.#tokenBytes > 0 ? this.#takeToken(bytes, at, end, reply) : this.#takeLine(bytes, at, end, reply);
    }
    return at - start;
  }

  close(): void {
    this.#forget();
    this.closing = true;
  }

  #takeLine(bytes: Uint8Array, start: number, end: number, reply: ReplyBuffer): number {
    const newline = bytes.subarray(start, end).indexOf(LF);
    const next = newline === -1 ? end : start + newline + 1;
    if (this.#keptLength + next - start > LINE_MAX_BYTES) {
      this.closing = true;
      return next;
    }
    this.#keep(bytes, start, next, LINE_MAX_BYTES);
    if (newline !== -1) this.#judgeLine(reply);
    return next;
  }

  #judgeLine(reply: ReplyBuffer): void {
    const end = this.#keptLength - 1;
    if (end < LINE_MIN_BYTES) {
      this.closing = true;
      return;
    }
    const line = new CommandLine();
    line.split(this.#kept, 0, this.#kept[end - 1] === CR ? end - 1 : end);
    const isLogin = line.count >= 5 && line.start(0) === 0 && line.is(0, SET);
    const length = isLogin ? line.integer(4) : Number.NaN;
    this.#forget();
    if (!(length >= 0)) reply.write(UNAUTHENTICATED);
    else if (length > TOKEN_MAX_BYTES) reply.write(TOKEN_TOO_LONG);
    else this.#tokenBytes = length + LINE_END_BYTES;
  }

  #takeToken(bytes: Uint8Array, start: number, end: number, reply: ReplyBuffer): number {
    const next = Math.min(end, start + this.#tokenBytes - this.#keptLength);
    this.#keep(bytes, start, next, this.#tokenBytes);
    if (this.#keptLength === this.#tokenBytes) {
      reply.write(this.#judgeToken());
      this.#tokenBytes = 0;
      this.#forget();
    }
    return next;
  }

  #judgeToken(): Uint8Array {
    const end = this.#tokenBytes - LINE_END_BYTES;
    const token = this.#kept.subarray(0, end);
    if (this.#kept[end] !== CR || this.#kept[end + 1] !== LF) return BAD_TERMINATION;
    const space = token.indexOf(SPACE);
    if (space === -1) return BAD_TOKEN;
    this.isAuthenticated = this.#credentials.match(token.subarray(0, space), token.subarray(space + 1));
    this.#count();
    return this.isAuthenticated ? STORED : FAILURE;
  }

  #count(): void {
    const store = this.#store;
    store.lock();
    store.counters.values[COUNTER.authCmds]++;
    if (!this.isAuthenticated) store.counters.values[COUNTER.authErrors]++;
    store.unlock();
  }

  #keep(bytes: Uint8Array, start: number, end: number, capacityBytes: number): void {
    if (this.#kept.length < capacityBytes) {
      const larger = new Uint8Array(capacityBytes);
      larger.set(this.#kept.subarray(0, this.#keptLength));
      this.#kept = larger;
    }
    this.#kept.set(bytes.subarray(start, end), this.#keptLength);
    this.#keptLength += end - start;
  }

  /** Whatever came may have been a password: it has no business in memory any longer. */
  #forget(): void {
    this.#kept.fill(0);
    this.#kept = NOTHING;
    this.#keptLength = 0;
  }
}
