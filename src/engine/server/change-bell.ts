// Wakes the thread that replicates when another one has written: at most one wake-up for each time it went to sleep.
import type { RingChangeLog } from '../replication/change-log.js';
import type { SharedMemory } from '../store/shared-memory.js';

const AWAKE = 0;
const ASLEEP = 1;

/**
 * The thread that replicates hangs up the bell (`await`) when it has told the peer everything. A thread that serves
 * clients looks at it after each batch of requests, which costs a load or two, and rings if the log has grown. While
 * the link is busy nobody rings: what was written meanwhile goes out with the next send.
 */
export class ChangeBell {
  readonly #word: Int32Array;
  readonly #log: RingChangeLog;
  /** Of this thread: what the log held when it last looked. */
  #seenSeq = 0;

  constructor(memory: SharedMemory, log: RingChangeLog) {
    this.#word = new Int32Array(memory.block('change-bell', Int32Array.BYTES_PER_ELEMENT));
    this.#log = log;
  }

  /** Call after each batch of client input. */
  ring(): void {
    const { headSeq } = this.#log;
    if (headSeq === this.#seenSeq) return;
    this.#seenSeq = headSeq;
    if (Atomics.load(this.#word, 0) !== ASLEEP) return;
    if (Atomics.compareExchange(this.#word, 0, ASLEEP, AWAKE) === ASLEEP) Atomics.notify(this.#word, 0, 1);
  }

  /** Resolves at the next ring. What was written just before it is called may ring or not: look at the log after it. */
  await(): Promise<unknown> {
    Atomics.store(this.#word, 0, ASLEEP);
    const wait = Atomics.waitAsync(this.#word, 0, ASLEEP);
    return wait.async ? wait.value : Promise.resolve();
  }
}
