// The time of a node: Unix ms that never goes back and does not jump when the host's clock is set.

/** What all threads of the node count from: Unix ms at the monotonic clock's zero, as it was when the node started. */
export function nodeEpochMs(): number {
  return Date.now() - monotonicMs();
}

/** @returns the clock of this thread: the node's epoch plus the monotonic time since; whole ms */
export function nodeClock(epochMs: number): () => number {
  // performance.now() is the cheaper one to read, but each thread's counts from a zero of its own.
  const zeroMs = epochMs + monotonicMs() - performance.now();
  return () => Math.floor(zeroMs + performance.now());
}

function monotonicMs(): number {
  const [sec, nanosec] = process.hrtime();
  return sec * 1000 + nanosec / 1_000_000;
}
