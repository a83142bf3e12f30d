// The index: linear hashing over u32 refs, in pages of the arena, so that it counts as memory like everything else.
//
// It grows by one bucket at a time: bucket n takes its share from bucket n - (half of the table). A split therefore
// moves items to a higher bucket only, and a scan in ascending order meets every item that stays, however it grows.
import { hashKey } from './hash.js';
import { BYTE_KEY_LENGTH, HEADER_BYTES, SEGMENT_REF_MASK, SEGMENT_REF_SHIFT, WORD_NEXT } from './layout.js';
import type { Segments } from './segments.js';
import type { SharedMemory } from './shared-memory.js';
import type { Slabs } from './slabs.js';

/** 2^18 buckets of 4 bytes fill a page; 2^10 pages fill a segment. */
const PAGE_BUCKET_SHIFT = 18;
const PAGE_BUCKET_MASK = (1 << PAGE_BUCKET_SHIFT) - 1;
const SEGMENT_PAGE_SHIFT = 10;
const SEGMENT_PAGE_MASK = (1 << SEGMENT_PAGE_SHIFT) - 1;

const CONTROL_BUCKETS = 0;
const CONTROL_ENTRIES = 1;
const CONTROL_WORDS = 2;

export class HashIndex {
  readonly #segments: Segments;
  readonly #seed: number;
  /** Page of each run of 2^18 buckets. */
  readonly #directory: Uint32Array;
  readonly #control: Uint32Array;

  /** Takes its first page from slabs, which must have one. initialBuckets: a power of two, 2 .. 2^18. */
  constructor(memory: SharedMemory, segments: Segments, slabs: Slabs, seed: number, initialBuckets: number) {
    this.#segments = segments;
    this.#seed = seed;
    this.#directory = new Uint32Array(memory.block('index.directory', HashIndex.tableBytes(slabs.pageLimit)));
    this.#control = memory.words('index.control', CONTROL_WORDS);
    if (!memory.isFresh) return;
    this.#directory[0] = slabs.takePageForIndex();
    this.#control[CONTROL_BUCKETS] = initialBuckets;
  }

  /** Memory of the directory for a given number of pages. */
  static tableBytes(pageLimit: number): number {
    return pageLimit * 4;
  }

  get bucketCount(): number {
    return this.#control[CONTROL_BUCKETS];
  }

  get entryCount(): number {
    return this.#control[CONTROL_ENTRIES];
  }

  hash(bytes: Uint8Array, start: number, length: number): number {
    return hashKey(bytes, start, length, this.#seed);
  }

  hashOfRef(ref: number): number {
    const segments = this.#segments;
    return hashKey(
      segments.view(ref),
      segments.keyOffset(ref),
      segments.byte(ref, BYTE_KEY_LENGTH),
      this.#seed,
    );
  }

  /** The entry with this key, 0 when there is none. */
  find(key: Uint8Array, start: number, length: number, hash: number): number {
    const segmentBytes = this.#segments.bytes;
    const segmentWords = this.#segments.words;
    let ref = this.bucketHead(this.#bucketOf(hash));
    while (ref !== 0) {
      const bytes = segmentBytes[ref >>> SEGMENT_REF_SHIFT];
      const at = (ref & SEGMENT_REF_MASK) << 3;
      if (bytes[at + BYTE_KEY_LENGTH] === length) {
        const keyAt = at + HEADER_BYTES;
        let matched = 0;
        while (matched < length && bytes[keyAt + matched] === key[start + matched]) matched++;
        if (matched === length) return ref;
      }
      ref = segmentWords[ref >>> SEGMENT_REF_SHIFT][(at >>> 2) + WORD_NEXT];
    }
    return 0;
  }

  /** The first entry of a hash's bucket: likely the one with the key. */
  likelyEntry(hash: number): number {
    return this.bucketHead(this.#bucketOf(hash));
  }

  /** Adds an entry; its key must not be in the index. */
  link(ref: number, hash: number): void {
    const bucket = this.#bucketOf(hash);
    this.#segments.setWord(ref, WORD_NEXT, this.bucketHead(bucket));
    this.#setHead(bucket, ref);
    this.#control[CONTROL_ENTRIES]++;
  }

  /** Removes an entry, which must be in the index. */
  unlink(ref: number, hash: number): void {
    this.#replaceLink(ref, hash, this.#segments.next(ref));
    this.#control[CONTROL_ENTRIES]--;
  }

  /** Puts an entry in the place of another with the same key. */
  exchange(oldRef: number, newRef: number, hash: number): void {
    this.#segments.setWord(newRef, WORD_NEXT, this.#segments.next(oldRef));
    this.#replaceLink(oldRef, hash, newRef);
  }

  bucketHead(bucket: number): number {
    const page = this.#directory[bucket >>> PAGE_BUCKET_SHIFT];
    const words = this.#segments.words[page >>> SEGMENT_PAGE_SHIFT];
    return words[((page & SEGMENT_PAGE_MASK) << PAGE_BUCKET_SHIFT) + (bucket & PAGE_BUCKET_MASK)];
  }

  /** Whether there are more entries than buckets, so that split() should be called. */
  get isCrowded(): boolean {
    return this.#control[CONTROL_ENTRIES] >= this.#control[CONTROL_BUCKETS];
  }

  /** Whether the next split needs a page of its own, to be given by addPage(). */
  get needsPage(): boolean {
    return (this.#control[CONTROL_BUCKETS] & PAGE_BUCKET_MASK) === 0;
  }

  addPage(page: number): void {
    this.#directory[this.#control[CONTROL_BUCKETS] >>> PAGE_BUCKET_SHIFT] = page;
  }

  /** Adds one bucket and moves to it what hashes there. */
  split(): void {
    const added = this.#control[CONTROL_BUCKETS];
    const source = added - highestPowerOfTwo(added);
    const mask = 2 ** (32 - Math.clz32(added)) - 1;
    let staying = 0;
    let moving = 0;
    let ref = this.bucketHead(source);
    while (ref !== 0) {
      const next = this.#segments.next(ref);
      if ((this.hashOfRef(ref) & mask) >>> 0 === added) {
        this.#segments.setWord(ref, WORD_NEXT, moving);
        moving = ref;
      } else {
        this.#segments.setWord(ref, WORD_NEXT, staying);
        staying = ref;
      }
      ref = next;
    }
    this.#setHead(source, staying);
    this.#setHead(added, moving);
    this.#control[CONTROL_BUCKETS] = added + 1;
  }

  /** Gives an empty index more buckets without a split for each: as many as asked for, or to the end of their page. */
  widen(bucketCount: number): void {
    const first = this.#control[CONTROL_BUCKETS];
    const end = Math.min(bucketCount, (first | PAGE_BUCKET_MASK) + 1);
    const page = this.#directory[first >>> PAGE_BUCKET_SHIFT];
    const pageStart = (page & SEGMENT_PAGE_MASK) << PAGE_BUCKET_SHIFT;
    const from = pageStart + (first & PAGE_BUCKET_MASK);
    this.#segments.words[page >>> SEGMENT_PAGE_SHIFT].fill(0, from, from + end - first);
    this.#control[CONTROL_BUCKETS] = end;
  }

  #bucketOf(hash: number): number {
    const buckets = this.#control[CONTROL_BUCKETS];
    // The mask covers the table as it will be when this round of splits is done; buckets that are not there yet
    // still live in the lower half.
    const mask = -1 >>> Math.clz32(buckets - 1);
    const bucket = hash & mask;
    return bucket < buckets ? bucket : bucket & (mask >>> 1);
  }

  #setHead(bucket: number, ref: number): void {
    const page = this.#directory[bucket >>> PAGE_BUCKET_SHIFT];
    const words = this.#segments.words[page >>> SEGMENT_PAGE_SHIFT];
    words[((page & SEGMENT_PAGE_MASK) << PAGE_BUCKET_SHIFT) + (bucket & PAGE_BUCKET_MASK)] = ref;
  }

  #replaceLink(ref: number, hash: number, replacement: number): void {
    const bucket = this.#bucketOf(hash);
    let at = this.bucketHead(bucket);
    if (at === ref) {
      this.#setHead(bucket, replacement);
      return;
    }
    while (at !== 0) {
      const next = this.#segments.next(at);
      if (next === ref) {
        this.#segments.setWord(at, WORD_NEXT, replacement);
        return;
      }
      at = next;
    }
    throw new Error('the index does not hold the entry');
  }
}

function highestPowerOfTwo(value: number): number {
  return 2 ** (31 - Math.clz32(value));
}
