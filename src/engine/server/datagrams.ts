// Datagrams by node:dgram, whose sockets can share a port between threads (Bun's own can't).
import { createSocket, type RemoteInfo, type SocketOptions } from 'node:dgram';
import { endpointText } from './endpoint.js';
import { EXIT, FatalError } from './exit.js';
import { ALL_INTERFACES } from './listen-addresses.js';
import type { DatagramAddress, DatagramHandlers, Listener } from './net.js';

const ALL_IPV4_INTERFACES = '0.0.0.0';

/** What the types of the oldest Node do not know yet. */
type ShareableSocketOptions = SocketOptions & { reusePort: boolean };

/** Receives on one address; what can't be bound is told by `failed`, as it shows only later. */
export function receiveDatagrams(address: DatagramAddress, handlers: DatagramHandlers): Listener {
  const { host, port, isShared } = address;
  const options: ShareableSocketOptions = {
    type: host.includes(':') ? 'udp6' : 'udp4',
    reusePort: isShared,
  };
  const socket = createSocket(options);
  let isBound = false;
  let stop = (): void => {
    socket.close();
  };
  socket.on('listening', () => {
    isBound = true;
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    // Of a socket that is bound: an answer that could not be delivered, which is nobody's loss but the asker's.
    if (isBound) return;
    socket.close();
    stop = () => {};
    if (host === ALL_INTERFACES && error.code !== 'EADDRINUSE' && error.code !== 'EACCES') {
      ({ stop } = receiveDatagrams({ ...address, host: ALL_IPV4_INTERFACES }, handlers));
      return;
    }
    const what = `can't receive UDP on ${endpointText(host, port)}: ${error.code ?? error.message}`;
    handlers.failed(new FatalError(what, EXIT.osError));
  });
  socket.on('message', (bytes: Uint8Array, from: RemoteInfo) => {
    handlers.message(bytes, (reply, offset, length) => {
      // Sent later than now, maybe: the caller's memory is used again.
      const copy = Buffer.from(reply.subarray(offset, offset + length));
      socket.send(copy, from.port, from.address, ignore);
    });
  });
  socket.bind(port, host);
  return { stop: () => stop() };
}

/** An answer that does not arrive is UDP's business; without a callback the error would be an event. */
function ignore(): void {}
