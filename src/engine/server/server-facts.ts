// What `stats`, `stats settings` and `stats replication` say about the process around the store.
import type {
  ProcessFacts,
  ServerFacts,
  ServerSettings,
  StatLine,
  TlsFacts,
} from '../protocol/server-facts.js';
import { CLIENT_VISIBLE_VERSION } from '../version.js';
import type { Options } from './options.js';
import type { ProcessCounters } from './process-counters.js';

/** Bun's, which can't be changed. */
const TCP_BACKLOG = 512;
/** -a, when there is no unix socket to ask. */
const DEFAULT_UNIX_SOCKET_MODE = 0o700;
const USEC_PER_SEC = 1_000_000;
const REPLICATION_OFF: readonly StatLine[] = [['repl_state', 'off']];

export interface NodeFactsOptions {
  readonly options: Options;
  readonly counters: ProcessCounters;
  /** The core's own figures; undefined when replication is off. */
  readonly replicationStats: () => object | undefined;
  /** Those of all threads. */
  readonly listConnections: () => Iterable<StatLine>;
  /** Unix ms; undefined without TLS. */
  readonly certificatesReadMs: () => number | undefined;
  /** Unix ms that never goes back. */
  readonly nowMs: () => number;
}

export class NodeFacts implements ServerFacts {
  readonly version = CLIENT_VISIBLE_VERSION;
  readonly #options: Options;
  readonly #counters: ProcessCounters;
  readonly #replicationStats: () => object | undefined;
  readonly #listConnections: () => Iterable<StatLine>;
  readonly #certificatesReadMs: () => number | undefined;
  readonly #nowMs: () => number;

  constructor({
    options,
    counters,
    replicationStats,
    listConnections,
    certificatesReadMs,
    nowMs,
  }: NodeFactsOptions) {
    this.#options = options;
    this.#counters = counters;
    this.#replicationStats = replicationStats;
    this.#listConnections = listConnections;
    this.#certificatesReadMs = certificatesReadMs;
    this.#nowMs = nowMs;
  }

  process(): ProcessFacts {
    const cpu = process.cpuUsage();
    return {
      pid: process.pid,
      uptimeSec: Math.floor(process.uptime()),
      userCpuSec: cpu.user / USEC_PER_SEC,
      systemCpuSec: cpu.system / USEC_PER_SEC,
      currConnections: this.#counters.openConnections,
      totalConnections: this.#counters.totalConnections,
      rejectedConnections: this.#counters.rejectedConnections,
      maxConnections: this.#options.maxConnections,
      bytesRead: this.#counters.bytesRead,
      bytesWritten: this.#counters.bytesWritten,
      acceptingConnections:
        !this.#counters.isListenDisabled && this.#counters.openConnections < this.#options.maxConnections,
      listenDisabledCount: this.#counters.listenDisabledCount,
      listenDisabledUs: this.#counters.listenDisabledUs(this.#nowMs()),
      connectionYields: this.#counters.yields,
      idleKicks: this.#counters.idleKicks,
      tls: this.#tlsFacts(),
      threads: this.#options.threads,
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
      unixSocketMode: (options.unixSocket?.mode ?? DEFAULT_UNIX_SOCKET_MODE).toString(8),
      verbosity: this.#counters.verbosity,
      evictions: !options.refuseWhenFull,
      growthFactor: options.growthFactor,
      minItemSpaceBytes: options.minItemSpaceBytes,
      threads: options.threads,
      itemSizeMaxBytes: options.maxItemBytes,
      tcpBacklog: TCP_BACKLOG,
      maxMemoryBytes: options.memoryBytes,
      casEnabled: true,
      flushEnabled: options.allowFlush,
      shutdownEnabled: options.allowShutdown,
      dumpEnabled: options.allowDumps,
      watchEnabled: options.allowWatch,
      protocol: options.protocol,
      saslEnabled: options.sasl,
      authFile: options.authFile ?? '',
      idleTimeoutSec: options.idleTimeoutSec,
      tls: options.tls,
      memoryFile: options.memoryFile ?? '',
    };
  }

  #tlsFacts(): TlsFacts | undefined {
    const readMs = this.#certificatesReadMs();
    if (readMs === undefined) return undefined;
    return {
      handshakeErrors: this.#counters.tlsHandshakeErrors,
      recordErrors: this.#counters.tlsRecordErrors,
      certificateAgeSec: Math.max(0, Math.floor((Date.now() - readMs) / 1000)),
    };
  }

  replication(): Iterable<StatLine> {
    const stats = this.#replicationStats();
    return stats === undefined ? REPLICATION_OFF : Object.entries(stats);
  }

  connections(): Iterable<StatLine> {
    return this.#listConnections();
  }

  resetStats(): void {
    this.#counters.reset(this.#nowMs());
  }

  setVerbosity(level: number): void {
    this.#counters.verbosity = level;
  }

  refreshCertificates(): void {
    process.kill(process.pid, 'SIGHUP');
  }

  shutdown(): void {
    // From whichever thread: the main thread has the handler.
    process.kill(process.pid, 'SIGTERM');
  }
}
