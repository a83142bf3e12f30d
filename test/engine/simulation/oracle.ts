// What must hold of two nodes after everything that was done to them, once the network is whole and all is quiet.

import { msOfVersion, versionHiOfMs, versionLoOfMs } from '../../../src/engine/store/version.js';
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
  /** An add of a node that could not know what its peer has. */
  readonly isProvisional: boolean;
}

const NO_VERSION = '';
/** Expiry is corrected by the clock offset only above 1.5 s, and rounded to 1 s. */
const EXPTIME_TOLERANCE_SEC = 2.6;
/** The clocks of two hosts, at most, and what a delayed flush may be late on a host that was paused. */
const MOST_APART_MS = 70_000;

export class Oracle {
  readonly #writes = new Map<string, Acknowledged[]>();
  readonly #flushes: Acknowledged[] = [];
  /** Up to where a delayed flush may have reached. */
  readonly #mayBeFlushed: Acknowledged[] = [];
  /** Keys whose presence depends on when exactly they expire. */
  readonly #expiring = new Set<string>();
  readonly #localPrefix: string;

  /** @param localPrefix what the keys begin with that stay on a node */
  constructor(localPrefix: string) {
    this.#localPrefix = localPrefix;
  }

  wrote(by: Incarnation, node: SimNode, key: string, value: string | null, isProvisional = false): void {
    const version = versionText(node.clock.hi, node.clock.lo);
    let writes = this.#writes.get(key);
    if (writes === undefined) {
      writes = [];
      this.#writes.set(key, writes);
    }
    writes.push({ by, version, value, isProvisional });
  }

  flushed(by: Incarnation, node: SimNode): void {
    const { floorHi, floorLo } = node.store.flushState();
    this.#flushes.push({ by, version: versionText(floorHi, floorLo), value: null, isProvisional: false });
  }

  flushesLater(by: Incarnation, node: SimNode): void {
    const { pendingHi, pendingLo, stampHi, stampLo } = node.store.flushState();
    // Whatever comes of it, what had been written by the time of the command must be gone in the end.
    this.#flushes.push({ by, version: versionText(stampHi, stampLo), value: null, isProvisional: false });
    // How much more it takes depends on clocks; those of the hosts may be far apart.
    const latestMs = msOfVersion(pendingHi, pendingLo) + MOST_APART_MS;
    const latest = versionText(versionHiOfMs(latestMs), versionLoOfMs(latestMs));
    this.#mayBeFlushed.push({ by, version: latest, value: null, isProvisional: false });
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
      if (key.startsWith(this.#localPrefix)) {
        problems.push(...this.#describeLocal(key, [itemA, itemB]));
        continue;
      }
      // A cache forgets: one of two nodes may hold what the other has evicted.
      const mayDiffer = anyEvicts && (itemA === undefined || itemB === undefined);
      const difference = mayDiffer ? null : describeDifference(itemA, itemB, a, b, anyEvicts);
      if (difference !== null) problems.push(`${key} differs: ${difference}`);
      for (const [item, side] of [
        [itemA, 0],
        [itemB, 1],
      ] as const) {
        // A node with room keeps at least what its own clients wrote, however small the other one is.
        const isTheirs = anyEvicts ? (write: Acknowledged) => write.by.side === side : () => true;
        const problem = this.#describeHeld(key, item, mayEvict, side, isTheirs);
        if (problem !== null) problems.push(`${key} on ${side === 0 ? 'a' : 'b'}: ${problem}`);
      }
    }
    return problems;
  }

  /** What is held must be what somebody wrote, and nothing older than what a surviving node acknowledged. */
  #describeHeld(
    key: string,
    held: HeldItem | undefined,
    evicting: readonly [boolean, boolean],
    side: 0 | 1,
    counts: (write: Acknowledged) => boolean,
  ): string | null {
    const writes = this.#writes.get(key) ?? [];
    const mayEvict = evicting[side];
    const newest = mayEvict ? undefined : newestKept(writes.filter(counts));
    const floor = newestKept(this.#flushes);
    if (held === undefined) {
      if (this.#expiring.has(key)) return null;
      if (newest === undefined || newest.value === null) return null;
      if (this.#isUndone(newest, writes)) return null;
      // What the other node replaced and then evicted is gone on both.
      const isReplaced = writes.some(
        (later) => evicting[later.by.side] && later.by.side !== side && later.version > newest.version,
      );
      if (isReplaced) return null;
      return `lost, although ${newest.version} was acknowledged`;
    }
    const origin = writes.find((write) => write.version === held.version) ?? findWrittenAgain(held, writes);
    if (origin === undefined) return `holds version ${held.version}, which nobody wrote`;
    if (origin.value !== held.value)
      return `holds ${held.value} as ${held.version}, which was ${origin.value}`;
    // Whether or not the newer one was evicted since, and wherever: nothing old comes back.
    const latest = newestKept(writes.filter((write) => !write.isProvisional));
    if (latest !== undefined && held.version < latest.version && !this.#expiring.has(key)) {
      const what = latest.value === null ? 'deleted' : 'written';
      return `holds ${held.version}, although ${latest.version} was ${what} later`;
    }
    if (floor !== undefined && held.version <= floor.version) {
      return `holds ${held.version}, although everything up to ${floor.version} was flushed`;
    }
    if (origin.isProvisional && !mayEvict) {
      const older = writes.filter(
        (write) => counts(write) && !write.isProvisional && write.version < held.version,
      );
      const destroyed = newestKept(older);
      if (destroyed !== undefined && destroyed.value !== null && !this.#isUndone(destroyed, writes)) {
        return `holds the add of ${held.version}, which destroyed ${destroyed.version}`;
      }
    }
    return null;
  }

  /** Whether a delete or flush took a write, of whomever: a crashed node's may have reached the other one before. */
  #isUndone(write: Acknowledged, writes: readonly Acknowledged[]): boolean {
    return [...writes, ...this.#flushes, ...this.#mayBeFlushed].some(
      (later) => later.value === null && later.version >= write.version,
    );
  }

  /** A key that stays local holds what was written on its node, if anything. */
  #describeLocal(key: string, held: readonly [HeldItem | undefined, HeldItem | undefined]): string[] {
    const writes = this.#writes.get(key) ?? [];
    return held.flatMap((item, side) => {
      if (item === undefined) return [];
      const origin = writes.find((write) => write.version === item.version);
      if (origin?.by.side === side && origin.value === item.value) return [];
      return [`${key} on ${side === 0 ? 'a' : 'b'}: was not written there`];
    });
  }
}

/** A value that was written again under a new version, as an add that knew nothing of it was newer. */
function findWrittenAgain(held: HeldItem, writes: readonly Acknowledged[]): Acknowledged | undefined {
  return writes.find(
    (write) =>
      write.value === held.value &&
      write.version < held.version &&
      writes.some((add) => add.isProvisional && add.version > write.version && add.version < held.version),
  );
}

function describeDifference(
  a: HeldItem | undefined,
  b: HeldItem | undefined,
  nodeA: SimNode,
  nodeB: SimNode,
  anyEvicts: boolean,
): string | null {
  if (a === undefined && b === undefined) return null;
  if (a === undefined || b === undefined) {
    return `only ${a === undefined ? 'b' : 'a'} holds it: ${JSON.stringify(a ?? b)}`;
  }
  if (a.version !== b.version) return `version ${a.version} and ${b.version}`;
  if (a.value !== b.value) return `value ${a.value} and ${b.value}`;
  if (a.flags !== b.flags) return `flags ${a.flags} and ${b.flags}`;
  // Of two touches at the same moment one node knows which stays by what it has: it forgets that if it evicts it.
  if (anyEvicts) return null;
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
