// One client connection that speaks the text protocol, classic and meta commands: bytes in, store, reply bytes out. Sans-I/O.
//
// A session is always in one of three phases:
// - line: it waits for the end of a command line. A line that lies whole in one chunk is read where it is; of any
//   other the beginning is kept, bounded, until the rest comes.
// - value: a storage command was read; its value goes into a reserved slot as it arrives (or, refused, nowhere).
// - keys: a get is being answered. Only here can a session pause in the middle of a command.
import { absoluteExptime } from '../../store/exptime.js';
import type { Store } from '../../store/store.js';
import {
  MODE_ADD,
  MODE_APPEND,
  MODE_CAS,
  MODE_PREPEND,
  MODE_REPLACE,
  MODE_SET,
} from '../../store/store-types.js';
import { MetaCommands, metaCommandOf } from '../meta/meta-commands.js';
import type { ReplyBuffer } from '../reply-buffer.js';
import type { ServerFacts } from '../server-facts.js';
import {
  answerLru,
  answerMemlimit,
  answerRefreshCerts,
  answerShutdown,
  answerSlabs,
} from './admin-commands.js';
import { CommandLine } from './command-line.js';
import {
  COMMAND_ADD,
  COMMAND_APPEND,
  COMMAND_CACHE_MEMLIMIT,
  COMMAND_CAS,
  COMMAND_DECR,
  COMMAND_DELETE,
  COMMAND_FLUSH_ALL,
  COMMAND_GAT,
  COMMAND_GATS,
  COMMAND_GET,
  COMMAND_GETS,
  COMMAND_INCR,
  COMMAND_LRU,
  COMMAND_LRU_CRAWLER,
  COMMAND_PREPEND,
  COMMAND_QUIT,
  COMMAND_REFRESH_CERTS,
  COMMAND_REPLACE,
  COMMAND_SET,
  COMMAND_SHUTDOWN,
  COMMAND_SLABS,
  COMMAND_STATS,
  COMMAND_TOUCH,
  COMMAND_VERBOSITY,
  COMMAND_VERSION,
  COMMAND_WATCH,
  commandOf,
  writesWithoutValue,
} from './commands.js';
import { answerCrawler } from './crawler-commands.js';
import { Listing } from './listing.js';
import { PartialLine } from './partial-line.js';
import {
  answerArithmetic,
  answerDelete,
  answerFlushAll,
  answerTouch,
  answerVerbosity,
} from './plain-commands.js';
import { BAD_EXPTIME, BAD_FORMAT, ERROR, NO_PEER } from './replies.js';
import { hasTooLongKey, Retrieval } from './retrieval.js';
import { answerStats } from './stats.js';
import { Storage } from './storage.js';
import { Watcher } from './watcher.js';

const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;

/** A line below this, its line end included, is no command; memcached has words of its own for it. */
const LINE_MIN_BYTES = 4;
/** Where the keys being answered are, when they lie in the caller's bytes. */
const IN_CALLERS_BYTES = -1;

/** Scratch for the line at hand; the sessions of a thread take turns, and none keeps it between two calls. */
const line = new CommandLine();

export class ClassicSession {
  /** Set by quit and by fatal input: flush what the reply buffer holds, then close. Nothing more is consumed. */
  closing = false;
  /**
   * True when consume stopped because the reply buffer is over its high-water mark, or a listing has had its turn.
   * Flush it, then call consume again with what was not consumed, even if that is nothing (start === end).
   */
  paused = false;

  readonly #store: Store;
  readonly #server: ServerFacts;
  readonly #partial = new PartialLine();
  readonly #storage: Storage;
  readonly #meta: MetaCommands;
  readonly #retrieval: Retrieval;
  /** Made by the first command that lists. */
  #listing: Listing | undefined;
  /** Made by `watch`. */
  #watcher: Watcher | undefined;
  /** Where in #partial the next key is. */
  #keysAt = IN_CALLERS_BYTES;

  constructor(store: Store, server: ServerFacts) {
    this.#store = store;
    this.#server = server;
    this.#storage = new Storage(store);
    this.#meta = new MetaCommands(store);
    this.#retrieval = new Retrieval(store);
  }

  /**
   * Takes bytes[start .. end), writes replies, and returns how many bytes it took: all, unless paused or closing.
   * Keeps no reference to bytes. Call store.setNow() first.
   */
  consume(bytes: Uint8Array, start: number, end: number, reply: ReplyBuffer): number {
    this.paused = false;
    if (this.isWatching) return this.#watch(start, end, reply);
    let at = start;
    while (!this.closing && !this.isWatching && (at < end || this.#isAnswering)) {
      if (reply.isFull) {
        this.paused = true;
        break;
      }
      if (this.#listing?.isRunning) {
        this.#listing.run(reply);
        if (!this.#listing.isRunning) continue;
        this.paused = true;
        break;
      }
      if (this.#storage.isReceiving) at = this.#storage.take(bytes, at, end, reply);
      else if (this.#meta.isReceiving) at = this.#meta.take(bytes, at, end, reply);
      else if (this.#retrieval.isRunning) at = this.#goOnWithKeys(bytes, at, end, reply);
      else at = this.#takeLine(bytes, at, end, reply);
    }
    line.clear();
    return this.isWatching ? end - start : at - start;
  }

  /** Whether the connection watches: it is to call consume() now and then, without bytes, for what there is to show. */
  get isWatching(): boolean {
    return this.#watcher?.isWatching === true;
  }

  /** Releases a half-received item. Call once when the connection ends, however it ends. */
  close(): void {
    this.#storage.release();
    this.#meta.release();
    this.#watcher?.stop();
    this.#partial.forget();
    this.closing = true;
  }

  /** Whether there is something to say before anything more is read. */
  get #isAnswering(): boolean {
    return this.#retrieval.isRunning || this.#listing?.isRunning === true;
  }

  #takeLine(bytes: Uint8Array, start: number, end: number, reply: ReplyBuffer): number {
    const newline = findNewline(bytes, start, end);
    if (newline === end) {
      if (!this.#partial.keep(bytes, start, end)) this.closing = true;
      return end;
    }
    if (this.#partial.length === 0) return this.#runLine(bytes, start, newline, end, reply);
    this.#partial.append(bytes, start, newline);
    const { length } = this.#partial;
    const stoppedAt = this.#runLine(this.#partial.bytes, 0, length, length + 1, reply);
    if (this.#retrieval.isRunning) this.#keysAt = stoppedAt;
    else this.#partial.forget();
    return newline + 1;
  }

  #goOnWithKeys(bytes: Uint8Array, at: number, end: number, reply: ReplyBuffer): number {
    if (this.#keysAt === IN_CALLERS_BYTES) {
      return this.#runKeys(bytes, at, findNewline(bytes, at, end), reply);
    }
    this.#keysAt = this.#runKeys(this.#partial.bytes, this.#keysAt, this.#partial.length, reply);
    if (!this.#retrieval.isRunning) {
      this.#keysAt = IN_CALLERS_BYTES;
      this.#partial.forget();
    }
    return at;
  }

  /** Answers keys up to the line end at newline. Returns the next key when it paused, else what follows the line. */
  #runKeys(bytes: Uint8Array, at: number, newline: number, reply: ReplyBuffer): number {
    const stoppedAt = this.#retrieval.run(bytes, at, withoutCr(bytes, at, newline), reply);
    return this.#retrieval.isRunning ? stoppedAt : newline + 1;
  }

  /**
   * Runs the line bytes[start .. newline). Returns what follows it, or the next key of a get that paused.
   * @param chunkEnd up to where bytes holds what came in
   */
  #runLine(bytes: Uint8Array, start: number, newline: number, chunkEnd: number, reply: ReplyBuffer): number {
    if (newline + 1 - start < LINE_MIN_BYTES) {
      reply.write(BAD_FORMAT);
      return newline + 1;
    }
    const end = withoutCr(bytes, start, newline);
    let wordEnd = start;
    while (wordEnd < end && bytes[wordEnd] !== SPACE) wordEnd++;
    const metaCommand = metaCommandOf(bytes, start, wordEnd);
    if (metaCommand !== 0) {
      this.#meta.run(metaCommand, bytes, start, end, reply);
      return newline + 1;
    }
    const command = commandOf(bytes, start, wordEnd);
    if (command === COMMAND_GET || command === COMMAND_GETS) {
      return this.#runGet(bytes, wordEnd, end, newline, command === COMMAND_GETS, reply);
    }
    line.split(bytes, start, end, newline + 1, chunkEnd);
    if (writesWithoutValue(command) && this.#store.refusesWrites) {
      say(NO_PEER, reply);
      return newline + 1;
    }
    if (command === COMMAND_GAT || command === COMMAND_GATS) {
      return this.#runGetAndTouch(bytes, end, newline, command === COMMAND_GATS, reply);
    }
    this.#runCommand(command, reply);
    return newline + 1;
  }

  #runGet(
    bytes: Uint8Array,
    at: number,
    end: number,
    newline: number,
    withUnique: boolean,
    reply: ReplyBuffer,
  ): number {
    if (isBlank(bytes, at, end) || hasTooLongKey(bytes, at, end)) {
      reply.write(BAD_FORMAT);
      return newline + 1;
    }
    this.#retrieval.beginGet(withUnique);
    return this.#runKeys(bytes, at, newline, reply);
  }

  #runGetAndTouch(
    bytes: Uint8Array,
    end: number,
    newline: number,
    withUnique: boolean,
    reply: ReplyBuffer,
  ): number {
    const hasKeys = line.count > 2 && !hasTooLongKey(bytes, line.end(1), end);
    const exptime = hasKeys ? line.integer(1) : 0;
    if (!hasKeys || Number.isNaN(exptime)) {
      reply.write(hasKeys ? BAD_EXPTIME : BAD_FORMAT);
      return newline + 1;
    }
    this.#retrieval.beginTouch(withUnique, absoluteExptime(exptime, this.#store.nowSec));
    return this.#runKeys(bytes, line.end(1), newline, reply);
  }

  /** A command that is not a get: one stretch under the store lock. */
  #runCommand(command: number, reply: ReplyBuffer): void {
    this.#store.lock();
    try {
      this.#answer(command, reply);
    } finally {
      this.#store.unlock();
    }
  }

  #answer(command: number, reply: ReplyBuffer): void {
    switch (command) {
      case COMMAND_SET:
        this.#storage.begin(line, MODE_SET, reply);
        break;
      case COMMAND_ADD:
        this.#storage.begin(line, MODE_ADD, reply);
        break;
      case COMMAND_REPLACE:
        this.#storage.begin(line, MODE_REPLACE, reply);
        break;
      case COMMAND_APPEND:
        this.#storage.begin(line, MODE_APPEND, reply);
        break;
      case COMMAND_PREPEND:
        this.#storage.begin(line, MODE_PREPEND, reply);
        break;
      case COMMAND_CAS:
        this.#storage.begin(line, MODE_CAS, reply);
        break;
      case COMMAND_DELETE:
        say(answerDelete(line, this.#store), reply);
        break;
      case COMMAND_TOUCH:
        say(answerTouch(line, this.#store), reply);
        break;
      case COMMAND_INCR:
      case COMMAND_DECR:
        say(answerArithmetic(line, this.#store, command === COMMAND_INCR, reply), reply);
        break;
      case COMMAND_FLUSH_ALL:
        say(answerFlushAll(line, this.#store, this.#server), reply);
        break;
      case COMMAND_VERBOSITY:
        say(answerVerbosity(line, this.#server), reply);
        break;
      case COMMAND_STATS:
        answerStats(line, this.#store, this.#server, reply, this.#ownListing);
        break;
      case COMMAND_LRU_CRAWLER:
        sayIfAny(answerCrawler(line, this.#store, this.#server, this.#ownListing, reply), reply);
        break;
      case COMMAND_SLABS:
        say(answerSlabs(line, this.#store), reply);
        break;
      case COMMAND_LRU:
        say(answerLru(line), reply);
        break;
      case COMMAND_CACHE_MEMLIMIT:
        say(answerMemlimit(line, this.#server), reply);
        break;
      case COMMAND_REFRESH_CERTS:
        say(answerRefreshCerts(this.#server), reply);
        break;
      case COMMAND_SHUTDOWN:
        this.#shutDown(reply);
        break;
      case COMMAND_WATCH:
        this.#watcher ??= new Watcher(this.#store);
        reply.write(this.#watcher.begin(line.words(1), this.#server));
        break;
      case COMMAND_VERSION:
        reply.writeText(`VERSION ${this.#server.version}\r\n`);
        break;
      case COMMAND_QUIT:
        this.closing = true;
        break;
      default:
        if (line.looksLikeHttp) this.closing = true;
        else say(ERROR, reply);
    }
  }

  get #ownListing(): Listing {
    this.#listing ??= new Listing(this.#store);
    return this.#listing;
  }

  /** Whatever a watcher says is dropped. */
  #watch(start: number, end: number, reply: ReplyBuffer): number {
    this.#watcher?.show(reply);
    return end - start;
  }

  #shutDown(reply: ReplyBuffer): void {
    const refusal = answerShutdown(line, this.#server);
    if (refusal === undefined) this.closing = true;
    else say(refusal, reply);
  }
}

function sayIfAny(text: Uint8Array | undefined, reply: ReplyBuffer): void {
  if (text !== undefined) say(text, reply);
}

function say(text: Uint8Array, reply: ReplyBuffer): void {
  if (!line.noreply) reply.write(text);
}

function findNewline(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== LF) at++;
  return at;
}

function withoutCr(bytes: Uint8Array, start: number, newline: number): number {
  return newline > start && bytes[newline - 1] === CR ? newline - 1 : newline;
}

function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    if (bytes[at] !== SPACE) return false;
  }
  return true;
}
