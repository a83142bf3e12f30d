// How work on a pair tells what it is doing; the CLI shows it as a task list, as plain lines, or not at all.
import type { NodeName } from './types.js';

/** Replaces what stands beside a step's title; the last one stays when the step is done. */
export type Say = (detail: string) => void;

export interface Progress {
  step<T>(title: string, run: (say: Say) => Promise<T>): Promise<T>;
  /** The same on both nodes at once. Both run to their end, also when one fails; see `onBoth` for the error. */
  both<T>(title: string, run: (name: NodeName, say: Say) => Promise<T>): Promise<Record<NodeName, T>>;
}
