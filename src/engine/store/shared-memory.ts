// The memory that all threads of a node share: named blocks, made by the first thread and found by every other.
//
// Each part of the store, the clock and the change log asks for its blocks by name. So one constructor serves both:
// over fresh memory it makes an empty store, over memory that came from another thread it is a second view of the
// same one. Whatever two threads must agree on lies in a block; what a thread keeps beside it is its own scratch.
// Nothing but this file makes shared memory for the store.

/** What another thread needs to share the memory; goes through postMessage as it is. */
export type SharedHandles = ReadonlyMap<string, SharedArrayBuffer>;

export class SharedMemory {
  /** Whether this thread made the memory, and so has to give the blocks their first contents (they start zeroed). */
  readonly isFresh: boolean;
  readonly #blocks: Map<string, SharedArrayBuffer>;

  /** @param handles what another thread's `handles` said; without, the memory is fresh. */
  constructor(handles?: SharedHandles) {
    this.isFresh = handles === undefined;
    this.#blocks = new Map(handles);
  }

  /** Every block there is. Take them once all that shares this memory has been constructed. */
  get handles(): SharedHandles {
    return this.#blocks;
  }

  /**
   * The block of this name. The system hands out its pages as they are touched.
   * @throws Error when the first thread has no such block, or one of another size: both threads must be given the
   *   same options
   */
  block(name: string, sizeBytes: number): SharedArrayBuffer {
    const known = this.#blocks.get(name);
    if (known !== undefined) {
      if (known.byteLength !== sizeBytes) {
        throw new Error(`shared block ${name} is ${known.byteLength} bytes, not ${sizeBytes}`);
      }
      return known;
    }
    if (!this.isFresh) throw new Error(`there is no shared block ${name}`);
    const made = new SharedArrayBuffer(sizeBytes);
    this.#blocks.set(name, made);
    return made;
  }

  words(name: string, count: number): Uint32Array {
    return new Uint32Array(this.block(name, count * Uint32Array.BYTES_PER_ELEMENT));
  }

  doubles(name: string, count: number): Float64Array {
    return new Float64Array(this.block(name, count * Float64Array.BYTES_PER_ELEMENT));
  }
}
