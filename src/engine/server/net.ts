// What the server needs of a runtime's sockets, and no more; bun-net.ts has it from Bun, an io_uring reactor may
// follow. Connections are told apart by the object that `open` attaches: no closure a connection or a request.

export interface Stream {
  /**
   * Hands bytes to the kernel, buffering nothing.
   * @returns how many it took, from the start; -1 when the connection is gone
   */
  write(bytes: Uint8Array, byteOffset: number, byteLength: number): number;
  /** Sends FIN; what `write` has taken is still delivered. */
  end(): void;
  /** Drops the connection at once (RST). */
  terminate(): void;
  /** No more `data` until `resume`; the sender is held back by TCP. */
  pause(): void;
  resume(): void;
  /** `host:port` of the other end. */
  readonly peerAddress: string;
}

export interface StreamHandlers<T> {
  /** A connection is there; what it returns comes along with each later event. */
  open(stream: Stream): T;
  /** `bytes` belongs to the callee: its memory is not used again. */
  data(connection: T, bytes: Uint8Array): void;
  /** The kernel takes bytes again, after a `write` that took less than it was given. */
  drain(connection: T): void;
  /**
   * The other end sends no more, but may still read; the callee closes with `Stream.end`. Without this handler
   * the connection closes by itself then.
   */
  finish?(connection: T): void;
  /** Gone, for whatever reason; once, and the last call for it. */
  close(connection: T): void;
}

export interface Listener {
  /** Stops accepting; open connections live on. */
  stop(): void;
}

export interface Net {
  /** @throws FatalError (status 71) that says why the system refuses the address or port */
  listen<T>(host: string, port: number, handlers: StreamHandlers<T>): Listener;
  /** Connects; `failed` is called with the system's error code instead of `open` if that comes to nothing. */
  dial<T>(
    host: string,
    port: number,
    timeoutMs: number,
    handlers: StreamHandlers<T>,
    failed: (code: string) => void,
  ): void;
}
