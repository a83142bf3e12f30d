// Stops accepting when no more files can be opened, and accepts again once there are some: in spirit what memcached
// does, which counts it in listen_disabled_num. It is always in one of two states:
//
// - accepting: the listeners are open, and each look finds that a file can still be opened. When that fails, a
//   connection that waits to be accepted would keep the event loop spinning, and its client hanging.
// - closed: there are no listeners, so clients are refused at once and may go elsewhere. Open connections are served.
//   Once there are files enough, not too soon after the last time, the listeners are opened again; if that fails, as
//   when another program took the port meanwhile, it is tried again and again.
import { FatalError } from './exit.js';
import type { FileShortage } from './spare-files.js';

/** How long the listeners stay closed at least: at first, and when it comes to that again and again. */
const HOLD_MIN_MS = 1_000;
const HOLD_MAX_MS = 8_000;
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
  /** The listeners are closed: for want of files, as found. */
  readonly onClosed: (shortage: FileShortage) => void;
  readonly onReopened: (closedMs: number) => void;
  /** They can't be opened again, for another reason: told once for each. */
  readonly onProblem: (problem: string) => void;
}

export class AcceptBackoff {
  readonly #options: AcceptBackoffOptions;
  #isClosed = false;
  #isBusy = false;
  #shortLooks = 0;
  /** Unix ms of the last change of state. */
  #sinceMs = Number.NEGATIVE_INFINITY;
  #holdMs = HOLD_MIN_MS;
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
    const { shortage, patience, close, nowMs, onClosed } = this.#options;
    const found = shortage(1);
    this.#shortLooks = found === undefined ? 0 : this.#shortLooks + 1;
    if (found === undefined || this.#shortLooks < patience) return;
    this.#shortLooks = 0;
    const now = nowMs();
    const isSoon = now - this.#sinceMs < CALM_MS;
    this.#holdMs = isSoon ? Math.min(HOLD_MAX_MS, this.#holdMs * 2) : HOLD_MIN_MS;
    this.#isClosed = true;
    this.#sinceMs = now;
    this.#nextTryMs = now + this.#holdMs;
    await close();
    onClosed(found);
  }

  async #tryToReopen(): Promise<void> {
    const { shortage, listenerFiles, reopen, nowMs, onReopened, onProblem } = this.#options;
    if (nowMs() < this.#nextTryMs) return;
    this.#nextTryMs = nowMs() + this.#holdMs;
    if (shortage(listenerFiles + SPARE_FILES) !== undefined) return;
    try {
      await reopen();
    } catch (error) {
      if (!(error instanceof FatalError)) throw error;
      if (error.message !== this.#problem) onProblem(error.message);
      this.#problem = error.message;
      return;
    }
    const closedMs = nowMs() - this.#sinceMs;
    this.#isClosed = false;
    this.#sinceMs = nowMs();
    this.#problem = undefined;
    onReopened(closedMs);
  }
}
