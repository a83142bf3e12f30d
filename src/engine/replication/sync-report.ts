// What syncs moved, for the log line at their end and for the statistics.

import type { SyncKind } from './have.js';

/** One direction of a sync. */
export interface SyncHalf {
  readonly kind: SyncKind;
  readonly keys: number;
  readonly bytes: number;
}

type Counts = Record<SyncKind, number>;

export class SyncReport {
  readonly sentCounts: Counts = { partial: 0, digest: 0, full: 0 };
  readonly receivedCounts: Counts = { partial: 0, digest: 0, full: 0 };
  /** Of the last report: of its two kinds the one that had more to do, and what both moved. */
  lastKind: SyncKind | 'none' = 'none';
  lastKeys = 0;
  lastBytes = 0;
  lastMs = 0;
  #sinceMs: number | null = null;
  #sent: SyncHalf | null = null;
  #received: SyncHalf | null = null;

  /** Something is to be brought into line; also when it is under way already. */
  begin(nowMs: number): void {
    this.#sinceMs ??= nowMs;
  }

  /** The link is gone. */
  abandon(): void {
    this.#sinceMs = null;
    this.#sent = null;
    this.#received = null;
  }

  sent(half: SyncHalf): void {
    this.sentCounts[half.kind] += 1;
    this.#sent = half;
  }

  received(half: SyncHalf): void {
    this.receivedCounts[half.kind] += 1;
    this.#received = half;
  }

  /** All that was under way is done: the line to say; null if nothing was. */
  end(nowMs: number): string | null {
    if (this.#sinceMs === null) return null;
    const halves = [this.#sent, this.#received].filter((half) => half !== null);
    this.lastMs = nowMs - this.#sinceMs;
    this.lastKind = halves.reduce<SyncKind>((most, { kind }) => heavier(most, kind), 'partial');
    this.lastKeys = halves.reduce((sum, { keys }) => sum + keys, 0);
    this.lastBytes = halves.reduce((sum, { bytes }) => sum + bytes, 0);
    const parts = [describe('sent', this.#sent), describe('received', this.#received)];
    this.abandon();
    return `sync done (${parts.filter((part) => part !== null).join('; ')}; ${Math.round(this.lastMs)} ms)`;
  }
}

function describe(verb: 'sent' | 'received', half: SyncHalf | null): string | null {
  return half === null ? null : `${half.kind}: ${verb} ${half.keys} keys, ${half.bytes} bytes`;
}

function heavier(one: SyncKind, other: SyncKind): SyncKind {
  const weights: Counts = { partial: 0, digest: 1, full: 2 };
  return weights[other] > weights[one] ? other : one;
}
