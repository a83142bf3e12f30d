// What watchers see: a ring of lines in shared memory, written under the lock while anybody watches, read by each
// watcher at its own pace. Who is too slow loses the oldest lines and is told how many; nobody ever waits for a watcher.
import type { SharedMemory } from './shared-memory.js';

/** What can be watched, each one bit. */
export const WATCH_FETCHERS = 1;
export const WATCH_MUTATIONS = 2;
export const WATCH_EVICTIONS = 4;
export const WATCH_CONNEVENTS = 8;
export const WATCH_DELETIONS = 16;

/** As many as memcached allows. */
export const WATCHERS_MAX = 20;
const KIND_COUNT = 5;
const RING_BYTES = 256 * 1024;
/** Before each line: its length in two bytes, its kind in one. */
const RECORD_HEADER_BYTES = 3;

/** Doubles: offsets that only grow, their place in the ring is what is left of a division by its size. */
const HEAD = 0;
const TAIL = 1;
/** Lines ever written; the number of the line at the tail. */
const HEAD_LINE = 2;
const TAIL_LINE = 3;
const SKIPPED = 4;
const SENT = 5;
const POSITIONS = 6;

/** Int32: watchers of each kind, then all of them. */
const WATCHERS = KIND_COUNT;

export class WatchLog {
  readonly #ring: Uint8Array;
  readonly #positions: Float64Array;
  readonly #watchers: Int32Array;

  constructor(memory: SharedMemory) {
    this.#ring = new Uint8Array(memory.block('watch.ring', RING_BYTES));
    this.#positions = memory.doubles('watch.positions', POSITIONS);
    this.#watchers = new Int32Array(memory.block('watch.watchers', (KIND_COUNT + 1) * 4));
  }

  get sizeBytes(): number {
    return RING_BYTES;
  }

  get watcherCount(): number {
    return Atomics.load(this.#watchers, WATCHERS);
  }

  get writtenCount(): number {
    return this.#positions[HEAD_LINE];
  }

  get skippedCount(): number {
    return this.#positions[SKIPPED];
  }

  get sentCount(): number {
    return this.#positions[SENT];
  }

  /** Whether anybody watches this: asked for every event, so that one that nobody watches costs a read. */
  isWatched(kind: number): boolean {
    return this.#watchers[31 - Math.clz32(kind)] !== 0;
  }

  /** One watcher more (or, with -1, fewer) of these kinds. */
  addWatcher(kinds: number, change: 1 | -1): void {
    for (let bit = 0; bit < KIND_COUNT; bit++) {
      if ((kinds & (1 << bit)) !== 0) Atomics.add(this.#watchers, bit, change);
    }
    Atomics.add(this.#watchers, WATCHERS, change);
  }

  /** Appends `ts=... gid=... <text>` as one line. The lock is held. */
  append(kind: number, nowMs: number, text: string): void {
    const positions = this.#positions;
    const gid = positions[HEAD_LINE] + 1;
    const usec = Math.floor(nowMs % 1000) * 1000;
    const line = Buffer.from(`ts=${Math.floor(nowMs / 1000)}.${usec} gid=${gid} ${text}\n`, 'latin1');
    const recordBytes = RECORD_HEADER_BYTES + line.length;
    while (positions[HEAD] + recordBytes - positions[TAIL] > RING_BYTES) {
      positions[TAIL] += RECORD_HEADER_BYTES + this.#lengthAt(positions[TAIL]);
      positions[TAIL_LINE]++;
    }
    const head = positions[HEAD];
    this.#setByte(head, line.length);
    this.#setByte(head + 1, line.length >>> 8);
    this.#setByte(head + 2, kind);
    for (let at = 0; at < line.length; at++) this.#setByte(head + RECORD_HEADER_BYTES + at, line[at]);
    positions[HEAD] = head + recordBytes;
    positions[HEAD_LINE] = gid;
  }

  /** A reader of what is written from now on. The lock is held. */
  newReader(kinds: number): WatchReader {
    return new WatchReader(this, kinds, this.#positions[HEAD], this.#positions[HEAD_LINE]);
  }

  /** Brings a reader that fell behind to the oldest line there is; returns how many it lost. */
  catchUp(reader: WatchReader): number {
    const lost = this.#positions[TAIL_LINE] - reader.line;
    if (lost <= 0) return 0;
    reader.position = this.#positions[TAIL];
    reader.line = this.#positions[TAIL_LINE];
    this.#positions[SKIPPED] += lost;
    return lost;
  }

  /** Copies the reader's next line to target[at ..) if it is of a kind it wants; returns its bytes, -1 at the end. */
  readLine(reader: WatchReader, target: Uint8Array, at: number): number {
    if (reader.position >= this.#positions[HEAD]) return -1;
    const length = this.#lengthAt(reader.position);
    const start = reader.position + RECORD_HEADER_BYTES;
    const isWanted = (this.#byte(reader.position + 2) & reader.kinds) !== 0;
    for (let offset = 0; isWanted && offset < length; offset++)
      target[at + offset] = this.#byte(start + offset);
    reader.position = start + length;
    reader.line++;
    if (isWanted) this.#positions[SENT]++;
    return isWanted ? length : 0;
  }

  #lengthAt(position: number): number {
    return this.#byte(position) | (this.#byte(position + 1) << 8);
  }

  #byte(position: number): number {
    return this.#ring[position % RING_BYTES];
  }

  #setByte(position: number, value: number): void {
    this.#ring[position % RING_BYTES] = value;
  }
}

/** How far one watcher has read. */
export class WatchReader {
  readonly kinds: number;
  position: number;
  line: number;
  readonly #log: WatchLog;

  constructor(log: WatchLog, kinds: number, position: number, line: number) {
    this.#log = log;
    this.kinds = kinds;
    this.position = position;
    this.line = line;
  }

  /** Lines that this reader lost since it was last asked; it goes on with the oldest that is left. The lock is held. */
  takeLost(): number {
    return this.#log.catchUp(this);
  }

  /** One watcher fewer. Needs no lock. */
  close(): void {
    this.#log.addWatcher(this.kinds, -1);
  }

  /** The next line, as readLine() of the log. The lock is held. */
  read(target: Uint8Array, at: number): number {
    return this.#log.readLine(this, target, at);
  }
}
