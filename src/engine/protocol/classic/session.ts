// One client connection that speaks the classic text protocol: bytes in, store, reply bytes out. Sans-I/O.
import type { Store } from '../../store/store.js';
import type { ReplyBuffer } from '../reply-buffer.js';
import type { ServerFacts } from '../server-facts.js';

export declare class ClassicSession {
  constructor(store: Store, server: ServerFacts);
  /** Set by quit and by fatal input: flush what the reply buffer holds, then close. Nothing more is consumed. */
  closing: boolean;
  /**
   * True when consume stopped because the reply buffer is over its high-water mark. Flush it, then call consume
   * again with what was not consumed, even if that is nothing (start === end).
   */
  paused: boolean;
  /**
   * Takes bytes[start .. end), writes replies, and returns how many bytes it took: all, unless paused or closing.
   * Keeps no reference to bytes. Call store.setNow() first.
   */
  consume(bytes: Uint8Array, start: number, end: number, reply: ReplyBuffer): number;
  /** Releases a half-received item. Call once when the connection ends, however it ends. */
  close(): void;
}
