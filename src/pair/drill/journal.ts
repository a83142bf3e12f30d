// What clients were told is stored: every acknowledged write, and so what each key has to hold.
import type { MemcachedClient } from '../client/client.js';
import { batches } from '../probe-keys.js';
import type { NodeName } from '../types.js';

export interface Content {
  /** undefined: deleted. */
  value: string | undefined;
  flags: number;
}

export interface JournalEntry {
  acked: Content;
  /** The node that acknowledged it. */
  via: NodeName;
  /** `performance.now()` of the acknowledgement. */
  ackedAt: number;
  /** A later write whose answer has not come (yet): a node may hold it already. */
  attempted?: Content;
}

export interface Mismatch {
  key: string;
  entry: JournalEntry;
  /** What the node has instead, in words. */
  seen: string;
}

export class Journal {
  readonly #entries = new Map<string, JournalEntry>();
  readonly acked: Record<NodeName, number> = { a: 0, b: 0 };
  /** `performance.now()` of each node's last acknowledgement; 0 before the first. */
  readonly lastAckAt: Record<NodeName, number> = { a: 0, b: 0 };

  /** To be called before a write is sent. */
  attempt(key: string, content: Content): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined) this.#entries.set(key, { ...entry, attempted: content });
  }

  ack(key: string, content: Content, via: NodeName): void {
    const ackedAt = performance.now();
    this.#entries.set(key, { acked: content, via, ackedAt });
    this.acked[via] += 1;
    this.lastAckAt[via] = ackedAt;
  }

  /** Nothing more is expected of these keys. */
  forgive(keys: Iterable<string>): void {
    for (const key of keys) this.#entries.delete(key);
  }

  get total(): number {
    return this.acked.a + this.acked.b;
  }

  /** Keys whose last acknowledged write went through this node. */
  keysVia(node: NodeName): string[] {
    return [...this.#entries].filter(([, entry]) => entry.via === node).map(([key]) => key);
  }

  /** Which of these keys (default: all) the node does not hold as the journal says. */
  async mismatches(
    client: MemcachedClient,
    keys: readonly string[] = [...this.#entries.keys()],
  ): Promise<Mismatch[]> {
    const mismatches: Mismatch[] = [];
    for (const batch of batches(keys)) {
      const found = await client.gets(batch);
      for (const key of batch) {
        const entry = this.#entries.get(key);
        if (entry === undefined) continue;
        const value = found.get(key);
        const content = { value: value?.value.toString(), flags: value?.flags ?? 0 };
        if (!holds(entry, content)) mismatches.push({ key, entry, seen: describe(content) });
      }
    }
    return mismatches;
  }
}

export function describe({ value, flags }: Content): string {
  return value === undefined ? 'nothing' : `${JSON.stringify(value)} with flags ${flags}`;
}

function holds({ acked, attempted }: JournalEntry, seen: Content): boolean {
  return same(acked, seen) || (attempted !== undefined && same(attempted, seen));
}

function same(one: Content, other: Content): boolean {
  if (one.value === undefined) return other.value === undefined;
  return one.value === other.value && one.flags === other.flags;
}
