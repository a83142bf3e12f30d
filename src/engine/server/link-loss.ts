// Has the kernel notice that the other end of a connection is gone, where the protocol has no words to ask. By FFI, as
// Bun has no call for it.
import { dlopen } from 'bun:ffi';

const IPPROTO_TCP = 6;
const TCP_USER_TIMEOUT = 18;

/**
 * Gives the connection up once what was sent is not taken for so long: otherwise the kernel goes on for a quarter of an
 * hour. Where it can't be set, that is how long it takes.
 */
export function giveUpAfter(fd: number, timeoutMs: number): void {
  try {
    const { symbols } = dlopen('libc.so.6', {
      setsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'u32'], returns: 'i32' },
    });
    const value = new Uint32Array([timeoutMs]);
    symbols.setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, value, value.byteLength);
  } catch {
    // A C library of another name (musl): keep-alive still notices, while nothing is on its way.
  }
}
