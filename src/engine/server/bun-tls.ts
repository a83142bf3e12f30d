// TLS as Bun does it: options for a listener, and handlers that let nobody in before the handshake is done.
import type { Socket, SocketHandler, TLSOptions } from 'bun';
import type { TlsFailure } from '../replication/types.js';
import type { TlsMaterial } from './tls-settings.js';

const TLS_1_2 = 0x0303;
const TLS_1_3 = 0x0304;
/** How long a client may take over its handshake; until then it is a connection that costs and does nothing. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** By these the two ends of a TLS 1.3 session name it, and nobody else can: RFC 9266, tls-exporter. */
const CHANNEL_BINDING_BYTES = 32;
const CHANNEL_BINDING_LABEL = 'EXPORTER-Channel-Binding';

/** What the types of Bun leave out. */
type ListenTlsOptions = TLSOptions & { minVersion: number };

/** For either end: whoever dials always wants a certificate that is good and names the other end. */
export function bunTls(material: TlsMaterial): TLSOptions {
  const { certificate, key, authorities, clientCertificates, minVersion, ciphers } = material;
  const options: ListenTlsOptions = {
    cert: certificate,
    key,
    minVersion: minVersion === '1.3' ? TLS_1_3 : TLS_1_2,
    requestCert: clientCertificates !== 'none',
    rejectUnauthorized: clientCertificates === 'require',
    ...(authorities !== undefined && { ca: authorities }),
    ...(ciphers !== undefined && { ciphers }),
  };
  return options;
}

/** Who wants to hear of a handshake; absent where nobody does. */
export interface HandshakeListener<T> {
  secured?(socket: Socket<T>, channelBinding: Uint8Array): void;
  unsecured?(socket: Socket<T>, failure: TlsFailure, wasSecured: boolean): void;
}

/**
 * The same handlers behind a handshake. Bun opens a connection before it, and says that it went well even with a
 * client whose certificate is worth nothing: `authorized` is what counts. Nothing such a client sent is ever read.
 */
export function securedHandler<T>(
  handler: SocketHandler<T>,
  material: TlsMaterial,
  listener: HandshakeListener<T> = {},
): SocketHandler<T> {
  const waiting = new WeakMap<Socket<T>, NodeJS.Timeout>();
  const { clientCertificates } = material;
  return {
    ...handler,
    open(socket) {
      waiting.set(
        socket,
        setTimeout(() => socket.terminate(), HANDSHAKE_TIMEOUT_MS),
      );
      handler.open?.(socket);
    },
    handshake(socket, isSound, error) {
      clearTimeout(waiting.get(socket));
      waiting.delete(socket);
      if (isSound && isWelcome(socket, clientCertificates)) {
        listener.secured?.(socket, channelBinding(socket));
        return;
      }
      if (!isDisconnection(error)) listener.unsecured?.(socket, failureOf(error), false);
      socket.terminate();
    },
    data(socket, bytes) {
      if (waiting.has(socket)) return;
      handler.data?.(socket, bytes);
    },
    close(socket, error) {
      clearTimeout(waiting.get(socket));
      handler.close?.(socket, error);
    },
    // Bun reports here what a handler of ours throws, and also what the other end did wrong after the handshake
    // (a record that nobody encrypted): that costs it the connection, and nobody else anything.
    error(socket, error) {
      if (!isTlsFault(error)) {
        handler.error?.(socket, error);
        return;
      }
      listener.unsecured?.(socket, failureOf(error), !waiting.has(socket));
      socket.terminate();
    },
  };
}

function isTlsFault(error: Error): boolean {
  return (error as NodeJS.ErrnoException).code === 'EPROTO';
}

/** Whoever only looks whether the port is open does this. */
function isDisconnection(error: Error | null): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === 'ECONNRESET';
}

function failureOf(error: Error | null): TlsFailure {
  const message = error?.message ?? 'no certificate';
  if (message.endsWith(':WRONG_VERSION_NUMBER')) return { kind: 'notTls' };
  // The library's own have the reason in capitals, behind a number and where it happened.
  const reason = /^error:.*:([A-Z0-9_]+)$/.exec(message)?.[1].toLowerCase().replaceAll('_', ' ');
  return { kind: 'failed', reason: reason ?? message };
}

function channelBinding<T>(socket: Socket<T>): Uint8Array {
  // It returns the bytes, whatever the types say.
  return socket.exportKeyingMaterial(
    CHANNEL_BINDING_BYTES,
    CHANNEL_BINDING_LABEL,
    '',
  ) as unknown as Uint8Array;
}

function isWelcome<T>(socket: Socket<T>, wanted: TlsMaterial['clientCertificates']): boolean {
  if (wanted === 'none' || socket.authorized) return true;
  return wanted === 'verify' && !hasCertificate(socket);
}

function hasCertificate<T>(socket: Socket<T>): boolean {
  const certificate: object | undefined | null = socket.getPeerCertificate();
  return certificate !== undefined && certificate !== null && Object.keys(certificate).length > 0;
}
