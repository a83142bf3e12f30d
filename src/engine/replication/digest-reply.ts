// The other end of a digest sync: sums up what this node holds and tells the peer, who then sends what differs.

import type { Store } from '../store/store.js';
import { SEND_BUDGET_BYTES } from './entry-scan.js';
import type { FrameWriter } from './frame-writer.js';
import { DIGEST_HEADER_BYTES, DIGEST_RANGES_PER_FRAME, FRAME, SUM_BYTES, writeU32 } from './frames.js';
import { SUMMED_BUCKETS } from './outgoing-sync.js';
import type { PeerLimit } from './peer-limit.js';
import { type DigestSeeds, RangeDigest } from './range-digest.js';

export class DigestReply {
  readonly #store: Store;
  readonly #syncId: number;
  readonly #digest: RangeDigest;
  #nextRange = 0;

  constructor(
    store: Store,
    seeds: DigestSeeds,
    syncId: number,
    rangeBits: number,
    exptimeCorrectionSec: number,
    limit: PeerLimit,
  ) {
    this.#store = store;
    this.#syncId = syncId;
    this.#digest = new RangeDigest(store, seeds, rangeBits, exptimeCorrectionSec, limit);
  }

  get isDone(): boolean {
    return this.#nextRange === this.#digest.rangeCount;
  }

  /** Goes on counting; once all is counted, writes the next sums. */
  fill(writer: FrameWriter): void {
    const digest = this.#digest;
    if (!digest.isScanned) this.#scan();
    while (digest.isScanned && !this.isDone && writer.length < SEND_BUDGET_BYTES) {
      const first = this.#nextRange;
      const count = Math.min(DIGEST_RANGES_PER_FRAME, digest.rangeCount - first);
      const at = writer.begin(FRAME.digest, DIGEST_HEADER_BYTES + count * SUM_BYTES);
      writeU32(writer.buffer, at, this.#syncId);
      writeU32(writer.buffer, at + 4, first);
      digest.write(writer.buffer, at + DIGEST_HEADER_BYTES, first, count);
      this.#nextRange += count;
    }
  }

  #scan(): void {
    this.#store.lock();
    try {
      this.#digest.scan(SUMMED_BUCKETS);
    } finally {
      this.#store.unlock();
    }
  }
}
