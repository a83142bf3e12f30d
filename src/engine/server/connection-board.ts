// The connections of all threads, for whoever asks with `stats conns`: each thread writes what it has about its own.

import type { SharedMemory } from '../store/shared-memory.js';

const SLOT_BYTES = 64;
const ADDRESS_BYTES_MAX = 48;
/** Where the parts of a slot lie: i32 state, u8 length of the address, f64 time of the last request, the address. */
const ADDRESS_LENGTH_AT = 4;
const SERVED_AT = 8;
const ADDRESS_AT = 16;

const FREE = 0;
/** Its thread is still writing. */
const TAKEN = 1;
/** As memcached calls what they do: waits for requests; has replies to send; is shown events. */
const STATES = ['', '', 'conn_read', 'conn_mwrite', 'conn_watch'] as const;

export const CONNECTION_READS = 2;
export const CONNECTION_WRITES = 3;
export const CONNECTION_WATCHES = 4;
export type ConnectionState = typeof CONNECTION_READS | typeof CONNECTION_WRITES | typeof CONNECTION_WATCHES;

export interface SeatedConnection {
  /** Its slot. */
  readonly number: number;
  readonly address: string;
  readonly state: string;
  readonly servedMs: number;
}

/** Not on the board, because it is full: such a connection is served all the same. */
const NO_SEAT = -1;

export class ConnectionBoard {
  readonly #states: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #times: Float64Array;
  readonly #slots: number;
  /** Of this thread: where it looks for a free slot first. */
  #next = 0;

  /** @param slots how many connections there may be */
  constructor(memory: SharedMemory, slots: number) {
    const block = memory.block('connections', slots * SLOT_BYTES);
    this.#states = new Int32Array(block);
    this.#bytes = new Uint8Array(block);
    this.#times = new Float64Array(block);
    this.#slots = slots;
  }

  /** @param address cut off after 48 bytes. @returns the slot, for the other methods */
  enter(address: string, nowMs: number): number {
    for (let tried = 0; tried < this.#slots; tried++) {
      const slot = this.#next;
      this.#next = slot + 1 === this.#slots ? 0 : slot + 1;
      const state = (slot * SLOT_BYTES) >>> 2;
      if (Atomics.load(this.#states, state) !== FREE) continue;
      if (Atomics.compareExchange(this.#states, state, FREE, TAKEN) !== FREE) continue;
      const at = slot * SLOT_BYTES;
      const length = Math.min(address.length, ADDRESS_BYTES_MAX);
      for (let i = 0; i < length; i++) this.#bytes[at + ADDRESS_AT + i] = address.charCodeAt(i);
      this.#bytes[at + ADDRESS_LENGTH_AT] = length;
      this.note(slot, CONNECTION_READS, nowMs);
      return slot;
    }
    return NO_SEAT;
  }

  note(slot: number, state: ConnectionState, servedMs: number): void {
    if (slot === NO_SEAT) return;
    const at = slot * SLOT_BYTES;
    this.#times[(at + SERVED_AT) >>> 3] = servedMs;
    Atomics.store(this.#states, at >>> 2, state);
  }

  leave(slot: number): void {
    if (slot !== NO_SEAT) Atomics.store(this.#states, (slot * SLOT_BYTES) >>> 2, FREE);
  }

  *list(): Iterable<SeatedConnection> {
    for (let slot = 0; slot < this.#slots; slot++) {
      const at = slot * SLOT_BYTES;
      const state = STATES[Atomics.load(this.#states, at >>> 2)];
      if (state === '') continue;
      const start = at + ADDRESS_AT;
      const address = this.#bytes.subarray(start, start + this.#bytes[at + ADDRESS_LENGTH_AT]);
      yield {
        number: slot,
        address: String.fromCharCode(...address),
        state,
        servedMs: this.#times[(at + SERVED_AT) >>> 3],
      };
    }
  }
}
