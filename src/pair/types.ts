// A pair as its configuration describes it, after defaults.

export type NodeName = 'a' | 'b';

/**
 * What runs on the nodes: our engine, the C program repcached 2.2.1 built on the hosts, or the distribution's
 * memcached, which replicates nothing.
 */
export type EngineName = 'repcached' | 'legacy' | 'stock';

export interface NodeConfig {
  readonly name: NodeName;
  /** Host name, address or ~/.ssh/config alias by which SSH reaches it; `local` in a local pair. */
  readonly host: string;
  /** Address by which clients and the peer reach it, when it is not what SSH resolves `host` to. */
  readonly address?: string;
  readonly user?: string;
  readonly sshPort?: number;
  readonly identityFile?: string;
  readonly port: number;
  readonly replicationPort: number;
}

/** When a node answers a write: the engine's --repl-ack. */
export type AckMode = 'none' | 'peer' | 'strict';

/** What a client's flush_all empties: both nodes, the one it is sent to, or none. */
export type FlushPolicy = 'replicate' | 'local' | 'refuse';

/** Absolute paths on the hosts, the same on both; repcachectl reads none of them. */
export interface LinkTlsConfig {
  readonly certificate: string;
  /** Absent: in the file of the certificate. */
  readonly key?: string | undefined;
  readonly authority: string;
}

/** What the operator chose of how the pair replicates; what is absent is left to the engine. */
export interface ReplicationConfig {
  readonly ack?: AckMode | undefined;
  /** Patterns of keys that stay on their node. */
  readonly exclude?: readonly string[] | undefined;
  readonly flush?: FlushPolicy | undefined;
  /** The link is in TLS, with these files of each host. */
  readonly tls?: LinkTlsConfig | undefined;
}

export interface PairConfig {
  readonly version: 1;
  readonly engine: EngineName;
  /** Only with `legacy`: run exactly as in the old recipe, in the background and as root. */
  readonly verbatim?: boolean;
  /**
   * Id that both nodes must name, so that two pairs can't be cross-wired by mistake; with other engines no more than
   * a mark of being deployed. Made at random by the first deploy, and absent until then, and when the pair is named by
   * `--a/--b` alone.
   */
  readonly pair?: string;
  readonly local: boolean;
  readonly memoryMb: number;
  readonly connections: number;
  /** That serve clients; `auto` leaves it to the engine on its host. */
  readonly threads: number | 'auto';
  readonly replication?: ReplicationConfig;
  readonly nodes: Readonly<Record<NodeName, NodeConfig>>;
}

/** Both nodes, in the order in which everything is done and printed. */
export const NODE_NAMES: readonly NodeName[] = ['a', 'b'];
