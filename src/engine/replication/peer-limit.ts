// How large an item the peer takes: it may have been started with a lower -I than this node.

import { memcachedItemBytes } from '../store/layout.js';
import type { Store } from '../store/store.js';

/**
 * What the peer has no room for stays on this node. In its place the peer is sent a tombstone of the same version, as
 * no value there is better than the one that the key had before. Sums leave it out: there is nothing to compare it with.
 */
export class PeerLimit {
  /** The peer's -I, in bytes; of the present link, or the last one. */
  maxItemBytes = Number.POSITIVE_INFINITY;
  /** How often something was not sent for that reason. */
  unsendable = 0;
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Whether the peer has room for an entry. */
  takes(ref: number): boolean {
    const store = this.#store;
    if (this.maxItemBytes >= store.itemSizeMaxBytes || store.isTombstone(ref)) return true;
    const itemBytes = memcachedItemBytes(store.keyLength(ref), store.valueLength(ref), store.flags(ref));
    return itemBytes <= this.maxItemBytes;
  }
}
