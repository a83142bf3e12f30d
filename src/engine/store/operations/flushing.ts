// flush_all, of this node and of the peer, now and for later.
import { CHANGE_FLUSH, type ChangeLog } from '../change-log.js';
import { COUNTER } from '../counters.js';
import { RELATIVE_LIMIT_SEC } from '../exptime.js';
import type { FlushFloor } from '../flush-floor.js';
import type { LocalFlush } from '../local-flush.js';
import type { StoreLock } from '../store-lock.js';
import type { StoreState } from '../store-state.js';
import type { StoreTime } from '../store-time.js';
import {
  type FlushState,
  REMOTE_APPLIED,
  REMOTE_CLOCK,
  REMOTE_SAME,
  type RemoteResult,
} from '../store-types.js';
import { type VersionClock, versionHiOfMs, versionLoOfMs } from '../version.js';

export class Flushing {
  readonly #lock: StoreLock;
  readonly #time: StoreTime;
  readonly #clock: VersionClock;
  readonly #changeLog: ChangeLog | undefined;
  readonly #counts: Float64Array;
  readonly #floor: FlushFloor;
  readonly #localFlush: LocalFlush | undefined;

  constructor(state: StoreState, lock: StoreLock) {
    this.#lock = lock;
    this.#time = state.time;
    this.#clock = state.clock;
    this.#changeLog = state.changeLog;
    this.#counts = state.counters.values;
    this.#floor = state.flushFloor;
    this.#localFlush = state.localFlush;
  }

  /** flush_all with the client's number: 0 or less = now, else seconds from now or a Unix time. */
  flushAll(exptime: number): void {
    this.#counts[COUNTER.cmdFlush]++;
    const { nowMs } = this.#time;
    const dueMs = exptime > RELATIVE_LIMIT_SEC ? exptime * 1000 : nowMs + exptime * 1000;
    if (this.#localFlush !== undefined) {
      if (dueMs <= nowMs) this.#localFlush.flushNow();
      else this.#localFlush.flushLater(dueMs);
      return;
    }
    const clock = this.#clock;
    clock.tick(nowMs);
    if (dueMs <= nowMs) this.#floor.flushNow(clock.hi, clock.lo);
    else this.#floor.flushLater(versionHiOfMs(dueMs), versionLoOfMs(dueMs), clock.hi, clock.lo);
    this.#changeLog?.append(0, clock.hi, clock.lo, 0, CHANGE_FLUSH);
  }

  /** Lets a flush whose moment has come take effect. To be called without the lock, whenever the time was told. */
  advance(): void {
    const { nowMs, nowSec } = this.#time;
    this.#localFlush?.noteSecond(nowSec);
    if (this.#floor.isDue(nowMs) || this.#localFlush?.isDue(nowMs)) this.#takeEffect(nowMs);
  }

  /** Merges the peer's flush state into ours; never logs. */
  applyRemote(remote: FlushState): RemoteResult {
    const clock = this.#clock;
    const { nowMs } = this.#time;
    // What is written here from now on must lie above the floor as well, or it would be dead at once.
    const isNear =
      clock.observe(remote.stampHi, remote.stampLo, nowMs) &&
      clock.observe(remote.floorHi, remote.floorLo, nowMs);
    if (!isNear) return REMOTE_CLOCK;
    return this.#floor.merge(remote) ? REMOTE_APPLIED : REMOTE_SAME;
  }

  snapshot(): FlushState {
    return this.#floor.snapshot();
  }

  #takeEffect(nowMs: number): void {
    this.#lock.lock();
    try {
      if (this.#localFlush?.isDue(nowMs)) this.#localFlush.flushNow();
      if (!this.#floor.isDue(nowMs)) return;
      // All that was known here until now, and nothing that the peer may have been given meanwhile.
      const hi = this.#clock.latestHi;
      const lo = (this.#clock.latestLo | 1) >>> 0;
      this.#floor.takeEffect(hi, lo);
      this.#changeLog?.append(0, hi, lo, 0, CHANGE_FLUSH);
    } finally {
      this.#lock.unlock();
    }
  }
}
