// Datagrams by node:dgram, whose sockets can share a port between threads (Bun's own can't).
import { createSocket, type RemoteInfo, type SocketOptions } from 'node:dgram';
import { endpointText } from './endpoint.js';
import { EXIT, FatalError } from './exit.js';
import { ALL_INTERFACES } from './listen-addresses.js';
import type { DatagramAddress, DatagramHandlers, Listener } from './net.js';

const ALL_IPV4_INTERFACES = '0.0.0.0';

/** What the types of the oldest Node do not know yet. */
type ShareableSocketOptions = SocketOptions & { reusePort: boolean };

/** @throws (rejects with) FatalError (status 71) when the system refuses the address or port */
export async function listenDatagrams(
  address: DatagramAddress,
  handlers: DatagramHandlers,
): Promise<Listener> {
  try {
    return await bound(address, handlers);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    // A kernel without IPv6 still has all its IPv4 interfaces.
    if (address.host === ALL_INTERFACES && code !== 'EADDRINUSE' && code !== 'EACCES') {
      return await listenDatagrams({ ...address, host: ALL_IPV4_INTERFACES }, handlers);
    }
    const where = endpointText(address.host, address.port);
    throw new FatalError(`can't receive UDP on ${where}: ${code}`, EXIT.osError);
  }
}

async function bound(address: DatagramAddress, handlers: DatagramHandlers): Promise<Listener> {
  const options: ShareableSocketOptions = {
    type: address.host.includes(':') ? 'udp6' : 'udp4',
    reusePort: address.isShared,
  };
  const socket = createSocket(options);
  socket.on('message', (bytes: Uint8Array, from: RemoteInfo) => {
    handlers.message(bytes, (reply, offset, length) => {
      // Sent later than now, maybe, and the caller's memory is used again.
      const copy = Buffer.from(reply.subarray(offset, offset + length));
      socket.send(copy, from.port, from.address, ignore);
    });
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once('error', reject);
  socket.bind(address.port, address.host, resolve);
  try {
    await promise;
  } catch (error) {
    socket.close();
    throw error;
  }
  // Of a bound socket: an answer that could not be delivered, which is nobody's loss but the asker's.
  socket.on('error', ignore);
  return { stop: () => socket.close() };
}

/** An answer that does not arrive is UDP's business; without a callback the error would be an event. */
function ignore(): void {}
