// Sets what the kernel does with a socket, where Bun has no call for it.
import { dlopen } from 'bun:ffi';

type SetSocketOption = (
  fd: number,
  level: number,
  name: number,
  value: Uint32Array,
  sizeBytes: number,
) => number;

/** Opened at the first call and kept: an opened library is memory that does not come back. Null where there is none. */
let setsockopt: SetSocketOption | null | undefined;

/** For a level and a name of setsockopt(2) whose value is an int. Where it can't be set, all stays as it was. */
export function setSocketOption(fd: number, level: number, name: number, value: number): void {
  if (setsockopt === undefined) setsockopt = open();
  setsockopt?.(fd, level, name, new Uint32Array([value]), Uint32Array.BYTES_PER_ELEMENT);
}

function open(): SetSocketOption | null {
  try {
    return dlopen('libc.so.6', {
      setsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'u32'], returns: 'i32' },
    }).symbols.setsockopt;
  } catch {
    // A C library of another name (musl).
    return null;
  }
}
