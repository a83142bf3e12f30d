// What must hold of two nodes after everything that was done to them, once the network is whole and all is quiet.

import { EPOCH_MS, type HeldItem, type SimNode, versionText } from './node.js';

/** A process that took writes. It keeps its word if it lives on, or handed everything over before it stopped. */
export interface Incarnation {
  readonly side: 0 | 1;
  isLost: boolean;
  /** Where its writes are safe, if it stopped in good order. */
  handedTo: Incarnation | null;
}

/** A write that a client was told is done. */
export interface Acknowledged {
  readonly by: Incarnation;
  readonly version: string;
  /** Null: deleted. */
  readonly value: string | null;
}

const NO_VERSION = '';
/** Expiry is corrected by the clock offset only above 1.5 s, and rounded to 1 s. */
const EXPTIME_TOLERANCE_SEC = 2.6;

export class Oracle {
  readonly #writes = new Map<string, Acknowledged[]>();
  readonly #flushes: Acknowledged[] = [];
  /** What may flush later, or may not, if another flush_all comes first. */
  readonly #delayedFlushes: Acknowledged[] = [];
  /** Keys whose presence depends on when exactly they expire. */
  readonly #expiring = new Set<string>();

  wrote(by: Incarnation, node: SimNode, key: string, value: string | null): void {
    const version = versionText(node.clock.hi, node.clock.lo);
    let writes = this.#writes.get(key);
    if (writes === undefined) {
      writes = [];
      this.#writes.set(key, writes);
    }
    writes.push({ by, version, value });
  }

  flushed(by: Incarnation, node: SimNode): void {
    const { floorHi, floorLo } = node.store.flushState();
    this.#flushes.push({ by, version: versionText(floorHi, floorLo), value: null });
  }

  flushesLater(by: Incarnation, node: SimNode): void {
    const { pendingHi, pendingLo } = node.store.flushState();
    this.#delayedFlushes.push({ by, version: versionText(pendingHi, pendingLo), value: null });
  }

  expires(key: string): void {
    this.#expiring.add(key);
  }

  /**
   * @param mayEvict whether a or b is too small for all it is given
   * @returns one line for each violation
   */
  judge(a: SimNode, b: SimNode, mayEvict: readonly [boolean, boolean]): string[] {
    const problems: string[] = [];
    for (const node of [a, b]) {
      const name = node.side === 0 ? 'a' : 'b';
      const { repl_state, repl_tombstones, repl_unacked } = node.machine.stats(node.nowMs);
      if (repl_state !== 'synced') problems.push(`${name} is ${repl_state}, not synced`);
      if (!node.isServing) problems.push(`${name} does not serve`);
      if (repl_tombstones !== 0) problems.push(`${name} keeps ${repl_tombstones} tombstones`);
      if (repl_unacked !== 0) problems.push(`${name} has ${repl_unacked} changes unacknowledged`);
    }
    const onA = a.contents();
    const onB = b.contents();
    const anyEvicts = mayEvict[0] || mayEvict[1];
    for (const key of new Set([...onA.keys(), ...onB.keys(), ...this.#writes.keys()])) {
      const itemA = onA.get(key);
      const itemB = onB.get(key);
      // What was evicted before it had travelled can leave an older version on one side: a cache forgets.
      const difference = anyEvicts ? null : describeDifference(itemA, itemB, a, b);
      if (difference !== null) problems.push(`${key} differs: ${difference}`);
      for (const [item, side] of [
        [itemA, 0],
        [itemB, 1],
      ] as const) {
        // A node with room keeps at least what its own clients wrote, however small the other one is.
        const isTheirs = anyEvicts ? (write: Acknowledged) => write.by.side === side : () => true;
        const problem = this.#describeHeld(key, item, mayEvict[side], isTheirs);
        if (problem !== null) problems.push(`${key} on ${side === 0 ? 'a' : 'b'}: ${problem}`);
      }
    }
    return problems;
  }

  /** What is held must be what somebody wrote, and nothing older than what a surviving node acknowledged. */
  #describeHeld(
    key: string,
    held: HeldItem | undefined,
    mayEvict: boolean,
    counts: (write: Acknowledged) => boolean,
  ): string | null {
    const writes = this.#writes.get(key) ?? [];
    const newest = mayEvict ? undefined : newestKept(writes.filter(counts));
    const floor = newestKept(this.#flushes);
    if (held === undefined) {
      if (this.#expiring.has(key)) return null;
      if (newest === undefined || newest.value === null) return null;
      // A crashed node's delete or flush may have reached the other one before the crash.
      const isUndone = [...writes, ...this.#flushes, ...this.#delayedFlushes].some(
        (later) => later.value === null && later.version >= newest.version,
      );
      return isUndone ? null : `lost, although ${newest.version} was acknowledged`;
    }
    const origin = writes.find((write) => write.version === held.version);
    if (origin === undefined) return `holds version ${held.version}, which nobody wrote`;
    if (origin.value !== held.value)
      return `holds ${held.value} as ${held.version}, which was ${origin.value}`;
    if (newest !== undefined && held.version < newest.version && !this.#expiring.has(key)) {
      const what = newest.value === null ? 'deleted' : 'written';
      return `holds ${held.version}, although ${newest.version} was ${what} later`;
    }
    if (floor !== undefined && held.version <= floor.version) {
      return `holds ${held.version}, although everything up to ${floor.version} was flushed`;
    }
    return null;
  }
}

function describeDifference(
  a: HeldItem | undefined,
  b: HeldItem | undefined,
  nodeA: SimNode,
  nodeB: SimNode,
): string | null {
  if (a === undefined && b === undefined) return null;
  if (a === undefined || b === undefined) {
    return `only ${a === undefined ? 'b' : 'a'} holds it: ${JSON.stringify(a ?? b)}`;
  }
  if (a.version !== b.version) return `version ${a.version} and ${b.version}`;
  if (a.value !== b.value) return `value ${a.value} and ${b.value}`;
  if (a.flags !== b.flags) return `flags ${a.flags} and ${b.flags}`;
  const offsetSec = (nodeB.nowMs - nodeA.nowMs) / 1_000;
  const apartSec = a.exptimeSec === 0 || b.exptimeSec === 0 ? 0 : b.exptimeSec - a.exptimeSec - offsetSec;
  if ((a.exptimeSec === 0) !== (b.exptimeSec === 0) || Math.abs(apartSec) > EXPTIME_TOLERANCE_SEC) {
    const base = EPOCH_MS / 1_000;
    return `expiry ${a.exptimeSec - base} and ${b.exptimeSec - base}, clocks ${offsetSec} s apart`;
  }
  return null;
}

/** The newest write by a process that keeps its word. */
function newestKept(writes: readonly Acknowledged[]): Acknowledged | undefined {
  let newest: Acknowledged | undefined;
  for (const write of writes) {
    if (isKept(write.by) && write.version > (newest?.version ?? NO_VERSION)) newest = write;
  }
  return newest;
}

function isKept(incarnation: Incarnation): boolean {
  if (!incarnation.isLost) return true;
  return incarnation.handedTo !== null && isKept(incarnation.handedTo);
}
