// Sets what the kernel does with a socket, where Bun has no call for it.
import { dlopen } from 'bun:ffi';

/** For a level and a name of setsockopt(2) whose value is an int. Where it can't be set, all stays as it was. */
export function setSocketOption(fd: number, level: number, name: number, value: number): void {
  try {
    const { symbols } = dlopen('libc.so.6', {
      setsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'u32'], returns: 'i32' },
    });
    const bytes = new Uint32Array([value]);
    symbols.setsockopt(fd, level, name, bytes, bytes.byteLength);
  } catch {
    // A C library of another name (musl).
  }
}
