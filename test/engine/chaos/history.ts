// What clients were told, which processes must still know of it, and what the nodes may hold in the end.

/** A process's memory: it lives on when it is saved and loaded again (-e), and ends with a crash. */
export class Incarnation {
  isLost = false;
  /** The newest version that a client of it was told. */
  newestVersion = 0n;
}

/** A write that a client was told is done. */
interface Acknowledged {
  readonly kind: 'stored' | 'deleted';
  /** As far as it is known: a client that appends or counts is not told. */
  readonly value: string | undefined;
  /** Its version is not below this, and not above `highest`. */
  readonly lowest: bigint;
  readonly highest: bigint;
  /** Whose memory it is known to be in. Whoever is not lost must account for it. */
  readonly holders: Set<Incarnation>;
}

/** One key as a node answered for it. */
export interface Held {
  readonly value: string;
  readonly flags: number;
  readonly version: bigint;
  /** -1: never. */
  readonly ttlSec: number;
}

export type Contents = ReadonlyMap<string, Held>;

/** How many writes of each key there were at some moment. */
export type Mark = ReadonlyMap<string, number>;

/** Ends each piece of a value that is appended to. */
export const PIECE_END = ';';

/** Keys that clients count with; the others hold what was sent. */
export function isCounter(key: string): boolean {
  return key.startsWith('count:');
}

/** Both nodes are asked one after the other, and count whole seconds. */
const TTL_TOLERANCE_SEC = 3;

export class History {
  readonly #writes = new Map<string, Acknowledged[]>();
  /** Every value that was ever sent for a key, whether it was acknowledged or not. */
  readonly #sent = new Map<string, Set<string>>();
  /** How many deletes of a key were asked for and have no answer, yet or for ever: nobody knows. */
  readonly #openDeletes = new Map<string, number>();
  operations = 0;

  sends(key: string, value: string): void {
    entryOf(this.#sent, key, () => new Set<string>()).add(value);
  }

  stored(by: Incarnation, key: string, version: bigint, value?: string): void {
    this.#add(key, { kind: 'stored', value, lowest: version, highest: version, holders: new Set([by]) });
    if (version > by.newestVersion) by.newestVersion = version;
  }

  /** @param lowest a version that was there before it was asked for. @param highest one that was made after it */
  deleted(by: Incarnation, key: string, lowest: bigint, highest: bigint): void {
    this.#add(key, { kind: 'deleted', value: undefined, lowest, highest, holders: new Set([by]) });
  }

  asksForDelete(key: string): void {
    this.#openDeletes.set(key, (this.#openDeletes.get(key) ?? 0) + 1);
  }

  deleteIsAnswered(key: string): void {
    this.#openDeletes.set(key, (this.#openDeletes.get(key) ?? 0) - 1);
  }

  flushed(by: Incarnation, lowest: bigint, highest: bigint): void {
    for (const key of [...this.#writes.keys()]) this.deleted(by, key, lowest, highest);
  }

  /** This moment: what has been acknowledged by now. */
  mark(): Mark {
    return new Map([...this.#writes].map(([key, writes]) => [key, writes.length]));
  }

  /** The other process has all that this one had at that moment. */
  handedOver(mark: Mark, from: Incarnation, to: Incarnation): void {
    for (const [key, count] of mark) {
      const writes = this.#writes.get(key) ?? [];
      for (const { holders } of writes.slice(0, count)) if (holders.has(from)) holders.add(to);
    }
  }

  /** @returns one line for each key that the two nodes do not agree on, or that holds what it must not */
  judge(onA: Contents, onB: Contents): string[] {
    const problems: string[] = [];
    for (const key of new Set([...onA.keys(), ...onB.keys(), ...this.#writes.keys()])) {
      const [a, b] = [onA.get(key), onB.get(key)];
      const difference = describeDifference(a, b);
      if (difference !== null) problems.push(`${key} differs: ${difference}`);
      for (const [name, held] of [
        ['a', a],
        ['b', b],
      ] as const) {
        const problem = this.describeHeld(key, held);
        if (problem !== null) problems.push(`${key} on ${name}: ${problem}`);
      }
    }
    return problems;
  }

  /** @param mark when the node was to know all. @returns what is wrong with what it holds for a key, or null */
  describeHeld(key: string, held: Held | undefined, mark?: Mark): string | null {
    const writes = this.#writes.get(key) ?? [];
    const known = mark === undefined ? writes : writes.slice(0, mark.get(key) ?? 0);
    const kept = known.filter(({ holders }) => [...holders].some(({ isLost }) => !isLost));
    if (held === undefined) {
      const newest = newestStored(kept);
      if (newest === undefined || this.#mayHaveGone(key, newest.lowest)) return null;
      return `lost, although ${newest.lowest} was acknowledged`;
    }
    if (!this.#wasSent(key, held.value)) return `holds ${JSON.stringify(held.value)}, which nobody wrote`;
    const origin = writes.find(({ kind, lowest }) => kind === 'stored' && lowest === held.version);
    if (origin?.value !== undefined && origin.value !== held.value)
      return `holds ${held.value} as ${held.version}, which was ${origin.value}`;
    const later = kept.find(({ lowest }) => lowest > held.version);
    if (later === undefined) return null;
    return `holds ${held.value} of ${held.version}, although it was ${later.kind} after ${later.lowest}`;
  }

  #wasSent(key: string, value: string): boolean {
    if (isCounter(key)) return /^\d+ *$/.test(value);
    const sent = this.#sent.get(key);
    return value.split(PIECE_END).every((piece) => piece === '' || sent?.has(piece));
  }

  #mayHaveGone(key: string, version: bigint): boolean {
    const isLater = ({ kind, highest }: Acknowledged): boolean => kind === 'deleted' && highest > version;
    // One without an answer may have been carried out at any time after it was asked for.
    return (this.#writes.get(key) ?? []).some(isLater) || (this.#openDeletes.get(key) ?? 0) > 0;
  }

  #add(key: string, write: Acknowledged): void {
    entryOf(this.#writes, key, () => []).push(write);
    this.operations += 1;
  }
}

function newestStored(writes: readonly Acknowledged[]): Acknowledged | undefined {
  let newest: Acknowledged | undefined;
  for (const write of writes) {
    if (write.kind === 'stored' && write.lowest > (newest?.lowest ?? -1n)) newest = write;
  }
  return newest;
}

function describeDifference(a: Held | undefined, b: Held | undefined): string | null {
  if (a === undefined && b === undefined) return null;
  if (a === undefined || b === undefined) return `only ${a === undefined ? 'b' : 'a'} holds it`;
  if (a.version !== b.version) return `version ${a.version} and ${b.version}`;
  if (a.value !== b.value) return `value ${a.value} and ${b.value}`;
  if (a.flags !== b.flags) return `flags ${a.flags} and ${b.flags}`;
  const isForEver = a.ttlSec < 0 || b.ttlSec < 0;
  const isApart = isForEver ? a.ttlSec !== b.ttlSec : Math.abs(a.ttlSec - b.ttlSec) > TTL_TOLERANCE_SEC;
  return isApart ? `time to live ${a.ttlSec} s and ${b.ttlSec} s` : null;
}

function entryOf<V>(map: Map<string, V>, key: string, make: () => V): V {
  let entry = map.get(key);
  if (entry === undefined) {
    entry = make();
    map.set(key, entry);
  }
  return entry;
}
