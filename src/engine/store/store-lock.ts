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
/** How long one who gives way looks for somebody taking the lock. */
const YIELD_SPINS = 200;

/** Words of the block, a cache line apart: the lock itself, and how many wait for it. */
const LOCK = 0;
const WAITING = 16;
const BLOCK_BYTES = 128;

/** Tells the core that this is a spin, where the runtime can say so. */
const pause: () => void = (Atomics as { pause?: () => void }).pause ?? (() => {});

export class StoreLock {
  /** Whether this thread holds it. */
  isHeld = false;
  readonly #words: Int32Array;

  constructor(memory: SharedMemory) {
    this.#words = new Int32Array(memory.block('lock', BLOCK_BYTES));
  }

  /** @throws Error when this thread holds it already, or nobody has given it back for 10 s */
  lock(): void {
    if (Atomics.compareExchange(this.#words, LOCK, FREE, HELD) !== FREE) this.#wait();
    this.isHeld = true;
  }

  /** Gives it back. This thread must hold it. */
  unlock(): void {
    this.isHeld = false;
    if (Atomics.exchange(this.#words, LOCK, FREE) === AWAITED) Atomics.notify(this.#words, LOCK, 1);
  }

  /**
   * For long work under the lock: gives it to whoever waits, and takes it again. Costs one load when nobody does.
   * This thread must hold it.
   */
  yield(): void {
    if (Atomics.load(this.#words, WAITING) === 0) return;
    this.unlock();
    // To take it again at once would beat everybody who has to wake up first.
    for (let spin = 0; spin < YIELD_SPINS && Atomics.load(this.#words, LOCK) === FREE; spin++) pause();
    this.lock();
  }

  #wait(): void {
    if (this.isHeld) throw new Error('this thread holds the store lock already');
    const words = this.#words;
    Atomics.add(words, WAITING, 1);
    if (!this.#spin()) this.#sleep();
    Atomics.sub(words, WAITING, 1);
  }

  /** @returns whether it got the lock */
  #spin(): boolean {
    const words = this.#words;
    for (let spin = 0; spin < SPINS; spin++) {
      pause();
      if (Atomics.load(words, LOCK) !== FREE) continue;
      if (Atomics.compareExchange(words, LOCK, FREE, HELD) === FREE) return true;
    }
    return false;
  }

  /** The word says AWAITED while this thread holds it after that, as there may be others asleep. */
  #sleep(): void {
    const words = this.#words;
    let timeouts = 0;
    while (Atomics.exchange(words, LOCK, AWAITED) !== FREE) {
      if (Atomics.wait(words, LOCK, AWAITED, SLEEP_MS) === 'timed-out' && ++timeouts === SLEEPS_MAX) {
        throw new Error(`the store lock was not given back for ${(SLEEPS_MAX * SLEEP_MS) / 1000} s`);
      }
    }
  }
}
