// The memory of what comes in: bounded, whatever the runtime thinks of its heap.
//
// The runtime puts each chunk of input into memory of its own, up to 512 KB, and leaves it to the garbage collection.
// To its heap it counts the store as well, and lets as much garbage gather as that is large: with -m 1024 the process
// grew by 130 MB. So a large chunk is given back once it was read, which also keeps using the same few pages; of the
// small ones, a collection is asked for after every few megabytes (0.3 ms each).
import { edenGC } from 'bun:jsc';

/** To give a chunk back takes 0.5 us: below this, leaving it to the collection is less work. */
const RELEASED_MIN_BYTES = 4096;
/** What the runtime makes of a chunk besides its bytes, about. */
const CHUNK_OVERHEAD_BYTES = 200;
const GARBAGE_MAX_BYTES = 2 * 2 ** 20;

/** Of this thread. */
let garbageBytes = 0;
let isCollectionDue = false;

/** Counts a chunk that came in. */
export function countInput(sizeBytes: number): void {
  garbageBytes += sizeBytes + CHUNK_OVERHEAD_BYTES;
  if (garbageBytes < GARBAGE_MAX_BYTES || isCollectionDue) return;
  isCollectionDue = true;
  // Not now: what is in use outlives its first collection, and the next ones do not look at it any more.
  setImmediate(collect);
}

/** Gives back the memory of a chunk, or of the end of one; its memory must be its own, and done with. */
export function releaseInput(bytes: Uint8Array): void {
  const chunkBytes = bytes.byteOffset + bytes.length;
  if (chunkBytes < RELEASED_MIN_BYTES) return;
  // What several chunks were joined into was not counted.
  garbageBytes = Math.max(0, garbageBytes - chunkBytes);
  // The memory moves to a buffer of length 0, and is gone.
  (bytes.buffer as ArrayBuffer).transfer(0);
}

function collect(): void {
  isCollectionDue = false;
  garbageBytes = 0;
  edenGC();
}
