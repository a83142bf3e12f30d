// What a connection still has to send: keeps what the kernel did not take, in order, and closes only when it is out.
import type { Stream } from './net.js';

const EMPTY = new Uint8Array(0);

export interface OutboxOwner {
  /** Everything is out, and the client is about to see the end. */
  ending(): void;
}

/** One per connection. While `isBlocked`, its owner produces nothing more for it: that bounds its memory. */
export class Outbox {
  readonly #stream: Stream;
  readonly #owner: OutboxOwner;
  #rest: Uint8Array = EMPTY;
  #restStart = 0;
  #closing = false;

  constructor(stream: Stream, owner: OutboxOwner) {
    this.#stream = stream;
    this.#owner = owner;
  }

  /** Whether bytes wait for the kernel. */
  get isBlocked(): boolean {
    return this.#restStart < this.#rest.length;
  }

  /** Whether everything is out and the stream's end with it: the other end has to close now. */
  get hasEnded(): boolean {
    return this.#closing && !this.isBlocked;
  }

  /**
   * Writes bytes[0, length). What the kernel does not take is copied, so the caller may use the memory again.
   * @returns whether all of it is out; if not, `flush` goes on when the stream drains
   */
  send(bytes: Uint8Array, length: number): boolean {
    if (this.isBlocked) {
      const joined = new Uint8Array(this.#rest.length - this.#restStart + length);
      joined.set(this.#rest.subarray(this.#restStart));
      joined.set(bytes.subarray(0, length), this.#rest.length - this.#restStart);
      this.#rest = joined;
      this.#restStart = 0;
      return false;
    }
    const taken = this.#stream.write(bytes, 0, length);
    // A connection that is gone (-1) takes everything: its close event follows.
    if (taken === length || taken < 0) return true;
    // Not `slice`: on a Buffer that copies nothing.
    this.#rest = new Uint8Array(bytes.subarray(taken, length));
    this.#restStart = 0;
    return false;
  }

  /** Call when the stream drains. @returns whether everything is out */
  flush(): boolean {
    if (this.isBlocked) {
      const taken = this.#stream.write(this.#rest, this.#restStart, this.#rest.length - this.#restStart);
      this.#restStart = taken < 0 ? this.#rest.length : this.#restStart + taken;
      if (this.isBlocked) return false;
      this.#rest = EMPTY;
      this.#restStart = 0;
    }
    if (this.#closing) this.#end();
    return true;
  }

  /** Closes the connection once everything is out. */
  closeWhenSent(): void {
    if (this.#closing) return;
    this.#closing = true;
    if (!this.isBlocked) this.#end();
  }

  #end(): void {
    this.#owner.ending();
    this.#stream.end();
  }
}
