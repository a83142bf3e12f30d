// get, gets, gat, gats: answered key by key, so that a reply larger than any buffer can pause between two keys.
import { KEY_MAX_BYTES } from '../../store/layout.js';
import type { Store } from '../../store/store.js';
import type { ReplyBuffer } from '../reply-buffer.js';
import { END } from './replies.js';

const SPACE = 0x20;
const CR = 0x0d;
const LF = 0x0a;
const VALUE = Buffer.from('VALUE ', 'latin1');
/** `VALUE `, a key, flags, length, unique, the blanks between them and two line ends. */
const LINE_MAX_BYTES = VALUE.length + KEY_MAX_BYTES + 1 + 10 + 1 + 10 + 1 + 20 + 2 + 2;

/** So many keys of a multiget are looked up ahead: as many as the processor can wait for at once. */
const KEYS_AHEAD = 8;

/** Scratch: the items that the keys ahead are likely to mean. */
const ahead = new Uint32Array(KEYS_AHEAD);

export class Retrieval {
  /** Whether there are keys still to answer. */
  isRunning = false;

  readonly #store: Store;
  #withUnique = false;
  #touches = false;
  #exptimeSec = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Starts a get or gets; run() does the rest. */
  beginGet(withUnique: boolean): void {
    this.isRunning = true;
    this.#withUnique = withUnique;
    this.#touches = false;
  }

  /** Starts a gat or gats. exptimeSec is absolute. */
  beginTouch(withUnique: boolean, exptimeSec: number): void {
    this.isRunning = true;
    this.#withUnique = withUnique;
    this.#touches = true;
    this.#exptimeSec = exptimeSec;
  }

  /** Answers the keys in bytes[at .. end) until all are done or the reply buffer is full. Returns where it stopped. */
  run(bytes: Uint8Array, at: number, end: number, reply: ReplyBuffer): number {
    let next = at;
    // A lone key, which is the most frequent case, gains nothing from looking ahead.
    let isFirst = true;
    let lookedTo = at;
    for (;;) {
      while (next < end && bytes[next] === SPACE) next++;
      if (next === end) break;
      if (reply.isFull) return next;
      if (next >= lookedTo && !isFirst) lookedTo = this.#lookAhead(bytes, next, end);
      isFirst = false;
      const start = next;
      while (next < end && bytes[next] !== SPACE) next++;
      this.#answerKey(bytes, start, next - start, reply);
    }
    reply.write(END);
    this.isRunning = false;
    return end;
  }

  /**
   * Brings what the next keys need from memory into the processor's caches, all of it at the same time; one after
   * another, waiting for memory is most of the work of a multiget. Returns the end of the keys it has looked at.
   */
  #lookAhead(bytes: Uint8Array, at: number, end: number): number {
    const store = this.#store;
    let next = at;
    let count = 0;
    while (count < KEYS_AHEAD) {
      while (next < end && bytes[next] === SPACE) next++;
      if (next === end) break;
      const start = next;
      while (next < end && bytes[next] !== SPACE) next++;
      ahead[count++] = store.likelyItem(bytes, start, next - start);
    }
    for (let position = 0; position < count; position++) store.warm(ahead[position]);
    return next;
  }

  /** Under the store lock from the question to the last byte of the answer, so that no value changes in between. */
  #answerKey(bytes: Uint8Array, start: number, length: number, reply: ReplyBuffer): void {
    this.#store.lock();
    try {
      this.#findAndWrite(bytes, start, length, reply);
    } finally {
      this.#store.unlock();
    }
  }

  #findAndWrite(bytes: Uint8Array, start: number, length: number, reply: ReplyBuffer): void {
    const store = this.#store;
    const ref = this.#touches ? store.getToTouch(bytes, start, length) : store.get(bytes, start, length);
    if (ref === 0) return;
    this.#writeItem(ref, bytes, start, length, reply);
    // Only now: an exptime that has passed deletes the item, and the client still gets its value.
    if (this.#touches) store.touchItem(ref, this.#exptimeSec);
  }

  #writeItem(ref: number, key: Uint8Array, start: number, length: number, reply: ReplyBuffer): void {
    const store = this.#store;
    const valueLength = store.valueLength(ref);
    reply.reserve(LINE_MAX_BYTES + valueLength);
    reply.write(VALUE);
    const { bytes } = reply;
    let at = reply.length;
    for (let from = start; from < start + length; from++) bytes[at++] = key[from];
    bytes[at++] = SPACE;
    reply.length = at;
    reply.writeNumber(store.flags(ref));
    bytes[reply.length++] = SPACE;
    reply.writeNumber(valueLength);
    if (this.#withUnique) {
      bytes[reply.length++] = SPACE;
      reply.writeNumber64(store.uniqueHi(ref), store.uniqueLo(ref));
    }
    at = reply.length;
    bytes[at++] = CR;
    bytes[at++] = LF;
    store.copyValue(ref, 0, valueLength, bytes, at);
    at += valueLength;
    bytes[at++] = CR;
    bytes[at++] = LF;
    reply.length = at;
  }
}

/** Whether a key in bytes[at .. end) is longer than a key may be. */
export function hasTooLongKey(bytes: Uint8Array, at: number, end: number): boolean {
  if (end - at <= KEY_MAX_BYTES) return false;
  let keyStart = at;
  for (let next = at; next < end; next++) {
    if (bytes[next] === SPACE) keyStart = next + 1;
    else if (next - keyStart >= KEY_MAX_BYTES) return true;
  }
  return false;
}
