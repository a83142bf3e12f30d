// Large memory pages for the store. Clients ask for keys in no order, so with pages of 4 KB nearly every look-up
// also misses the processor's address cache (TLB), twice: at the bucket and at the item. Best effort: without, the
// node is slower and nothing else.
import { dlopen, ptr } from 'bun:ffi';

const MADV_HUGEPAGE = 14;
/** Smaller blocks have nothing to gain, and would grow by rounding. */
const BLOCK_MIN_BYTES = 4 * 2 ** 20;

/**
 * Asks the kernel to back memory by huge pages where it touches it from now on. It may decline: without transparent
 * huge pages (/sys/kernel/mm/transparent_hugepage/enabled is `never`), or where the process may not use FFI.
 */
export function adviseHugePages(blocks: Iterable<SharedArrayBuffer>): void {
  try {
    const { symbols } = dlopen('libc.so.6', {
      madvise: { args: ['ptr', 'usize', 'i32'], returns: 'i32' },
    });
    for (const block of blocks) {
      if (block.byteLength >= BLOCK_MIN_BYTES) {
        symbols.madvise(ptr(new Uint8Array(block)), block.byteLength, MADV_HUGEPAGE);
      }
    }
  } catch {
    // No FFI here: small pages it is.
  }
}
