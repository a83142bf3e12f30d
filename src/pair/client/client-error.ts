// The ways in which talking to a memcached server fails, told apart by `kind`.

/**
 * refused: no connection could be opened. closed: it ended under us. timedOut: no answer in time.
 * answered: the server said ERROR, CLIENT_ERROR or SERVER_ERROR; the connection goes on.
 * garbled: what came is no memcached reply. busy: too many commands wait already.
 */
export type ClientErrorKind = 'refused' | 'closed' | 'timedOut' | 'answered' | 'garbled' | 'busy';

export class ClientError extends Error {
  readonly kind: ClientErrorKind;

  constructor(kind: ClientErrorKind, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'ClientError';
    this.kind = kind;
  }
}

/** The message of whatever was thrown, in one line. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message || error.name : String(error);
  return message.split('\n')[0];
}
