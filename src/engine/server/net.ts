// What the server needs of a runtime's sockets, and no more; bun-net.ts has it from Bun, an io_uring reactor may
// follow. Connections are told apart by the object that `open` attaches: no closure a connection or a request.
import type { TlsFailure } from '../replication/types.js';
import type { TlsMaterial } from './tls-settings.js';

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
  /** Gives back the memory of what `data` brought, or of the end of it that was left: nothing may look there any more. */
  release(bytes: Uint8Array): void;
  /** Has the kernel close the connection once its other end has been silent, or has taken nothing, for so long. */
  noticeLoss(timeoutMs: number): void;
  /**
   * Has the kernel keep about so much at most of what comes in, so that `data` brings no more in one turn of the event
   * loop, however fast the other end sends.
   */
  boundInput(sizeBytes: number): void;
  /** `host:port` of the other end. */
  readonly peerAddress: string;
}

export interface StreamHandlers<T> {
  /** A connection is there; what it returns comes along with each later event. */
  open(stream: Stream): T;
  /**
   * The TLS handshake is done, before the first `data`; until then `Stream.write` takes nothing.
   * @param channelBinding 32 bytes that only the two ends of this TLS session know (RFC 9266, tls-exporter)
   */
  secured?(connection: T, channelBinding: Uint8Array): void;
  /** TLS with the other end failed by a fault of its own, in the handshake or later; `close` follows. */
  unsecured?(connection: T, failure: TlsFailure, wasSecured: boolean): void;
  /** `bytes` belongs to the callee, which may give it back by `Stream.release` as soon as it was read. */
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

export interface TcpAddress {
  readonly kind: 'tcp';
  /** Host name or address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /**
   * Several listeners of this process share the port: threads, or a new one that takes over from an old one. Of
   * another program on the port the system then says nothing, so the first listener is to ask for the port alone.
   */
  readonly isShared?: boolean;
  /** Absent: in the clear. */
  readonly tls?: TlsMaterial | undefined;
}

export interface UnixAddress {
  readonly kind: 'unix';
  readonly path: string;
  /** Permission bits of the socket, there from the first moment that it can be found. */
  readonly mode: number;
}

/** Where connections are awaited. */
export type ListenAddress = TcpAddress | UnixAddress;

/** Whom to connect to. */
export interface DialTarget {
  /** Host name or address, IPv6 without brackets. With TLS the other end's certificate must name it. */
  readonly host: string;
  readonly port: number;
  /** Absent: in the clear. */
  readonly tls?: TlsMaterial | undefined;
}

export interface Listener {
  /** Stops accepting; open connections live on. A unix socket is gone from its path. */
  stop(): void;
}

/** Sends one datagram back; what the kernel has no room for is lost, as on the way. */
export type DatagramReply = (bytes: Uint8Array, byteOffset: number, byteLength: number) => void;

export interface DatagramAddress {
  readonly host: string;
  readonly port: number;
  /** Other sockets of this process receive on the same port: each datagram goes to one of them. */
  readonly isShared: boolean;
}

export interface DatagramHandlers {
  /** `bytes` and `reply`, which answers the sender, are the callee's during the call only. */
  message(bytes: Uint8Array, reply: DatagramReply): void;
}

export interface Net {
  /** @throws FatalError (status 71) that says why the system refuses the address or port */
  listen<T>(address: ListenAddress, handlers: StreamHandlers<T>): Listener;
  /** Receives datagrams. @throws (rejects with) FatalError (status 71) when the system refuses the address or port */
  listenDatagrams(address: DatagramAddress, handlers: DatagramHandlers): Promise<Listener>;
  /** Connects; `failed` is called with the system's error code instead of `open` if that comes to nothing. */
  dial<T>(
    target: DialTarget,
    timeoutMs: number,
    handlers: StreamHandlers<T>,
    failed: (code: string) => void,
  ): void;
}
