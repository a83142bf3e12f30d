// The logs of both nodes, also when one host can't be reached.

import { scrub } from '../scrub.js';
import { reasonOf } from './client/client-error.js';
import type { OpenPair } from './open-pair.js';
import type { NodeName } from './types.js';

export interface NodeLog {
  readonly host: string;
  readonly lines?: readonly string[];
  /** Why there are none. */
  readonly problem?: string;
}

export type PairLogs = Partial<Record<NodeName, NodeLog>>;

export async function pairLogs(
  pair: OpenPair,
  options: { readonly nodes: readonly NodeName[]; readonly lines: number },
): Promise<PairLogs> {
  const entries = await Promise.all(
    options.nodes.map(async (name): Promise<[NodeName, NodeLog]> => {
      const { service, host } = pair.nodes[name];
      try {
        const text = await service.logs({ lines: options.lines });
        return [name, { host: host.address, lines: scrub(text.trimEnd()).split('\n') }];
      } catch (error) {
        return [name, { host: host.address, problem: reasonOf(error) }];
      }
    }),
  );
  return Object.fromEntries(entries);
}
