// Both nodes' answers to a set of keys, compared: value, flags and CAS unique of each.
import { createHash } from 'node:crypto';
import type { MemcachedClient } from './client/client.js';
import type { Value } from './client/reply-decoder.js';
import { batches } from './probe-keys.js';
import type { NodeName } from './types.js';

/** Large values among the keys must not make one reply hold them all. */
const KEYS_A_READ = 20;

export interface ItemDigest {
  sizeBytes: number;
  flags: number;
  cas: string;
  sha256: string;
}

export interface Difference {
  key: string;
  /** What each node has, in words. */
  a: string;
  b: string;
}

export interface Comparison {
  /** Keys that at least one node has. */
  present: number;
  differences: Difference[];
  /** SHA-256 over every key's line, sorted: equal exactly when there are no differences. */
  digests: Record<NodeName, string>;
}

export async function compareNodes(
  clients: Readonly<Record<NodeName, MemcachedClient>>,
  keys: readonly string[],
): Promise<Comparison> {
  const [a, b] = await Promise.all([readItems(clients.a, keys), readItems(clients.b, keys)]);
  const differences: Difference[] = [];
  let present = 0;
  for (const key of keys) {
    const inA = describeDigest(a.get(key));
    const inB = describeDigest(b.get(key));
    if (a.has(key) || b.has(key)) present += 1;
    if (inA !== inB) differences.push({ key, a: inA, b: inB });
  }
  return { present, differences, digests: { a: digestOf(a), b: digestOf(b) } };
}

/** One line for a message: the first few differences of all. */
export function describeDifferences(differences: readonly Difference[]): string {
  const shown = differences.slice(0, 3).map(({ key, a, b }) => `${key}: a has ${a}, b has ${b}`);
  const more = differences.length - shown.length;
  return `${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

async function readItems(client: MemcachedClient, keys: readonly string[]): Promise<Map<string, ItemDigest>> {
  const items = new Map<string, ItemDigest>();
  for (const batch of batches(keys, KEYS_A_READ)) {
    for (const [key, value] of await client.gets(batch)) items.set(key, itemDigest(value));
  }
  return items;
}

function itemDigest({ value, flags, cas }: Value): ItemDigest {
  return { sizeBytes: value.length, flags, cas, sha256: createHash('sha256').update(value).digest('hex') };
}

function describeDigest(item: ItemDigest | undefined): string {
  if (item === undefined) return 'nothing';
  return `${item.sizeBytes} bytes (sha256 ${item.sha256.slice(0, 12)}), flags ${item.flags}, cas ${item.cas}`;
}

function digestOf(items: ReadonlyMap<string, ItemDigest>): string {
  const hash = createHash('sha256');
  for (const key of [...items.keys()].sort()) {
    const item = items.get(key)!;
    hash.update(`${key} ${item.flags} ${item.cas} ${item.sha256}\n`);
  }
  return hash.digest('hex');
}
