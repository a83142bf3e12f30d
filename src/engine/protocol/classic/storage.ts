// set, add, replace, append, prepend, cas: the command line, then the value as it arrives.
import { Decimal64 } from '../../store/decimal64.js';
import { absoluteExptime } from '../../store/exptime.js';
import { KEY_MAX_BYTES } from '../../store/layout.js';
import type { Store } from '../../store/store.js';
import {
  EXISTS,
  MODE_CAS,
  MODE_SET,
  NO_MEMORY,
  NOT_FOUND,
  NOT_STORED,
  STORED,
  type StoreMode,
  type StoreResult,
  TOO_LARGE,
} from '../../store/store-types.js';
import type { ReplyBuffer } from '../reply-buffer.js';
import { ValueIntake } from '../value-intake.js';
import type { CommandLine } from './command-line.js';
import {
  BAD_CHUNK,
  BAD_FORMAT,
  EXISTS_REPLY,
  NO_PEER,
  NOT_FOUND_REPLY,
  NOT_STORED_REPLY,
  OUT_OF_MEMORY,
  STORED_REPLY,
  TOO_LARGE_REPLY,
} from './replies.js';

const CR = 0x0d;
const LF = 0x0a;
const LINE_END_BYTES = 2;
/** memcached's bound: with its line end a value's length must stay an int. */
const VALUE_LENGTH_MAX = 0x7fff_ffff - LINE_END_BYTES;
const U32_MAX = 0xffff_ffff;
/** Command, key, flags, exptime, length. With these the value is taken or swallowed, whatever else is on the line. */
const WORDS_MIN = 5;

/** Scratch; nothing of it outlives a call. */
const unique = new Decimal64();

export class Storage {
  readonly #store: Store;
  readonly #intake: ValueIntake;
  #mode: StoreMode = MODE_SET;
  #uniqueHi = 0;
  #uniqueLo = 0;
  #noreply = false;

  constructor(store: Store) {
    this.#store = store;
    this.#intake = new ValueIntake(store);
  }

  /** Whether bytes of a value, kept or not, are still to come. */
  get isReceiving(): boolean {
    return this.#intake.isReceiving;
  }

  /**
   * `<command> <key> <flags> <exptime> <length> [unique] [noreply]`: prepares for the value, or answers already and
   * drops it when it comes. Words too many change nothing.
   */
  begin(line: CommandLine, mode: StoreMode, reply: ReplyBuffer): void {
    this.#noreply = line.noreply;
    const answer = this.#prepare(line, mode);
    if (answer !== undefined) this.#say(answer, reply);
  }

  /** Takes what belongs to the value from bytes[at .. end); answers once it is complete. Returns where it stopped. */
  take(bytes: Uint8Array, at: number, end: number, reply: ReplyBuffer): number {
    const next = this.#intake.take(bytes, at, end);
    const ref = this.#intake.takeComplete();
    if (ref !== 0) this.#finish(ref, reply);
    return next;
  }

  /** Gives a half-received item back. */
  release(): void {
    this.#intake.abandon();
  }

  /**
   * Undefined when a slot is reserved, else the reply: the value was refused or, all of it being there, is stored. What
   * follows all the same is swallowed.
   */
  #prepare(line: CommandLine, mode: StoreMode): Uint8Array | undefined {
    if (line.count < WORDS_MIN) return BAD_FORMAT;
    const valueLength = line.integer(4);
    // Without a length there is nothing to swallow: what follows is read as commands.
    if (!(valueLength >= 0 && valueLength <= VALUE_LENGTH_MAX)) return BAD_FORMAT;
    const answer = this.#store.refusesWrites ? NO_PEER : this.#reserve(line, mode, valueLength);
    if (answer !== undefined) this.#intake.swallow(valueLength);
    return answer;
  }

  #reserve(line: CommandLine, mode: StoreMode, valueLength: number): Uint8Array | undefined {
    const keyStart = line.start(1);
    const keyLength = line.length(1);
    const flags = line.integer(2);
    const exptime = line.integer(3);
    if (keyLength > KEY_MAX_BYTES || !(flags >= 0 && flags <= U32_MAX) || Number.isNaN(exptime))
      return BAD_FORMAT;
    if (mode === MODE_CAS && !hasUnique(line)) return BAD_FORMAT;
    const exptimeSec = absoluteExptime(exptime, this.#store.nowSec);
    if (mode === MODE_SET && hasWholeValue(line, valueLength)) {
      const { bytes, restStart } = line;
      if (this.#store.overwrite(bytes, keyStart, keyLength, flags, exptimeSec, restStart, valueLength)) {
        return STORED_REPLY;
      }
    }
    const ref = this.#store.reserve(line.bytes, keyStart, keyLength, flags, exptimeSec, valueLength);
    if (ref === 0) {
      this.#store.tellRefused(line.bytes, keyStart, keyLength, mode);
      // A set that failed must not leave the value it was to replace.
      if (mode === MODE_SET) this.#store.discard(line.bytes, keyStart, keyLength);
      return this.#store.reserveError === TOO_LARGE ? TOO_LARGE_REPLY : OUT_OF_MEMORY;
    }
    this.#mode = mode;
    this.#uniqueHi = mode === MODE_CAS ? unique.hi : 0;
    this.#uniqueLo = mode === MODE_CAS ? unique.lo : 0;
    this.#intake.expect(ref, valueLength);
    return undefined;
  }

  #finish(ref: number, reply: ReplyBuffer): void {
    if (this.#intake.hasBadEnd) {
      this.#intake.giveBack(ref);
      this.#say(BAD_CHUNK, reply);
      return;
    }
    this.#say(replyTo(this.#commit(ref)), reply);
  }

  #commit(ref: number): StoreResult {
    this.#store.lock();
    try {
      return this.#store.commit(ref, this.#mode, this.#uniqueHi, this.#uniqueLo);
    } finally {
      this.#store.unlock();
    }
  }

  #say(text: Uint8Array, reply: ReplyBuffer): void {
    if (!this.#noreply) reply.write(text);
  }
}

/** Whether there is a unique to compare with; it is in `unique` then. */
function hasUnique(line: CommandLine): boolean {
  return line.count > WORDS_MIN && unique.parse(line.bytes, line.start(5), line.end(5));
}

/** Whether the value came with its line, and ends as it should. */
function hasWholeValue({ bytes, restStart, restEnd }: CommandLine, valueLength: number): boolean {
  const valueEnd = restStart + valueLength;
  return valueEnd + LINE_END_BYTES <= restEnd && bytes[valueEnd] === CR && bytes[valueEnd + 1] === LF;
}

function replyTo(result: StoreResult): Uint8Array {
  switch (result) {
    case STORED:
      return STORED_REPLY;
    case NOT_STORED:
      return NOT_STORED_REPLY;
    case EXISTS:
      return EXISTS_REPLY;
    case NOT_FOUND:
      return NOT_FOUND_REPLY;
    case NO_MEMORY:
      return OUT_OF_MEMORY;
    case TOO_LARGE:
      return TOO_LARGE_REPLY;
  }
}
