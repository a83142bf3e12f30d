// The lock over the store: one word of shared memory, taken for each command and given back once its reply is written.
//
// It is held for a fraction of a microsecond, so a waiting thread spins first and sleeps in the kernel (a futex) only
// when that was in vain. It is never held while a socket is waited for, and is not reentrant. Whoever takes it gives
// it back in `finally`. A thread can therefore not die and keep it: an exception passes the `finally`, anything worse
// takes the whole process with it, and a worker that ends is the end of the process (server/threads.ts). Should it be
// stuck all the same, waiting for it throws, which ends the process too: better a restart than a node that hangs.
import type { SharedMemory } from './shared-memory.js';

const FREE = 0;
const HELD = 1;
/** Held, and somebody sleeps (or did: it is woken once too often rather than never). */
const AWAITED = 2;

/** About 10 us: several times what a command takes, and about what going to sleep and waking up costs. */
const SPINS = 100;
/** A process that was frozen may find one sleep over at once; it cannot find them all over. */
const SLEEP_MS = 500;
const SLEEPS_MAX = 20;

/** Tells the core that this is a spin, where the runtime can say so. */
const pause: () => void = (Atomics as { pause?: () => void }).pause ?? (() => {});

export class StoreLock {
  /** Whether this thread holds it. */
  isHeld = false;
  readonly #word: Int32Array;

  constructor(memory: SharedMemory) {
    // A cache line of its own, so that who waits for it does not slow down who holds it.
    this.#word = new Int32Array(memory.block('lock', 128));
  }

  /** @throws Error when this thread holds it already, or nobody has given it back for 10 s */
  lock(): void {
    if (Atomics.compareExchange(this.#word, 0, FREE, HELD) !== FREE) this.#wait();
    this.isHeld = true;
  }

  /** Gives it back. This thread must hold it. */
  unlock(): void {
    this.isHeld = false;
    if (Atomics.exchange(this.#word, 0, FREE) === AWAITED) Atomics.notify(this.#word, 0, 1);
  }

  #wait(): void {
    if (this.isHeld) throw new Error('this thread holds the store lock already');
    const word = this.#word;
    for (let spin = 0; spin < SPINS; spin++) {
      pause();
      if (Atomics.load(word, 0) === FREE && Atomics.compareExchange(word, 0, FREE, HELD) === FREE) return;
    }
    // From here on the word says AWAITED while we hold it, as there may be others asleep.
    let sleeps = 0;
    while (Atomics.exchange(word, 0, AWAITED) !== FREE) {
      if (Atomics.wait(word, 0, AWAITED, SLEEP_MS) === 'timed-out' && ++sleeps === SLEEPS_MAX) {
        throw new Error(`the store lock was not given back for ${(SLEEPS_MAX * SLEEP_MS) / 1000} s`);
      }
    }
  }
}
