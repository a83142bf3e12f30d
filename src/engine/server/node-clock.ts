// The time of a node: Unix ms that never goes back and does not jump when the host's clock is set.

/**
 * The clock of this thread. Call once, as the thread starts: nothing but the host's clock is common to the threads, as
 * in Bun both performance.now() and process.hrtime() count from the start of the thread that asks. Whole ms.
 */
export function nodeClock(): () => number {
  const zeroMs = Date.now() - performance.now();
  return () => Math.floor(zeroMs + performance.now());
}
