// The ring of what changed here: which slot, at which version. 16 bytes an entry, no keys and no values.

import type { ChangeKind, ChangeLog } from '../store/change-log.js';
import { SharedMemory } from '../store/shared-memory.js';
import { compareVersions } from '../store/version.js';

const WORDS_PER_ENTRY = 4;
/** Stands for the peer's node bit before there was one. */
const NO_BIT = 2;

/**
 * The store appends an entry for each local write; the sender reads them in order and looks whether the slot still
 * holds that very version. If it does, the current item goes out; if not, a newer entry (or an eviction, which
 * nobody need hear of) explains why. So a key written a hundred times between two sends travels once.
 *
 * Entries are numbered from 1 and never renumbered. The ring forgets the oldest ones; whoever reads must ask
 * {@link RingChangeLog.oldestSeq} first. An entry stays useful after it was sent: until the peer has acknowledged
 * it, it also says which tombstone may be freed then.
 *
 * State lives in shared memory: every thread appends, under the store lock; the one that replicates reads, and holds
 * the lock while it does.
 */
export class RingChangeLog implements ChangeLog {
  readonly capacity: number;
  /** Sequence number of the last write that this thread appended; 0 while there is none. */
  appendedSeq = 0;
  readonly #mask: number;
  /** ref, versionHi, versionLo, touchSeq | kind << 8 for each entry. */
  readonly #words: Uint32Array;
  /** [0] the newest sequence number. A double counts 2^53 writes exactly. */
  readonly #head: Float64Array;
  /**
   * [hi, lo, node bit of the peer, whether that bit says whose version it is, hi, lo of the last version before that bit
   * became the peer's]: see {@link RingChangeLog.mayBeUnknownToPeer}.
   */
  readonly #known: Uint32Array;
  /** [hi, lo]: no version above this one was made here. */
  readonly #made: Uint32Array;

  /** @param capacity entries, a power of two; 16 bytes each. */
  constructor(capacity: number, memory = new SharedMemory()) {
    if (capacity < 1 || (capacity & (capacity - 1)) !== 0) {
      throw new RangeError(`change log capacity must be a power of two, not ${capacity}`);
    }
    this.capacity = capacity;
    this.#mask = capacity - 1;
    this.#words = memory.words('change-log.entries', capacity * WORDS_PER_ENTRY);
    this.#head = memory.doubles('change-log.head', 1);
    this.#known = memory.words('change-log.known', 6);
    this.#made = memory.words('change-log.made', 2);
    if (memory.isFresh) this.#known[2] = NO_BIT;
  }

  /** Sequence number of the newest entry; 0 while there is none. */
  get headSeq(): number {
    return this.#head[0];
  }

  /** Sequence number of the oldest entry still held: 1 while nothing was forgotten. */
  get oldestSeq(): number {
    return Math.max(1, this.#head[0] - this.capacity + 1);
  }

  append(ref: number, versionHi: number, versionLo: number, touchSeq: number, kind: ChangeKind): void {
    this.appendMove(ref, versionHi, versionLo, touchSeq, kind);
    this.appendedSeq = this.#head[0];
    this.#raiseMade(versionHi, versionLo);
  }

  appendMove(ref: number, versionHi: number, versionLo: number, touchSeq: number, kind: ChangeKind): void {
    const seq = this.#head[0] + 1;
    // `seq & mask` would go through 32 bits and still be right: the mask keeps only low bits.
    const at = (seq & this.#mask) * WORDS_PER_ENTRY;
    this.#words[at] = ref;
    this.#words[at + 1] = versionHi;
    this.#words[at + 2] = versionLo;
    this.#words[at + 3] = touchSeq | (kind << 8);
    this.#head[0] = seq;
  }

  /** The slot of entry `seq`, which must be held. */
  refAt(seq: number): number {
    return this.#words[(seq & this.#mask) * WORDS_PER_ENTRY];
  }

  versionHiAt(seq: number): number {
    return this.#words[(seq & this.#mask) * WORDS_PER_ENTRY + 1];
  }

  versionLoAt(seq: number): number {
    return this.#words[(seq & this.#mask) * WORDS_PER_ENTRY + 2];
  }

  touchSeqAt(seq: number): number {
    return this.#words[(seq & this.#mask) * WORDS_PER_ENTRY + 3] & 0xff;
  }

  kindAt(seq: number): ChangeKind {
    return (this.#words[(seq & this.#mask) * WORDS_PER_ENTRY + 3] >>> 8) as ChangeKind;
  }

  /**
   * A link begins, in which our writes have this bit.
   * @param latestHi of the last version made or seen here before the link
   */
  beginLink(ownNodeBit: 0 | 1, latestHi: number, latestLo: number): void {
    const known = this.#known;
    const peerBit = 1 - ownNodeBit;
    this.#raiseMade(latestHi, (latestLo | 1) >>> 0);
    if (known[2] === peerBit) return;
    // It may have been ours before: older versions with it are not the peer's. That lasts until they are acknowledged.
    known[3] = 0;
    known[2] = peerBit;
    known[4] = latestHi;
    known[5] = latestLo;
  }

  #raiseMade(versionHi: number, versionLo: number): void {
    const made = this.#made;
    if (compareVersions(versionHi, versionLo, made[0], made[1]) <= 0) return;
    made[0] = versionHi;
    made[1] = versionLo;
  }

  /** The peer acknowledged everything of ours up to this version. */
  peerKnows(versionHi: number, versionLo: number): void {
    const known = this.#known;
    if (compareVersions(versionHi, versionLo, known[0], known[1]) <= 0) return;
    known[0] = versionHi;
    known[1] = versionLo;
  }

  /** The peer acknowledged a whole sync: from now on the node bit tells whose version it is. */
  peerIsSynced(): void {
    this.#known[3] = 1;
  }

  /**
   * What the peer has acknowledged it had, and what it has written itself. When the link breaks that stays true: what
   * it had once it can only have replaced by something newer, or lost; if it restarts, it has nothing, or what it
   * saved after its last acknowledgement. So an item that it knew may expire here without a trace, also while this
   * node is alone.
   */
  mayBeUnknownToPeer(versionHi: number, versionLo: number): boolean {
    const known = this.#known;
    if (known[3] === 1 && (versionLo & 1) === known[2]) return false;
    return compareVersions(versionHi, versionLo, known[0], known[1]) > 0;
  }

  isUnacknowledged(versionHi: number, versionLo: number): boolean {
    const known = this.#known;
    if (compareVersions(versionHi, versionLo, known[0], known[1]) <= 0) return false;
    if ((versionLo & 1) !== known[2]) {
      // With our bit it is ours, unless the peer made it in the moment before it heard that the bit was to be ours.
      const made = this.#made;
      return known[2] === NO_BIT || compareVersions(versionHi, versionLo, made[0], made[1]) <= 0;
    }
    // With the peer's bit it is the peer's, unless it is from before the bit was: then it may be ours. All that a node
    // without data is given is the peer's: else what is evicted while it comes in would seem lost.
    return known[3] === 0 && compareVersions(versionHi, (versionLo & ~1) >>> 0, known[4], known[5]) <= 0;
  }
}
