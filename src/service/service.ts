// One node on one host over its life: install, start, stop, crash on purpose, read its logs, uninstall.
// SystemdService and ProcessService implement it; the pair above knows only this.
import type { Host } from '../host/host.js';

/** A built engine executable, ready to be copied to a host. */
export interface Release {
  /** `<version>-<first 12 hex digits of the sha256>`: the name of its folder on a host. */
  readonly id: string;
  readonly version: string;
  readonly sha256: string;
  readonly localPath: string;
  readonly sizeBytes: number;
}

/** Everything that one node's configuration on its host is made of. */
export interface NodeSpec {
  readonly name: 'a' | 'b';
  readonly port: number;
  readonly replicationPort: number;
  /** Addresses on which clients are served. */
  readonly listenAddresses: readonly string[];
  /** Address on which the peer is awaited. */
  readonly replicationAddress: string;
  readonly peerAddress: string;
  readonly peerReplicationPort: number;
  readonly memoryMb: number;
  readonly connections: number;
  readonly threads: number | 'auto';
  readonly pairId: string;
  /** Flags of the engine for what the operator chose of how the pair replicates. */
  readonly replicationFlags: readonly string[];
  /** Content of the file with the replication secret; goes to the host over stdin, into a file of mode 0600. */
  readonly secretText: string;
  readonly release: Release;
}

export type NodeState = 'running' | 'starting' | 'stopped' | 'failed' | 'absent';

export interface NodeStatus {
  state: NodeState;
  pid?: number;
  /** Seconds since the process started. */
  uptimeSec?: number;
  /** Id of the release that is installed as current. */
  releaseId?: string;
  /** It ended by itself, and is to be started again in a moment: there is no process that could hold anything. */
  betweenTries?: boolean;
  /** What the service manager says when the node is not running. */
  detail?: string;
}

/** One thing to make true on a host. `check` finds out, `apply` changes; a second run changes nothing. */
export interface Step {
  readonly title: string;
  /** What differs, in a few words for the operator (never a secret); undefined when nothing does. */
  check(): Promise<string | undefined>;
  apply(): Promise<void>;
  /** The running node must be restarted for this change to count. */
  readonly needsRestart?: boolean;
  /** It is enough that the running node reads its files again. */
  readonly needsReload?: boolean;
}

export interface NodeService {
  readonly host: Host;
  readonly name: 'a' | 'b';
  /** In order; all that deploy does to make the node installed and configured, but for starting it. */
  installSteps(spec: NodeSpec): readonly Step[];
  /** Puts the file with the replication secret where the node reads it. Absent where there is none. */
  secretStep?(content: string): Step;
  /** In order; leaves nothing behind, also when the node was only half installed. */
  uninstallSteps(): readonly Step[];
  status(): Promise<NodeStatus>;
  start(): Promise<void>;
  stop(): Promise<void>;
  restart(): Promise<void>;
  /** Has the running node read its secret and certificates again; nothing is cut. Absent where nothing can be. */
  reload?(): Promise<void>;
  /**
   * Kills the node with SIGKILL and keeps it down until `recover`; the host itself brings it back
   * after `restoreAfterSec`, whatever becomes of the ops machine.
   */
  crash(options: { restoreAfterSec: number }): Promise<void>;
  /** Undoes `crash`: disarms the timer and starts the node. Safe to call when nothing was crashed. */
  recover(): Promise<void>;
  /** The newest lines of the node's log. */
  logs(options: { lines: number }): Promise<string>;
}
