// Stops accepting when no more files can be opened, and accepts again once there are some: in spirit what memcached
// does, which counts it in listen_disabled_num. It is always in one of two states:
//
// - accepting: the listeners are open, and each look finds that a file can still be opened. When that fails, a
//   connection that waits to be accepted would keep the event loop spinning, and its client hanging.
// - closed: there are no listeners, so clients are refused at once and may go elsewhere. Open connections are served.
//   Once there are files enough, the listeners are opened again, soon: others may have left. If that fails, as when
//   another program took the port meanwhile, it is tried again and again.
//
// At the edge, where clients come and go, the two states alternate several times a second. The log then says that they
// do, and when they no longer do.
import { FatalError } from './exit.js';
import type { FileShortage } from './spare-files.js';

/** How long the listeners stay closed at least. */
const HOLD_MS = 250;
/** Who accepts for so long without running out of files is well again. */
const CALM_MS = 10_000;
/** Files that must be left once the listeners are open again: to open them for one client is not worth it. */
const SPARE_FILES = 4;

export interface AcceptBackoffOptions {
  /** Stops accepting, and gives back the listeners' files. */
  readonly close: () => Promise<void>;
  /** Accepts again, on all listeners or none. @throws (rejects with) FatalError when that can't be */
  readonly reopen: () => Promise<void>;
  /** How many files the listeners need. */
  readonly listenerFiles: number;
  /** How many looks in a row must find that there are no files. */
  readonly patience: number;
  readonly shortage: (fileCount: number) => FileShortage | undefined;
  /** Unix ms that never goes back. */
  readonly nowMs: () => number;
  /** Called each time, once `reopen` is done. */
  readonly onReopened?: () => void;
  readonly log: AcceptBackoffLog;
}

export interface AcceptBackoffLog {
  /** The listeners are closed: for want of files, as found. */
  closed(shortage: FileShortage): void;
  reopened(closedMs: number): void;
  /** Closed once more, soon after they were opened: nothing is told of the next times, until `calm`. */
  alternates(shortage: FileShortage): void;
  /** They have been open for some time. */
  calm(): void;
  /** They can't be opened again, for another reason: told once for each. */
  problem(problem: string): void;
}

export class AcceptBackoff {
  readonly #options: AcceptBackoffOptions;
  #isClosed = false;
  #alternates = false;
  #isBusy = false;
  #shortLooks = 0;
  /** Unix ms of the last change of state. */
  #sinceMs = Number.NEGATIVE_INFINITY;
  #nextTryMs = 0;
  #problem: string | undefined;

  constructor(options: AcceptBackoffOptions) {
    this.#options = options;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Call often. Does nothing while what an earlier look has begun is under way. */
  async look(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      if (this.#isClosed) await this.#tryToReopen();
      else await this.#lookForShortage();
    } finally {
      this.#isBusy = false;
    }
  }

  async #lookForShortage(): Promise<void> {
    const { shortage, patience, close, nowMs, log } = this.#options;
    const found = shortage(1);
    const isCalm = nowMs() - this.#sinceMs >= CALM_MS;
    if (found === undefined) {
      this.#shortLooks = 0;
      if (isCalm && this.#alternates) {
        this.#alternates = false;
        log.calm();
      }
      return;
    }
    this.#shortLooks += 1;
    if (this.#shortLooks < patience) return;
    this.#shortLooks = 0;
    this.#isClosed = true;
    this.#sinceMs = nowMs();
    this.#nextTryMs = this.#sinceMs + HOLD_MS;
    await close();
    if (this.#alternates) return;
    this.#alternates = !isCalm;
    if (isCalm) log.closed(found);
    else log.alternates(found);
  }

  async #tryToReopen(): Promise<void> {
    const { shortage, listenerFiles, reopen, nowMs, onReopened, log } = this.#options;
    if (nowMs() < this.#nextTryMs) return;
    this.#nextTryMs = nowMs() + HOLD_MS;
    if (shortage(listenerFiles + SPARE_FILES) !== undefined) return;
    try {
      await reopen();
    } catch (error) {
      if (!(error instanceof FatalError)) throw error;
      if (error.message !== this.#problem) log.problem(error.message);
      this.#problem = error.message;
      return;
    }
    const closedMs = nowMs() - this.#sinceMs;
    this.#isClosed = false;
    this.#sinceMs = nowMs();
    this.#problem = undefined;
    if (!this.#alternates) log.reopened(closedMs);
    onReopened?.();
  }
}
