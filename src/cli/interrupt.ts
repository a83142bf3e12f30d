// SIGINT (Ctrl-C), SIGTERM and SIGHUP: the first asks the command to stop where it can do so cleanly, the second
// ends it at once. A command that must put something back (failover-drill) does so between the two.
import { EXIT, OperatorError } from '../errors.js';

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

export interface Interrupt {
  /** Aborted at the first signal; its reason is an OperatorError `INTERRUPTED` (exit interrupted). */
  readonly signal: AbortSignal;
  /** Gives the signals back to their default meaning. */
  release(): void;
}

/** @param say Told once, at the first signal, what is happening. */
export function watchForInterrupt(say: (message: string) => void): Interrupt {
  const controller = new AbortController();
  const onSignal = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    say(`${name}: stopping after the current step (once more: at once)`);
    controller.abort(
      new OperatorError(`interrupted by ${name}`, {
        code: 'INTERRUPTED',
        exit: 'interrupted',
        suggestions: ['run the same command again: it takes up where this one stopped'],
      }),
    );
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  return {
    signal: controller.signal,
    release: () => {
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}
