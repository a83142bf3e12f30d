// watch: the connection shows what happens from then on, and reads no more commands.
//
// Nothing tells a watcher that there is something new: its connection asks now and then (see Session.isWatching).
import type { Store } from '../../store/store.js';
import {
  WATCH_CONNEVENTS,
  WATCH_DELETIONS,
  WATCH_EVICTIONS,
  WATCH_FETCHERS,
  WATCH_MUTATIONS,
  WATCHERS_MAX,
  type WatchReader,
} from '../../store/watch-log.js';
import type { ReplyBuffer } from '../reply-buffer.js';
import type { ServerFacts } from '../server-facts.js';
import { ERROR, OK, TOO_MANY_WATCHERS, WATCH_FORBIDDEN } from './replies.js';

/** A line is at most a key of 250 bytes, each as %XX, and a dozen short words. */
const LINE_MAX_BYTES = 2048;
/** Lines read each time the lock is taken. */
const PORTION_LINES = 64;

/** Kinds of which nothing happens here may be watched all the same. */
const KINDS: ReadonlyMap<string, number> = new Map([
  ['fetchers', WATCH_FETCHERS],
  ['mutations', WATCH_MUTATIONS],
  ['evictions', WATCH_EVICTIONS],
  ['connevents', WATCH_CONNEVENTS],
  ['deletions', WATCH_DELETIONS],
  ['rawcmds', 0],
  ['sysevents', 0],
  ['proxyreqs', 0],
  ['proxyevents', 0],
  ['proxyuser', 0],
]);

export class Watcher {
  readonly #store: Store;
  #reader: WatchReader | undefined;
  /** Lines lost that the watcher was not told of yet. */
  #lost = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  get isWatching(): boolean {
    return this.#reader !== undefined;
  }

  /** `watch [kind]*`: answers, and watches if all is well. The lock is held. */
  begin(words: readonly string[], server: ServerFacts): Uint8Array {
    if (!server.settings().watchEnabled) return WATCH_FORBIDDEN;
    let kinds = words.length === 0 ? WATCH_FETCHERS : 0;
    for (const word of words) {
      const kind = KINDS.get(word);
      if (kind === undefined) return ERROR;
      kinds |= kind;
    }
    const { watchLog } = this.#store;
    if (watchLog.watcherCount >= WATCHERS_MAX) return TOO_MANY_WATCHERS;
    watchLog.addWatcher(kinds, 1);
    this.#reader = watchLog.newReader(kinds);
    return OK;
  }

  /** Writes what has happened since the last time, until the reply buffer is full. */
  show(reply: ReplyBuffer): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    let hasMore = true;
    while (hasMore && !reply.isFull) {
      this.#store.lock();
      try {
        hasMore = this.#showPortion(reader, reply);
      } finally {
        this.#store.unlock();
      }
    }
  }

  /** The connection is gone. */
  stop(): void {
    this.#reader?.close();
    this.#reader = undefined;
  }

  #showPortion(reader: WatchReader, reply: ReplyBuffer): boolean {
    this.#lost += reader.takeLost();
    reply.reserve(PORTION_LINES * LINE_MAX_BYTES);
    for (let count = 0; count < PORTION_LINES; count++) {
      if (this.#lost > 0) {
        reply.writeText(`skipped=${this.#lost}\n`);
        this.#lost = 0;
      }
      const length = reader.read(reply.bytes, reply.length);
      if (length < 0) return false;
      reply.length += length;
    }
    return true;
  }
}
