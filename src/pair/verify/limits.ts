// What an engine other than ours can't do, so that verify says so instead of failing for it.
import type { OpenPair } from '../open-pair.js';

const LEGACY: ReadonlyMap<string, string> = new Map([
  ['flags', 'legacy sends flags above 2147483647 as negative numbers'],
  ['large', 'legacy does not tell its limit'],
  ['too-large', 'legacy drops the old value on one node only'],
  ['touch', 'legacy (memcached 1.2.8) has no touch'],
  ['gat', 'legacy (memcached 1.2.8) has no gat'],
  ['settled', 'legacy acknowledges nothing: what is on its way is not known'],
  ['clocks', 'legacy does not compare clocks: items expire as far apart as the clocks are'],
]);

/** What a legacy node and one of ours, linked by the legacy protocol, can't do besides. */
const MIXED: ReadonlyMap<string, string> = new Map([
  ...LEGACY,
  ['cas', "each node's CAS uniques are its own while one of them is a legacy node"],
  ['digest', "each node's CAS uniques are its own while one of them is a legacy node"],
]);

/** The checks that are skipped, by id, with the reason. */
export function limitsOf({ config, nodes }: OpenPair): ReadonlyMap<string, string> {
  if (config.engine !== 'legacy') return new Map();
  // A legacy node tells nothing of its link, so somebody else has to.
  const areBothLegacy = nodes.a.readLink !== undefined && nodes.b.readLink !== undefined;
  return areBothLegacy ? LEGACY : MIXED;
}
