// How large the legacy nodes are, from their settings on the hosts: for a pair that no repcache.yaml describes.
import { legacyLayout } from '../../legacy/layout.js';
import { onBoth } from '../on-both.js';
import type { OpenPair } from '../open-pair.js';

export interface LegacySizes {
  readonly memoryMb?: number;
  readonly connections?: number;
}

/** Reads /etc/repcached-legacy/<port>.env. */
export function parseLegacySizes(settings: string | undefined): LegacySizes {
  const number = (name: string): number | undefined => {
    const digits = new RegExp(`^${name}=(\\d+)$`, 'm').exec(settings ?? '')?.[1];
    return digits === undefined ? undefined : Number(digits);
  };
  const [memoryMb, connections] = [number('MEMORY_MB'), number('CONNECTIONS')];
  return {
    ...(memoryMb !== undefined && { memoryMb }),
    ...(connections !== undefined && { connections }),
  };
}

/** The same pair, with the larger of the two nodes' sizes: each must hold what the other one holds. */
export async function withLegacySizes(pair: OpenPair): Promise<OpenPair> {
  const { a, b } = await onBoth(async (name) => {
    const { host, config } = pair.nodes[name];
    return parseLegacySizes(await host.readFile(legacyLayout(config.port).environmentFile, { root: true }));
  });
  const largest = (one: number | undefined, other: number | undefined, otherwise: number): number =>
    one === undefined && other === undefined ? otherwise : Math.max(one ?? 0, other ?? 0);
  const memoryMb = largest(a.memoryMb, b.memoryMb, pair.config.memoryMb);
  const connections = largest(a.connections, b.connections, pair.config.connections);
  return { ...pair, config: { ...pair.config, memoryMb, connections } };
}
