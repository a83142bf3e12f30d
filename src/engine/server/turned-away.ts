// A connection above -c: it is told so and closed. Clients that then stay are dropped, as each holds an open file, and
// a node that runs out of those can't even refuse any more.
import type { Stream } from './net.js';

const TOO_MANY_CONNECTIONS = Buffer.from('ERROR Too many open connections\r\n');

export class TurnedAway {
  /** More than these in all threads are dropped at once; limits.ts keeps as many files in reserve and more. */
  static readonly mostAtATime = 32;

  readonly #stream: Stream;
  #wasSeen = false;

  constructor(stream: Stream) {
    this.#stream = stream;
    stream.write(TOO_MANY_CONNECTIONS, 0, TOO_MANY_CONNECTIONS.length);
    stream.end();
  }

  /** Asked once a second: true from the second time on. */
  isOverdue(): boolean {
    const wasSeen = this.#wasSeen;
    this.#wasSeen = true;
    return wasSeen;
  }

  abort(): void {
    this.#stream.terminate();
  }

  /** What it still asks for is not read. */
  receive(_bytes: Uint8Array): void {}

  drained(): void {}

  finish(): void {}
}
