// The sizes of slots: each class the growth factor larger than the one before, each filling its page without a rest.
import { HEADER_BYTES, PAGE_SLOT_BYTES } from './layout.js';

/** memcached has the same bound. */
export const CLASSES_MAX = 63;
/** Larger items are chained: a slot of a whole page would waste up to half of it. */
const LARGEST_PER_PAGE = 2;

/** Slot sizes in ascending order, all multiples of 8; the last takes half a page. */
export function slotSizes(minItemSpaceBytes: number, growthFactor: number): Uint32Array {
  const sizes: number[] = [];
  const largestBytes = Math.floor(PAGE_SLOT_BYTES / LARGEST_PER_PAGE / 8) * 8;
  let wantedBytes = HEADER_BYTES + minItemSpaceBytes;
  while (sizes.length < CLASSES_MAX - 1) {
    const perPage = Math.floor(PAGE_SLOT_BYTES / wantedBytes);
    if (perPage <= LARGEST_PER_PAGE) break;
    const sizeBytes = Math.floor(PAGE_SLOT_BYTES / perPage / 8) * 8;
    const slotBytes = Math.max(sizeBytes, Math.ceil(wantedBytes / 8) * 8);
    if (slotBytes >= largestBytes) break;
    if (sizes.length === 0 || slotBytes > sizes[sizes.length - 1]) sizes.push(slotBytes);
    wantedBytes = Math.max(slotBytes * growthFactor, slotBytes + 8);
  }
  sizes.push(largestBytes);
  return Uint32Array.from(sizes);
}

/** The smallest class whose slots hold sizeBytes; -1 when none does. */
export function classForSize(sizes: Uint32Array, sizeBytes: number): number {
  let low = 0;
  let high = sizes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sizes[middle] < sizeBytes) low = middle + 1;
    else high = middle;
  }
  return low === sizes.length ? -1 : low;
}
