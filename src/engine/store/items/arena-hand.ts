// A hand over all slots of the arena, page by page and round again. Where it stands, all threads share.
import type { SharedMemory } from '../shared-memory.js';
import type { Slabs } from '../slabs.js';

const PAGE = 0;
const SLOT = 1;
const WORDS = 2;

export class ArenaHand {
  readonly #slabs: Slabs;
  readonly #words: Uint32Array;

  /** @param name of its block in memory */
  constructor(memory: SharedMemory, name: string, slabs: Slabs) {
    this.#slabs = slabs;
    this.#words = memory.words(name, WORDS);
  }

  get page(): number {
    return this.#words[PAGE];
  }

  moveTo(page: number): void {
    this.#words[PAGE] = page;
    this.#words[SLOT] = 0;
  }

  /** The slot under the hand, which moves on; 0 where a page has none left. */
  next(): number {
    const words = this.#words;
    if (words[PAGE] >= this.#slabs.pagesTaken) this.moveTo(0);
    const page = words[PAGE];
    const slabClass = this.#slabs.classOfPage(page);
    const slot = words[SLOT];
    if (slabClass < 0 || slot >= this.#slabs.carvedSlots(page)) {
      this.moveTo(page + 1);
      return 0;
    }
    words[SLOT] = slot + 1;
    return this.#slabs.slotRef(page, slabClass, slot);
  }
}
