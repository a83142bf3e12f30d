// Connections and traffic of the whole process: each thread counts in a row of its own, whoever asks adds them up.
import type { SharedMemory } from '../store/shared-memory.js';

const TOTAL_CONNECTIONS = 0;
const REJECTED_CONNECTIONS = 1;
const BYTES_READ = 2;
const BYTES_WRITTEN = 3;
const IDLE_KICKS = 4;
const YIELDS = 5;
const TLS_HANDSHAKE_ERRORS = 6;
const TLS_RECORD_ERRORS = 7;
/** How often no connection was accepted for want of files, and for how long in all. */
const LISTEN_DISABLED = 8;
const LISTEN_DISABLED_US = 9;
const FIELDS = 10;
/** Of the node's row alone: Unix ms since when it is so; 0 while connections are accepted. */
const LISTEN_DISABLED_SINCE_MS = 10;
const USEC_PER_MS = 1_000;
/** Two cache lines a row, so that no thread's counting slows down another's. */
const ROW_LENGTH = 16;

/** Words that all threads change. */
const OPEN_CONNECTIONS = 0;
const VERBOSITY = 1;
const WORDS = 2;

/** A thread's own row. */
export class ThreadCounters {
  readonly #row: Float64Array;
  readonly #words: Int32Array;

  constructor(row: Float64Array, words: Int32Array) {
    this.#row = row;
    this.#words = words;
  }

  /** Counts a new connection. @returns false when there are so many already, in all threads; it is rejected then */
  connect(maxConnections: number): boolean {
    if (Atomics.add(this.#words, OPEN_CONNECTIONS, 1) >= maxConnections) {
      Atomics.sub(this.#words, OPEN_CONNECTIONS, 1);
      this.#row[REJECTED_CONNECTIONS] += 1;
      return false;
    }
    this.#row[TOTAL_CONNECTIONS] += 1;
    return true;
  }

  /** Counts the end of a connection that `connect` let in. */
  disconnect(): void {
    Atomics.sub(this.#words, OPEN_CONNECTIONS, 1);
  }

  get bytesRead(): number {
    return this.#row[BYTES_READ];
  }

  set bytesRead(bytes: number) {
    this.#row[BYTES_READ] = bytes;
  }

  get bytesWritten(): number {
    return this.#row[BYTES_WRITTEN];
  }

  set bytesWritten(bytes: number) {
    this.#row[BYTES_WRITTEN] = bytes;
  }

  get idleKicks(): number {
    return this.#row[IDLE_KICKS];
  }

  set idleKicks(count: number) {
    this.#row[IDLE_KICKS] = count;
  }

  get yields(): number {
    return this.#row[YIELDS];
  }

  set yields(count: number) {
    this.#row[YIELDS] = count;
  }

  /** A client's TLS failed: in the handshake, or by what it sent later. */
  countTlsError(wasSecured: boolean): void {
    this.#row[wasSecured ? TLS_RECORD_ERRORS : TLS_HANDSHAKE_ERRORS] += 1;
  }
}

export class ProcessCounters {
  /** Row 0 holds what the sums were at the last reset: no thread writes another's row. The last is the node's own. */
  readonly #rows: Float64Array;
  readonly #nodeRow: Float64Array;
  readonly #words: Int32Array;

  constructor(memory: SharedMemory, threads: number) {
    this.#rows = memory.doubles('process.rows', (threads + 2) * ROW_LENGTH);
    this.#nodeRow = this.#rows.subarray((threads + 1) * ROW_LENGTH);
    this.#words = new Int32Array(memory.block('process.words', WORDS * Int32Array.BYTES_PER_ELEMENT));
  }

  /** @param thread from 0 */
  ofThread(thread: number): ThreadCounters {
    const start = (thread + 1) * ROW_LENGTH;
    return new ThreadCounters(this.#rows.subarray(start, start + ROW_LENGTH), this.#words);
  }

  get openConnections(): number {
    return Atomics.load(this.#words, OPEN_CONNECTIONS);
  }

  get totalConnections(): number {
    return this.#sinceReset(TOTAL_CONNECTIONS);
  }

  get rejectedConnections(): number {
    return this.#sinceReset(REJECTED_CONNECTIONS);
  }

  get bytesRead(): number {
    return this.#sinceReset(BYTES_READ);
  }

  get bytesWritten(): number {
    return this.#sinceReset(BYTES_WRITTEN);
  }

  get idleKicks(): number {
    return this.#sinceReset(IDLE_KICKS);
  }

  get yields(): number {
    return this.#sinceReset(YIELDS);
  }

  get tlsHandshakeErrors(): number {
    return this.#sinceReset(TLS_HANDSHAKE_ERRORS);
  }

  get tlsRecordErrors(): number {
    return this.#sinceReset(TLS_RECORD_ERRORS);
  }

  /** No connection is accepted from here on. To be called by the main thread only, as the next. */
  noteListenDisabled(nowMs: number): void {
    this.#nodeRow[LISTEN_DISABLED] += 1;
    this.#nodeRow[LISTEN_DISABLED_SINCE_MS] = nowMs;
  }

  /** Connections are accepted again. */
  noteListenEnabled(nowMs: number): void {
    this.#nodeRow[LISTEN_DISABLED_US] += this.#presentlyDisabledUs(nowMs);
    this.#nodeRow[LISTEN_DISABLED_SINCE_MS] = 0;
  }

  get isListenDisabled(): boolean {
    return this.#nodeRow[LISTEN_DISABLED_SINCE_MS] > 0;
  }

  get listenDisabledCount(): number {
    return this.#sinceReset(LISTEN_DISABLED);
  }

  /** In all, with the present time. @param nowMs Unix ms */
  listenDisabledUs(nowMs: number): number {
    return Math.max(0, this.#sinceReset(LISTEN_DISABLED_US) + this.#presentlyDisabledUs(nowMs));
  }

  /** `stats reset`: counts from here on; open connections stay. @param nowMs Unix ms */
  reset(nowMs: number): void {
    for (let field = 0; field < FIELDS; field++) this.#rows[field] = this.#sum(field);
    this.#rows[LISTEN_DISABLED_US] += this.#presentlyDisabledUs(nowMs);
  }

  /** Zero logs what an operator must know; one and more also logs connections. */
  get verbosity(): number {
    return Atomics.load(this.#words, VERBOSITY);
  }

  set verbosity(level: number) {
    Atomics.store(this.#words, VERBOSITY, level);
  }

  #presentlyDisabledUs(nowMs: number): number {
    const sinceMs = this.#nodeRow[LISTEN_DISABLED_SINCE_MS];
    return sinceMs === 0 ? 0 : Math.max(0, nowMs - sinceMs) * USEC_PER_MS;
  }

  #sinceReset(field: number): number {
    return this.#sum(field) - this.#rows[field];
  }

  #sum(field: number): number {
    let sum = 0;
    for (let at = ROW_LENGTH + field; at < this.#rows.length; at += ROW_LENGTH) sum += this.#rows[at];
    return sum;
  }
}
