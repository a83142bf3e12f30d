// A store in whose memory another client's values lie, in items and in freed slots; and what must be true of any store.
import { expect } from 'vitest';
import { HEADER_BYTES } from '../../../src/engine/store/layout.js';
import type { Store } from '../../../src/engine/store/store.js';
import type { StoreOptions } from '../../../src/engine/store/store-types.js';
import { newStore, put, remove } from '../store/new-store.js';
import { taggedValue } from './tagged-values.js';

/** Begins every tag of the other client's values; no stream of a test holds it. */
export const GHOST_TAG = '<ghost';
/** Tags in a value, so that slots of many classes are haunted. */
const GHOST_SIZES = [1, 4, 12, 40, 120];
const GHOSTS = 4 * GHOST_SIZES.length;
/** The word that leads from a chained item to its first piece. */
const LINK_BYTES = 4;

/** @param options by default there is room for all that a stream of a test stores, and values above 64 KB are refused */
export function hauntedStore(options: Partial<StoreOptions> = {}): Store {
  const store = newStore({ memoryBytes: 8 * 1024 * 1024, itemSizeMaxBytes: 64 * 1024, ...options });
  for (let number = 0; number < GHOSTS; number++) {
    const key = `ghost${number}`;
    put(store, key, taggedValue(key, GHOST_SIZES[number % GHOST_SIZES.length]));
  }
  // Most are freed again, and their bytes stay where they are.
  for (let number = 0; number < GHOSTS - GHOST_SIZES.length; number++) remove(store, `ghost${number}`);
  return store;
}

/** Every slot in use belongs to an item that can be found: nothing reserved is left, and the counts agree. */
export function expectSound(store: Store): void {
  expect(store.isLocked).toBe(false);
  let items = 0;
  let bytes = 0;
  let tombstones = 0;
  let slots = 0;
  for (let bucket = 0; bucket < store.bucketCount; bucket++) {
    for (let ref = store.bucketHead(bucket); ref !== 0; ref = store.nextInBucket(ref)) {
      slots += 1;
      if (store.isTombstone(ref)) {
        tombstones += 1;
        continue;
      }
      items += 1;
      bytes += store.itemBytes(ref);
      slots += piecesOf(store, ref);
    }
  }
  const { slabs, counters } = store;
  let used = 0;
  for (let slabClass = 0; slabClass < slabs.sizes.length; slabClass++) {
    used += slabs.usedSlotsOfClass(slabClass);
  }
  expect({
    items: counters.read('currItems'),
    bytes: counters.read('bytes'),
    tombstones: counters.read('tombstones'),
    slots: used,
  }).toEqual({ items, bytes, tombstones, slots });
}

function piecesOf(store: Store, ref: number): number {
  const { slotBytesMax } = store.slabs;
  const itemBytes = store.itemBytes(ref);
  if (itemBytes <= slotBytesMax) return 0;
  return Math.ceil((itemBytes - slotBytesMax + LINK_BYTES) / (slotBytesMax - HEADER_BYTES));
}
