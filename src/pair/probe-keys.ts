// The keys that a verify or a drill writes: under a prefix of its own, remembered, and removed afterwards.
import { randomBytes } from 'node:crypto';
import type { MemcachedClient } from './client/client.js';

/** Keys whose answers are awaited at once when they are removed or read. */
const BATCH = 100;

/**
 * Expiry of every probe key that is not about expiry itself: what even a power cut of the ops machine
 * keeps from being removed is gone after this.
 */
export const SAFETY_EXPTIME_SEC = 3600;

export class ProbeKeys {
  /** `repcache:verify:<random>:`; no application uses it, and no two runs share it. */
  readonly prefix: string;
  readonly #keys = new Set<string>();

  constructor(purpose: 'verify' | 'drill') {
    this.prefix = `repcache:${purpose}:${randomBytes(6).toString('hex')}:`;
  }

  /** The full key, remembered for removal from now on. */
  key(name: string): string {
    const key = this.prefix + name;
    this.#keys.add(key);
    return key;
  }

  all(): string[] {
    return [...this.#keys];
  }

  /** Deletes every key on this node. @throws ClientError when the node can't be told. */
  async removeFrom(client: MemcachedClient): Promise<void> {
    for (const batch of batches(this.all())) {
      await Promise.all(batch.map((key) => client.delete(key)));
    }
  }

  /** The keys that this node still has. */
  async leftOn(client: MemcachedClient): Promise<string[]> {
    const left: string[] = [];
    for (const batch of batches(this.all())) left.push(...(await client.gets(batch)).keys());
    return left;
  }
}

export function batches<T>(items: readonly T[], size = BATCH): T[][] {
  const result: T[][] = [];
  for (let start = 0; start < items.length; start += size) result.push(items.slice(start, start + size));
  return result;
}
