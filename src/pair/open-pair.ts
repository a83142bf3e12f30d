// A pair with its hosts connected: what every verb that works on a running pair is handed.
import type { Host } from '../host/host.js';
import type { NodeService } from '../service/service.js';
import type { ReplicationStats } from './replication-stats.js';
import type { NodeConfig, NodeName, PairConfig } from './types.js';

export interface OpenNode {
  readonly config: NodeConfig;
  readonly host: Host;
  readonly service: NodeService;
  /** Tells of the link where the server itself does not; absent where `stats replication` does. */
  readonly readLink?: () => Promise<ReplicationStats>;
}

export interface OpenPair {
  readonly config: PairConfig;
  readonly nodes: Readonly<Record<NodeName, OpenNode>>;
}

/** The other node's name. */
export function peerOf(name: NodeName): NodeName {
  return name === 'a' ? 'b' : 'a';
}

/** Where the clients of each node find it, `host:port`. */
export function addressesOf(pair: OpenPair): Record<NodeName, string> {
  const addressOf = ({ host, config }: OpenNode): string => `${host.address}:${config.port}`;
  return { a: addressOf(pair.nodes.a), b: addressOf(pair.nodes.b) };
}
