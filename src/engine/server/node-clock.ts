// The time of a node: Unix ms that never goes back and does not jump when the host's clock is set.

const START_MS = Date.now() - performance.now();

/** @returns the wall clock as it was when the process started, plus the monotonic time since; whole ms */
export function nodeNowMs(): number {
  return Math.floor(START_MS + performance.now());
}
