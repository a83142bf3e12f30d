// Writes down what a decoder hands on.
import { LegacyDecoder, type LegacySink } from '../../../../src/engine/replication/legacy/legacy-decoder.js';

export interface HeardItem {
  readonly kind: 'item';
  readonly key: string;
  readonly flags: number;
  readonly exptimeSec: number;
  readonly value: string;
}

export type Heard =
  | HeardItem
  | { readonly kind: 'largeItem' | 'delete'; readonly key: string }
  | { readonly kind: 'flush'; readonly atSec: number }
  | { readonly kind: 'copyEnd' | 'nudge' };

export class Hearing implements LegacySink {
  readonly heard: Heard[] = [];

  item(
    bytes: Uint8Array,
    keyStart: number,
    keyLength: number,
    valueStart: number,
    valueLength: number,
    flags: number,
    exptimeSec: number,
  ): void {
    const key = text(bytes, keyStart, keyLength);
    this.heard.push({ kind: 'item', key, flags, exptimeSec, value: text(bytes, valueStart, valueLength) });
  }

  largeItem(bytes: Uint8Array, keyStart: number, keyLength: number): void {
    this.heard.push({ kind: 'largeItem', key: text(bytes, keyStart, keyLength) });
  }

  delete(bytes: Uint8Array, keyStart: number, keyLength: number): void {
    this.heard.push({ kind: 'delete', key: text(bytes, keyStart, keyLength) });
  }

  flush(atSec: number): void {
    this.heard.push({ kind: 'flush', atSec });
  }

  copyEnd(): void {
    this.heard.push({ kind: 'copyEnd' });
  }

  nudge(): void {
    this.heard.push({ kind: 'nudge' });
  }
}

/** What the bytes mean, and why the link would be closed, if it would. */
export function decode(pieces: Iterable<Uint8Array>, maxValueBytes = 1_048_576): [Heard[], string | null] {
  const hearing = new Hearing();
  const decoder = new LegacyDecoder(maxValueBytes);
  for (const piece of pieces) {
    const fault = decoder.feed(piece, hearing);
    if (fault !== null) return [hearing.heard, fault];
  }
  return [hearing.heard, null];
}

function text(bytes: Uint8Array, start: number, length: number): string {
  return Buffer.from(bytes.subarray(start, start + length)).toString('latin1');
}
