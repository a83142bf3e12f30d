// Telling one of ours by the first it says: nobody else says anything before it was copied to.

import type { LegacyDecoder, LegacySink } from './legacy-decoder.js';

/** Whether all that came in is greeting. */
export function isGreeting(decoder: LegacyDecoder, bytes: Uint8Array): boolean {
  const sink = new GreetingSink();
  return decoder.feed(bytes, sink) === null && sink.heardOnlyGreeting;
}

class GreetingSink implements LegacySink {
  heardOnlyGreeting = true;
  item = (): void => this.#fail();
  largeItem = (): void => this.#fail();
  delete = (): void => this.#fail();
  flush = (): void => this.#fail();
  copyEnd = (): void => this.#fail();
  nudge(): void {}

  #fail(): void {
    this.heardOnlyGreeting = false;
  }
}
