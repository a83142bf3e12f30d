// One client connection, whichever protocol it speaks: the first byte tells, and a session of that protocol does the
// rest. Sans-I/O.
import type { Store } from '../store/store.js';
import type { Credentials } from './auth/credentials.js';
import { TextLogin } from './auth/text-login.js';
import { BinarySession } from './binary/session.js';
import { REQUEST_MAGIC } from './binary/wire.js';
import { ClassicSession } from './classic/session.js';
import type { ReplyBuffer } from './reply-buffer.js';
import type { ServerFacts } from './server-facts.js';

/** What every protocol's session does. */
export interface Session {
  /** Set by quit and by fatal input: flush what the reply buffer holds, then close. Nothing more is consumed. */
  readonly closing: boolean;
  /**
   * True when consume stopped because the reply buffer is over its high-water mark. Flush it, then call consume
   * again with what was not consumed, even if that is nothing (start === end).
   */
  readonly paused: boolean;
  /**
   * Whether the client watches what others do: call consume() without bytes several times a second then, and it writes
   * what there is to show.
   */
  readonly isWatching?: boolean;
  /**
   * Takes bytes[start .. end), writes replies, and returns how many bytes it took: all, unless paused or closing.
   * Keeps no reference to bytes. Call store.setNow() first.
   */
  consume(bytes: Uint8Array, start: number, end: number, reply: ReplyBuffer): number;
  /** Releases a half-received item. Call once when the connection ends, however it ends. */
  close(): void;
}

/** -B: which protocols clients may speak. */
export type Protocols = 'auto' | 'ascii' | 'binary';

/** Who may say what. */
export interface ClientAccess {
  readonly protocols: Protocols;
  /** Present when clients must log in: by their first `set` in the text protocol, by SASL in the binary one. */
  readonly credentials: Credentials | undefined;
}

export class ClientSession implements Session {
  readonly #store: Store;
  readonly #server: ServerFacts;
  readonly #access: ClientAccess;
  /** Undefined until the first byte, so that a connection that says nothing costs next to nothing. */
  #session: Session | undefined;
  /** The same object as #session while a text client has not logged in. */
  #login: TextLogin | undefined;
  #isClosed = false;

  constructor(store: Store, server: ServerFacts, access: ClientAccess) {
    this.#store = store;
    this.#server = server;
    this.#access = access;
  }

  get closing(): boolean {
    return this.#isClosed || this.#session?.closing === true;
  }

  get paused(): boolean {
    return this.#session?.paused === true;
  }

  get isWatching(): boolean {
    return this.#session?.isWatching === true;
  }

  consume(bytes: Uint8Array, start: number, end: number, reply: ReplyBuffer): number {
    if (this.#isClosed) return 0;
    if (this.#session === undefined) {
      if (start === end) return 0;
      this.#session = this.#begin(bytes[start]);
    }
    const taken = this.#session.consume(bytes, start, end, reply);
    if (this.#login?.isAuthenticated !== true) return taken;
    this.#login.close();
    this.#login = undefined;
    this.#session = new ClassicSession(this.#store, this.#server);
    return taken + this.#session.consume(bytes, start + taken, end, reply);
  }

  close(): void {
    this.#isClosed = true;
    this.#session?.close();
  }

  #begin(firstByte: number): Session {
    const { protocols, credentials } = this.#access;
    if (protocols === 'binary' || (protocols === 'auto' && firstByte === REQUEST_MAGIC)) {
      return new BinarySession(this.#store, this.#server, credentials);
    }
    if (credentials === undefined) return new ClassicSession(this.#store, this.#server);
    this.#login = new TextLogin(this.#store, credentials);
    return this.#login;
  }
}
