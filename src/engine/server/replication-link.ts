// One connection to the peer (or to somebody who says so): an id for the core, and the one send that is under way.
import type { LinkId } from '../replication/types.js';
import type { Stream } from './net.js';

const NOTHING = new Uint8Array(0);

export class ReplicationLink {
  readonly id: LinkId;
  readonly #stream: Stream;
  #isSecured: boolean;
  #bytes: Uint8Array = NOTHING;
  #sent = 0;

  /** @param isSecured false where a TLS handshake comes first: what is sent waits for it */
  constructor(id: LinkId, stream: Stream, isSecured: boolean) {
    this.id = id;
    this.#stream = stream;
    this.#isSecured = isSecured;
  }

  /** The TLS handshake is done. @returns whether a send that waited for it is out */
  secure(): boolean {
    this.#isSecured = true;
    return this.unsentBytes > 0 && this.flush();
  }

  /** Bytes of the send under way that the kernel has not taken yet. */
  get unsentBytes(): number {
    return this.#bytes.length - this.#sent;
  }

  /**
   * Starts a send. The core leaves `bytes` alone until it is told `writable`, so nothing is copied.
   * @returns whether the kernel took everything at once
   */
  send(bytes: Uint8Array): boolean {
    this.#bytes = bytes;
    this.#sent = 0;
    return this.flush();
  }

  /** Goes on with the send under way, after a drain. @returns whether everything is out */
  flush(): boolean {
    if (!this.#isSecured) return false;
    if (this.unsentBytes > 0) {
      const taken = this.#stream.write(this.#bytes, this.#sent, this.unsentBytes);
      // A connection that is gone takes nothing more; its close event follows.
      if (taken > 0) this.#sent += taken;
      if (this.unsentBytes > 0) return false;
    }
    this.#bytes = NOTHING;
    this.#sent = 0;
    return true;
  }

  /** What the kernel has taken still arrives; a peer that takes nothing is cut off, so that nothing is held. */
  close(): void {
    if (this.unsentBytes > 0) this.#stream.terminate();
    else this.#stream.end();
  }
}
