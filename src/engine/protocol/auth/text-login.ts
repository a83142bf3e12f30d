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
/** More than the auth file can hold of one user: what is longer is wrong, and not kept. */
const TOKEN_KEPT_BYTES = 512;
const LINE_END_BYTES = 2;
const KEPT_MIN_BYTES = 64;

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
  /** The line, or the value, as far as it has come and is kept: #kept[0 .. #keptLength). */
  #kept: Uint8Array = NOTHING;
  #keptLength = 0;
  /** Length of the value that is arriving; -1 while a line is awaited. */
  #tokenLength = -1;
  /** Bytes of the value and its line end that came in. */
  #received = 0;
  #hasSpace = false;
  #hasBadEnd = false;

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
        this.#tokenLength >= 0
          ? this.#takeToken(bytes, at, end, reply)
          : this.#takeLine(bytes, at, end, reply);
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
    this.#keep(bytes, start, next);
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
    else this.#tokenLength = length;
  }

  #takeToken(bytes: Uint8Array, start: number, end: number, reply: ReplyBuffer): number {
    const next = Math.min(end, start + this.#tokenLength + LINE_END_BYTES - this.#received);
    const room = Math.min(TOKEN_KEPT_BYTES, this.#tokenLength) - this.#keptLength;
    this.#keep(bytes, start, Math.min(next, start + room));
    for (let at = start; at < next; at++) this.#lookAt(bytes[at]);
    if (this.#received < this.#tokenLength + LINE_END_BYTES) return next;
    reply.write(this.#judgeToken());
    this.#tokenLength = -1;
    this.#received = 0;
    this.#hasSpace = false;
    this.#hasBadEnd = false;
    this.#forget();
    return next;
  }

  #lookAt(byte: number): void {
    const behind = this.#received++ - this.#tokenLength;
    if (behind < 0) this.#hasSpace ||= byte === SPACE;
    else this.#hasBadEnd ||= byte !== (behind === 0 ? CR : LF);
  }

  #judgeToken(): Uint8Array {
    if (this.#hasBadEnd) return BAD_TERMINATION;
    if (!this.#hasSpace) return BAD_TOKEN;
    const token = this.#kept.subarray(0, this.#keptLength);
    const space = token.indexOf(SPACE);
    this.isAuthenticated =
      this.#keptLength === this.#tokenLength &&
      this.#credentials.match(token.subarray(0, space), token.subarray(space + 1));
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

  #keep(bytes: Uint8Array, start: number, end: number): void {
    const length = this.#keptLength + end - start;
    if (length > this.#kept.length) {
      const larger = new Uint8Array(Math.max(KEPT_MIN_BYTES, 2 ** Math.ceil(Math.log2(length))));
      larger.set(this.#kept.subarray(0, this.#keptLength));
      this.#kept.fill(0);
      this.#kept = larger;
    }
    this.#kept.set(bytes.subarray(start, end), this.#keptLength);
    this.#keptLength = length;
  }

  /** Whatever came may have been a password: it has no business in memory any longer. */
  #forget(): void {
    this.#kept.fill(0);
    this.#kept = NOTHING;
    this.#keptLength = 0;
  }
}
