// What `stats`, `stats settings` and `stats replication` say about the process around the store.
import type { ProcessFacts, ServerFacts, ServerSettings, StatLine } from '../protocol/server-facts.js';
import { CLIENT_VISIBLE_VERSION } from '../version.js';
import type { TrafficCounters } from './client-connection.js';
import type { ConnectionCounters } from './client-server.js';
import type { Options } from './options.js';

/** Bun's, which can't be changed. */
const TCP_BACKLOG = 512;
const USEC_PER_SEC = 1_000_000;
const REPLICATION_OFF: readonly StatLine[] = [['repl_state', 'off']];

export interface NodeFactsOptions {
  readonly options: Options;
  readonly connections: ConnectionCounters;
  readonly traffic: TrafficCounters;
  /** The core's own figures; undefined when replication is off. */
  readonly replicationStats: () => object | undefined;
}

export class NodeFacts implements ServerFacts {
  readonly version = CLIENT_VISIBLE_VERSION;
  /** Zero logs what an operator must know; one and more also logs connections. */
  verbosity: number;
  readonly #options: Options;
  readonly #connections: ConnectionCounters;
  readonly #traffic: TrafficCounters;
  readonly #replicationStats: () => object | undefined;

  constructor({ options, connections, traffic, replicationStats }: NodeFactsOptions) {
    this.#options = options;
    this.#connections = connections;
    this.#traffic = traffic;
    this.#replicationStats = replicationStats;
    this.verbosity = options.verbose ? 1 : 0;
  }

  process(): ProcessFacts {
    const cpu = process.cpuUsage();
    return {
      pid: process.pid,
      uptimeSec: Math.floor(process.uptime()),
      userCpuSec: cpu.user / USEC_PER_SEC,
      systemCpuSec: cpu.system / USEC_PER_SEC,
      currConnections: this.#connections.current,
      totalConnections: this.#connections.total,
      rejectedConnections: this.#connections.rejected,
      maxConnections: this.#options.maxConnections,
      bytesRead: this.#traffic.bytesRead,
      bytesWritten: this.#traffic.bytesWritten,
      acceptingConnections: this.#connections.current < this.#options.maxConnections,
      listenDisabledCount: 0,
      threads: 1,
    };
  }

  settings(): ServerSettings {
    const options = this.#options;
    return {
      maxConnections: options.maxConnections,
      tcpPort: options.listen[0]?.port ?? 0,
      udpPort: options.udpPort,
      listen: options.listen.map((endpoint) => endpoint.host).join(','),
      unixSocket: options.unixSocket?.path ?? '',
      verbosity: this.verbosity,
      evictions: !options.refuseWhenFull,
      growthFactor: options.growthFactor,
      minItemSpaceBytes: options.minItemSpaceBytes,
      threads: 1,
      itemSizeMaxBytes: options.maxItemBytes,
      tcpBacklog: TCP_BACKLOG,
      maxMemoryBytes: options.memoryBytes,
      casEnabled: true,
      flushEnabled: options.allowFlush,
    };
  }

  replication(): Iterable<StatLine> {
    const stats = this.#replicationStats();
    return stats === undefined ? REPLICATION_OFF : Object.entries(stats);
  }

  resetStats(): void {
    this.#connections.total = 0;
    this.#connections.rejected = 0;
    this.#traffic.bytesRead = 0;
    this.#traffic.bytesWritten = 0;
  }

  setVerbosity(level: number): void {
    this.verbosity = level;
  }
}
