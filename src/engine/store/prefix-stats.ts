// `stats detail`: gets, hits, sets and deletes by the part of the key before the first colon. Off unless asked for.
//
// A table of bounded size in shared memory, changed under the lock: prefixes beyond it are not counted.
import { hashKey } from './hash.js';
import type { SharedMemory } from './shared-memory.js';

const DELIMITER = 0x3a;
const PREFIXES_MAX = 512;
const PREFIX_MAX_BYTES = 63;
/** A length, then the prefix. */
const NAME_BYTES = PREFIX_MAX_BYTES + 1;

const GETS = 0;
const HITS = 1;
const SETS = 2;
const DELETES = 3;
const FIELDS = 4;

export interface PrefixCounts {
  readonly prefix: string;
  readonly gets: number;
  readonly hits: number;
  readonly sets: number;
  readonly deletes: number;
}

export class PrefixStats {
  readonly #switch: Uint32Array;
  readonly #names: Uint8Array;
  readonly #counts: Float64Array;

  constructor(memory: SharedMemory) {
    this.#switch = memory.words('prefix.switch', 1);
    this.#names = new Uint8Array(memory.block('prefix.names', PREFIXES_MAX * NAME_BYTES));
    this.#counts = memory.doubles('prefix.counts', PREFIXES_MAX * FIELDS);
  }

  get isEnabled(): boolean {
    return this.#switch[0] !== 0;
  }

  set isEnabled(isEnabled: boolean) {
    this.#switch[0] = isEnabled ? 1 : 0;
  }

  countGet(key: Uint8Array, start: number, length: number, isHit: boolean): void {
    this.#count(key, start, length, GETS);
    if (isHit) this.#count(key, start, length, HITS);
  }

  countSet(key: Uint8Array, start: number, length: number): void {
    this.#count(key, start, length, SETS);
  }

  countDelete(key: Uint8Array, start: number, length: number): void {
    this.#count(key, start, length, DELETES);
  }

  *entries(): Iterable<PrefixCounts> {
    for (let entry = 0; entry < PREFIXES_MAX; entry++) {
      const nameAt = entry * NAME_BYTES;
      const length = this.#names[nameAt];
      if (length === 0) continue;
      const prefix = Buffer.from(this.#names.slice(nameAt + 1, nameAt + 1 + length)).toString('latin1');
      const [gets, hits, sets, deletes] = this.#counts.slice(entry * FIELDS, (entry + 1) * FIELDS);
      yield { prefix, gets, hits, sets, deletes };
    }
  }

  /** `stats reset`. */
  reset(): void {
    this.#names.fill(0);
    this.#counts.fill(0);
  }

  #count(key: Uint8Array, start: number, length: number, field: number): void {
    const delimiter = key.subarray(start, start + length).indexOf(DELIMITER);
    if (delimiter < 1 || delimiter > PREFIX_MAX_BYTES) return;
    const entry = this.#entryOf(key, start, delimiter);
    if (entry >= 0) this.#counts[entry * FIELDS + field]++;
  }

  /** The entry of a prefix, a new one if need be; -1 when the table is full. */
  #entryOf(key: Uint8Array, start: number, length: number): number {
    const first = hashKey(key, start, length, 0) % PREFIXES_MAX;
    for (let tried = 0; tried < PREFIXES_MAX; tried++) {
      const entry = (first + tried) % PREFIXES_MAX;
      const nameAt = entry * NAME_BYTES;
      if (this.#names[nameAt] === 0) {
        this.#names[nameAt] = length;
        this.#names.set(key.subarray(start, start + length), nameAt + 1);
        return entry;
      }
      if (this.#names[nameAt] === length && this.#isName(nameAt + 1, key, start, length)) return entry;
    }
    return -1;
  }

  #isName(nameAt: number, key: Uint8Array, start: number, length: number): boolean {
    for (let at = 0; at < length; at++) {
      if (this.#names[nameAt + at] !== key[start + at]) return false;
    }
    return true;
  }
}
