// Deletes: the item goes, and with replication on a tombstone tells the peer.
import { CLASS_COUNTER } from '../class-counters.js';
import { COUNTER } from '../counters.js';
import type { Accounts } from '../items/accounts.js';
import type { Departures } from '../items/departures.js';
import type { Tombstones } from '../items/tombstones.js';
import { USE_LOCAL } from '../layout.js';
import type { PrefixStats } from '../prefix-stats.js';
import type { Segments } from '../segments.js';
import type { Slabs } from '../slabs.js';
import type { StoreState } from '../store-state.js';
import type { StoreTime } from '../store-time.js';
import { deletionLine, describeItem } from '../watch-events.js';
import { WATCH_DELETIONS, type WatchLog } from '../watch-log.js';
import type { LocalWrites } from './local-writes.js';
import type { Lookup } from './lookup.js';

/** What it builds on. */
export interface DeletionParts {
  readonly accounts: Accounts;
  readonly departures: Departures;
  readonly tombstones: Tombstones;
  readonly lookup: Lookup;
  readonly writes: LocalWrites;
}

export class Deletion {
  readonly #segments: Segments;
  readonly #slabs: Slabs;
  readonly #time: StoreTime;
  readonly #counts: Float64Array;
  readonly #prefixStats: PrefixStats;
  readonly #watchLog: WatchLog;
  readonly #isReplicated: boolean;
  readonly #accounts: Accounts;
  readonly #departures: Departures;
  readonly #tombstones: Tombstones;
  readonly #lookup: Lookup;
  readonly #writes: LocalWrites;

  constructor(state: StoreState, parts: DeletionParts) {
    this.#segments = state.segments;
    this.#slabs = state.slabs;
    this.#time = state.time;
    this.#counts = state.counters.values;
    this.#prefixStats = state.prefixStats;
    this.#watchLog = state.watchLog;
    this.#isReplicated = state.changeLog !== undefined;
    this.#accounts = parts.accounts;
    this.#departures = parts.departures;
    this.#tombstones = parts.tombstones;
    this.#lookup = parts.lookup;
    this.#writes = parts.writes;
  }

  /** `delete`: whether there was something to delete. */
  remove(key: Uint8Array, start: number, length: number): boolean {
    const ref = this.#lookup.find(key, start, length);
    if (this.#prefixStats.isEnabled) this.#prefixStats.countDelete(key, start, length);
    if (ref === 0) {
      this.#counts[COUNTER.deleteMisses]++;
      return false;
    }
    this.count(ref, 'delete');
    this.removeItem(ref);
    return true;
  }

  /** Counts a delete of a live item. */
  count(ref: number, command: 'delete' | 'md'): void {
    if (this.#watchLog.isWatched(WATCH_DELETIONS)) {
      const line = deletionLine(describeItem(this.#segments, this.#slabs, ref), command);
      this.#watchLog.append(WATCH_DELETIONS, this.#time.nowMs, line);
    }
    this.#counts[COUNTER.deleteHits]++;
    this.#accounts.countOfClass(ref, CLASS_COUNTER.deleteHits);
  }

  /** Deletes a live item; counts nothing. */
  removeItem(ref: number): void {
    if (!this.#isReplicated || this.#segments.hasMark(ref, USE_LOCAL)) {
      this.#departures.drop(ref);
      return;
    }
    this.#writes.stamp(ref);
    this.#writes.logTombstone(this.#tombstones.entomb(ref));
  }
}
