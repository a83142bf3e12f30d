// Stream sockets by Bun: the one file that calls Bun.listen and Bun.connect.
import type { Socket, SocketHandler } from 'bun';
import { bunTls, type HandshakeListener, securedHandler } from './bun-tls.js';
import { listenDatagrams } from './datagrams.js';
import { endpointText } from './endpoint.js';
import { EXIT, FatalError } from './exit.js';
import { boundInput } from './input-bound.js';
import { countInput, releaseInput } from './input-memory.js';
import { giveUpAfter } from './link-loss.js';
import { ALL_INTERFACES } from './listen-addresses.js';
import type { DialTarget, Listener, Net, Stream, StreamHandlers, TcpAddress, UnixAddress } from './net.js';
import { fileShortage } from './spare-files.js';
import type { TlsMaterial } from './tls-settings.js';
import { UnixSocketPlace } from './unix-socket-place.js';

const ALL_IPV4_INTERFACES = '0.0.0.0';

/** After this long without a byte the kernel asks whether the other end still exists: a host that is gone says nothing. */
const KEEP_ALIVE_IDLE_MS = 300_000;

/** What Bun carries along with a socket; undefined until `open` has run. */
interface Slot<T> {
  connection: T | undefined;
}

/** The stream that the server sees of one Bun socket. */
class BunStream implements Stream {
  readonly #socket: Socket<unknown>;

  constructor(socket: Socket<unknown>) {
    this.#socket = socket;
  }

  write(bytes: Uint8Array, byteOffset: number, byteLength: number): number {
    return this.#socket.write(bytes, byteOffset, byteLength);
  }

  end(): void {
    this.#socket.end();
  }

  terminate(): void {
    this.#socket.terminate();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  release(bytes: Uint8Array): void {
    releaseInput(bytes);
  }

  noticeLoss(timeoutMs: number): void {
    // Half of it until the kernel first asks; it asks ten times, one second apart.
    this.#socket.setKeepAlive(true, timeoutMs / 2);
    giveUpAfter(this.#fd, timeoutMs);
  }

  boundInput(sizeBytes: number): void {
    boundInput(this.#fd, sizeBytes);
  }

  get #fd(): number {
    return (this.#socket as Socket<unknown> & { readonly fd: number }).fd;
  }

  get peerAddress(): string {
    // Undefined, whatever the types say, once the other end is gone; it may go between the two.
    const address: string | undefined = this.#socket.remoteAddress;
    const port: number | undefined = this.#socket.remotePort;
    if (address === undefined || port === undefined) return 'gone already';
    return endpointText(address.replace(/^::ffff:/, ''), port);
  }
}

export const bunNet: Net = {
  listen(address, handlers): Listener {
    return address.kind === 'unix' ? listenUnix(address, handlers) : listenTcp(address, handlers);
  },

  listenDatagrams,

  dial(target, timeoutMs, handlers, failed): void {
    // Without a file for it Bun says that the other end refused: that would mean that nobody is there.
    const shortage = fileShortage(1);
    if (shortage !== undefined) queueMicrotask(() => failed(shortage));
    else dialOnce(target, timeoutMs, handlers, failed);
  },
};

function listenTcp<T>(address: TcpAddress, handlers: StreamHandlers<T>): Listener {
  const { host, port, tls } = address;
  try {
    const listener = Bun.listen<Slot<T>>({
      hostname: host,
      port,
      ...(address.isShared && { reusePort: true }),
      allowHalfOpen: handlers.finish !== undefined,
      ...(tls && { tls: bunTls(tls) }),
      socket: socketHandler(handlers, tls),
    });
    return { stop: () => listener.stop(false) };
  } catch (error) {
    const code = errorCode(error);
    // A kernel without IPv6 (ipv6.disable=1) still has all its IPv4 interfaces.
    if (host === ALL_INTERFACES && code !== 'EADDRINUSE' && code !== 'EACCES' && !code.startsWith('ERR_')) {
      return listenTcp({ ...address, host: ALL_IPV4_INTERFACES }, handlers);
    }
    if (tls !== undefined && code.startsWith('ERR_')) {
      throw new FatalError(
        `${tls.flag}: the runtime refuses these settings (${(error as Error).message})`,
        EXIT.osError,
      );
    }
    throw new FatalError(`can't listen on ${endpointText(host, port)}: ${listenProblem(code)}`, EXIT.osError);
  }
}

function listenUnix<T>(address: UnixAddress, handlers: StreamHandlers<T>): Listener {
  const place = new UnixSocketPlace(address);
  try {
    const listener = place.make((path) => {
      const options = {
        unix: path,
        allowHalfOpen: handlers.finish !== undefined,
        socket: socketHandler(handlers),
      };
      return Bun.listen<Slot<T>>(options);
    });
    return {
      stop() {
        place.leave();
        listener.stop(false);
      },
    };
  } catch (error) {
    throw new FatalError(`-s ${address.path}: can't listen there (${errorCode(error)})`, EXIT.osError);
  }
}

function socketHandler<T>(handlers: StreamHandlers<T>, tls?: TlsMaterial): SocketHandler<Slot<T>> {
  const handler = plainHandler(handlers);
  return tls === undefined ? handler : securedHandler(handler, tls, handshakeListener(handlers));
}

function handshakeListener<T>({ secured, unsecured }: StreamHandlers<T>): HandshakeListener<Slot<T>> {
  return {
    ...(secured && {
      secured: ({ data: { connection } }, binding) => {
        if (connection !== undefined) secured(connection, binding);
      },
    }),
    ...(unsecured && {
      unsecured: ({ data: { connection } }, failure, wasSecured) => {
        if (connection !== undefined) unsecured(connection, failure, wasSecured);
      },
    }),
  };
}

function plainHandler<T>(handlers: StreamHandlers<T>): SocketHandler<Slot<T>> {
  return {
    binaryType: 'uint8array',
    open(socket) {
      socket.setKeepAlive(true, KEEP_ALIVE_IDLE_MS);
      socket.data = { connection: handlers.open(new BunStream(socket)) };
    },
    data(socket, bytes) {
      countInput(bytes.length);
      if (socket.data.connection !== undefined) handlers.data(socket.data.connection, bytes);
    },
    drain(socket) {
      if (socket.data.connection !== undefined) handlers.drain(socket.data.connection);
    },
    end(socket) {
      if (socket.data.connection !== undefined) handlers.finish?.(socket.data.connection);
    },
    close(socket) {
      const connection = socket.data?.connection;
      if (connection === undefined) return;
      socket.data.connection = undefined;
      handlers.close(connection);
    },
    // A handler that throws is a bug of ours. Bun would report it and go on with a connection in an unknown
    // state; thrown again out here, it ends the process in the one place that does (main.ts).
    error(_socket, error) {
      queueMicrotask(() => {
        throw error;
      });
    },
  };
}

function dialOnce<T>(
  { host, port, tls }: DialTarget,
  timeoutMs: number,
  handlers: StreamHandlers<T>,
  failed: (code: string) => void,
): void {
  let settled = false;
  const fail = (code: string): void => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    failed(code);
  };
  const timer = setTimeout(fail, timeoutMs, 'ETIMEDOUT');
  const opening: StreamHandlers<T> = {
    ...handlers,
    open(stream) {
      clearTimeout(timer);
      settled = true;
      return handlers.open(stream);
    },
  };
  const handler = socketHandler(opening, tls);
  Bun.connect<Slot<T>>({
    hostname: host,
    port,
    ...(tls && { tls: bunTls(tls) }),
    socket: {
      ...handler,
      open(socket) {
        // Bun can't take an attempt back: one that outlived its time is dropped as soon as it shows.
        if (settled) socket.terminate();
        else handler.open?.(socket);
      },
      connectError: (_socket, error) => fail(errorCode(error)),
    },
  }).catch((error) => fail(errorCode(error)));
}

function errorCode(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'EUNKNOWN';
}

function listenProblem(code: string): string {
  switch (code) {
    case 'EADDRINUSE':
      return 'the port is in use, stop the other program or choose another port (EADDRINUSE)';
    case 'EADDRNOTAVAIL':
      return 'this host has no such address (EADDRNOTAVAIL)';
    case 'EACCES':
      return 'ports below 1024 need root or CAP_NET_BIND_SERVICE (EACCES)';
    case 'EUNKNOWN':
      // Bun has no code for a lack of files either.
      return fileShortage(1) === undefined
        ? 'no such host name or address'
        : 'no more files can be opened, raise the limit';
    default:
      return code;
  }
}
