// What clients were told is done, and whose word each of it is.

import { msOfVersion, versionHiOfMs, versionLoOfMs } from '../../../src/engine/store/version.js';
import type { Side } from './network.js';
import type { SimNode } from './node.js';
import type { Scheduler } from './scheduler.js';
import { NO_VERSION, type Version, versionOf } from './version.js';

/** A process that took writes. It keeps its word if it lives on, or if somebody else has what it had when it ended. */
export interface Incarnation {
  readonly side: Side;
  /** In virtual time. */
  readonly bornMs: number;
  isLost: boolean;
  /** Who has all that it had: the peer, if it stopped in good order, and the next process, if that has its memory file. */
  readonly heirs: Incarnation[];
}

export function newIncarnation(side: Side, bornMs: number): Incarnation {
  return { side, bornMs, isLost: false, heirs: [] };
}

export interface Write {
  readonly by: Incarnation;
  /** Who had it, too, when its client was told that both nodes have it. */
  backedBy: Incarnation | null;
  /** Whether its client was told that it is done. */
  isAnswered: boolean;
  readonly version: Version;
  /** In virtual time. */
  readonly atMs: number;
  /** Null: deleted. */
  readonly value: string | null;
  /** An add of a node that could not know what its peer has. */
  readonly isProvisional: boolean;
}

/** A flush_all of one node alone. */
export interface LoneFlush {
  readonly by: Incarnation;
  readonly saidMs: number;
  /** When it takes effect. */
  readonly atMs: number;
  /** Who was there as the peer when it was said, and what that had. */
  readonly peer: Incarnation;
  readonly spared: ReadonlyMap<string, Version>;
}

/** The clocks of two hosts, at most, and what a delayed flush may be late on a host that was paused. */
const MOST_APART_MS = 70_000;
/** A tick, and what a slow clock adds to the seconds of a flush for later. */
const LATE_FLUSH_MS = 200;

export class History {
  readonly flushes: Write[] = [];
  readonly loneFlushes: LoneFlush[] = [];
  /** Up to where a delayed flush may have reached. */
  readonly mayBeFlushed: Write[] = [];
  /** Keys whose presence depends on when exactly they expire. */
  readonly expiring = new Set<string>();
  readonly #scheduler: Scheduler;
  readonly #writes = new Map<string, Write[]>();

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  get keys(): Iterable<string> {
    return this.#writes.keys();
  }

  writesTo(key: string): readonly Write[] {
    return this.#writes.get(key) ?? [];
  }

  wrote(by: Incarnation, node: SimNode, key: string, value: string | null, isProvisional = false): Write {
    const write = this.#newWrite(by, versionOf(node.clock.hi, node.clock.lo), value, isProvisional);
    let writes = this.#writes.get(key);
    if (writes === undefined) {
      writes = [];
      this.#writes.set(key, writes);
    }
    writes.push(write);
    return write;
  }

  flushed(by: Incarnation, node: SimNode): Write {
    const flush = this.#newWrite(by, versionOf(node.clock.hi, node.clock.lo), null, false);
    this.flushes.push(flush);
    return flush;
  }

  /** @param delaySec from now, by the node's clock */
  flushedAlone(
    by: Incarnation,
    peer: Incarnation,
    spared: ReadonlyMap<string, Version>,
    delaySec: number,
  ): void {
    const saidMs = this.#scheduler.nowMs;
    this.loneFlushes.push({ by, saidMs, atMs: saidMs + delaySec * 1_000, peer, spared });
  }

  /** Whether a node has flushed since then, alone: whatever it had before may be gone from it. */
  hasFlushedAlone(side: Side, sinceMs: number): boolean {
    return this.loneFlushes.some(({ by, atMs }) => by.side === side && atMs + LATE_FLUSH_MS >= sinceMs);
  }

  /** @param delaySec from now, by the node's clock */
  flushesLater(by: Incarnation, node: SimNode, delaySec: number): void {
    // Whatever comes of it, what had been written by the time of the command must be gone in the end.
    this.flushed(by, node);
    // How much more it takes depends on clocks; those of the hosts may be far apart, and so may those of versions.
    const { latestHi, latestLo } = node.clock;
    const latestMs = Math.max(node.nowMs, msOfVersion(latestHi, latestLo)) + delaySec * 1_000 + MOST_APART_MS;
    const version = versionOf(versionHiOfMs(latestMs), versionLoOfMs(latestMs));
    this.mayBeFlushed.push(this.#newWrite(by, version, null, false));
  }

  /** Whether a delete or flush took a write, of whomever: a crashed node's may have reached the other one before. */
  isUndone(key: string, write: Write): boolean {
    const takes = (later: Write) => later.value === null && later.version >= write.version;
    return this.writesTo(key).some(takes) || this.flushes.some(takes) || this.mayBeFlushed.some(takes);
  }

  #newWrite(by: Incarnation, version: Version, value: string | null, isProvisional: boolean): Write {
    return {
      by,
      backedBy: null,
      isAnswered: true,
      version,
      atMs: this.#scheduler.nowMs,
      value,
      isProvisional,
    };
  }
}

/** Whether what a process had is still with a living one; if a side is given, with one of that side. */
export function livesOn(incarnation: Incarnation, side: Side | null): boolean {
  if (!incarnation.isLost) return side === null || incarnation.side === side;
  return incarnation.heirs.some((heir) => livesOn(heir, side));
}

/** Of the writes that count, the newest. */
export function newestOf(writes: readonly Write[], counts: (write: Write) => boolean): Write | undefined {
  let newest: Write | undefined;
  for (const write of writes) {
    if (write.version > (newest?.version ?? NO_VERSION) && counts(write)) newest = write;
  }
  return newest;
}
