// A started program, wherever it runs: what LocalHost and SshHost give to the runner.
import type { Readable, Writable } from 'node:stream';

/** How a program ended; `lost` means that nobody knows, since the connection to it broke. */
export type ProgramEnd =
  | { readonly kind: 'exit'; readonly exitCode: number }
  | { readonly kind: 'signal'; readonly signal: string }
  | { readonly kind: 'lost'; readonly cause?: unknown };

export interface Program {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves, never rejects, once the program has ended and its output has been read. */
  readonly ended: Promise<ProgramEnd>;
  /** Ends the program at once, as far as that can be done from here. */
  kill(): void;
}

/** Starts a program; each element of argv arrives as one argument. */
export type Launch = (argv: readonly string[]) => Promise<Program>;
