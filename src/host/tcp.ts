// A TCP connection with a time limit, and the one error it ends in when it fails.
import net from 'node:net';
import { OperatorError } from '../errors.js';

export const CONNECT_TIMEOUT_MS = 10_000;

/** Connects; rejects with the socket's own error, or with an `ETIMEDOUT` one after the limit. */
export function openSocket(
  address: string,
  port: number,
  timeoutMs = CONNECT_TIMEOUT_MS,
): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: address, port });
    const limit = setTimeout(() => {
      const error = new Error(`no answer from ${address}:${port} within ${timeoutMs / 1000} s`);
      socket.destroy(Object.assign(error, { code: 'ETIMEDOUT' }));
    }, timeoutMs);
    const failed = (error: Error): void => {
      clearTimeout(limit);
      reject(error);
    };
    socket.once('error', failed);
    socket.once('connect', () => {
      clearTimeout(limit);
      socket.off('error', failed);
      socket.setNoDelay(true);
      resolve(socket);
    });
  });
}

/** The error of Host.connect. */
export function connectFailed(
  hostName: string,
  address: string,
  port: number,
  cause: unknown,
): OperatorError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new OperatorError(`${hostName}: cannot connect to ${address}:${port}: ${why}`, {
    code: 'CONNECT_FAILED',
    exit: 'connection',
    suggestions: [`See whether something listens on port ${port} there: repcachectl status`],
    cause,
  });
}

/** Whether something listens on a unix socket. */
export function answersOnUnixSocket(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ path });
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
