// How the engine ends: the exit statuses of sysexits.h that it uses, and the error that carries one.

/** Exit statuses; memcached also uses 64 for a command line and 71 for a socket that it can't have. */
export const EXIT = { ok: 0, usage: 64, software: 70, osError: 71 } as const;

/** A reason not to start (or not to go on): one line for the operator that names the remedy. */
export class FatalError extends Error {
  readonly exitStatus: number;

  constructor(message: string, exitStatus: number = EXIT.usage) {
    super(message);
    this.name = 'FatalError';
    this.exitStatus = exitStatus;
  }
}
