// Where replies are written: one reused buffer, flushed by the server. One serves all connections of a thread.

/** Above this many bytes a session stops reading until the server has flushed. */
export const REPLY_HIGH_WATER_BYTES = 256 * 1024;

export declare class ReplyBuffer {
  /** The bytes to send are bytes[0 .. length). The array may be replaced by a larger one while a session runs. */
  bytes: Buffer;
  length: number;
  constructor(initialBytes?: number);
  /** Forgets what was written; the server calls it once the bytes are sent or copied. */
  clear(): void;
}
