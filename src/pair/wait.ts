// Waiting for something that only asking again can show, with a deadline and an abort signal.
import { setTimeout as sleep } from 'node:timers/promises';

export interface PollOptions {
  /** Give up after this. */
  withinMs: number;
  /** Pause between two tries. Default 5. */
  everyMs?: number;
  signal?: AbortSignal | undefined;
}

/** Asks until the answer is not undefined; undefined when the time is over. Asks at least once. */
export async function poll<T>(
  ask: () => Promise<T | undefined>,
  options: PollOptions,
): Promise<T | undefined> {
  const deadline = performance.now() + options.withinMs;
  for (;;) {
    options.signal?.throwIfAborted();
    const answer = await ask();
    if (answer !== undefined || performance.now() >= deadline) return answer;
    await pause(options.everyMs ?? 5, options.signal);
  }
}

/** @throws the signal's reason when it is aborted first. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
