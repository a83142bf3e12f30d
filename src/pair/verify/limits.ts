// What an engine other than ours can't do, so that verify says so instead of failing for it.
import type { PairConfig } from '../types.js';

const LEGACY: ReadonlyMap<string, string> = new Map([
  ['flags', 'legacy sends flags above 2147483647 as negative numbers'],
  ['large', 'legacy does not tell its limit'],
  ['too-large', 'legacy drops the old value on one node only'],
  ['touch', 'legacy (memcached 1.2.8) has no touch'],
  ['gat', 'legacy (memcached 1.2.8) has no gat'],
  ['settled', 'legacy acknowledges nothing: what is on its way is not known'],
  ['clocks', 'legacy does not compare clocks: items expire as far apart as the clocks are'],
]);

/** The checks that are skipped, by id, with the reason. */
export function limitsOf({ engine }: PairConfig): ReadonlyMap<string, string> {
  return engine === 'legacy' ? LEGACY : new Map();
}
