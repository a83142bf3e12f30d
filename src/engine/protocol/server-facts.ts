// What `stats`, `version` and `verbosity` need from the process around the store. Asked only by those commands.

/** One line of a stats reply: `STAT key value`. */
export type StatLine = readonly [key: string, value: string | number];

export interface ProcessFacts {
  pid: number;
  uptimeSec: number;
  userCpuSec: number;
  systemCpuSec: number;
  currConnections: number;
  totalConnections: number;
  rejectedConnections: number;
  maxConnections: number;
  bytesRead: number;
  bytesWritten: number;
  acceptingConnections: boolean;
  /** How often no connection was accepted for want of files, and for how long in all. */
  listenDisabledCount: number;
  listenDisabledUs: number;
  /** How often a connection had more to ask for than one turn allows. */
  connectionYields: number;
  /** Connections closed by idle_timeout. */
  idleKicks: number;
  threads: number;
  /** Undefined without -Z. */
  tls: TlsFacts | undefined;
}

export interface TlsFacts {
  handshakeErrors: number;
  /** What clients sent after it that was no TLS. */
  recordErrors: number;
  /** Since the certificates were read. */
  certificateAgeSec: number;
}

/** What -Z and the ssl_ options ask for; the link's TLS has the same. */
export interface TlsOptions {
  readonly certificateFile: string;
  /** Undefined: the key is in the certificate's file. */
  readonly keyFile: string | undefined;
  readonly authoritiesFile: string | undefined;
  /** Of clients; `verify`: one that is sent must be good, `require`: and there must be one. */
  readonly clientCertificates: 'none' | 'verify' | 'require';
  readonly minVersion: '1.2' | '1.3';
  readonly ciphers: string | undefined;
}

export interface ServerSettings {
  maxConnections: number;
  tcpPort: number;
  udpPort: number;
  /** -l, as given; empty = all addresses. */
  listen: string;
  /** -s; empty = none. */
  unixSocket: string;
  /** -a, in octal digits. */
  unixSocketMode: string;
  verbosity: number;
  evictions: boolean;
  growthFactor: number;
  minItemSpaceBytes: number;
  threads: number;
  itemSizeMaxBytes: number;
  tcpBacklog: number;
  maxMemoryBytes: number;
  casEnabled: boolean;
  /** False with -F. */
  flushEnabled: boolean;
  /** -A */
  shutdownEnabled: boolean;
  /** False with --disable-dumping: no listing of keys. */
  dumpEnabled: boolean;
  /** False with -W. */
  watchEnabled: boolean;
  /** -B */
  protocol: 'auto' | 'ascii' | 'binary';
  saslEnabled: boolean;
  /** -Y; empty = none. */
  authFile: string;
  /** -o idle_timeout; 0 = never. */
  idleTimeoutSec: number;
  /** Undefined without -Z. */
  tls: TlsOptions | undefined;
  /** -e; empty = none. */
  memoryFile: string;
}

export interface ServerFacts {
  /** What `version` says after `VERSION `. */
  readonly version: string;
  process(): ProcessFacts;
  settings(): ServerSettings;
  /** The body of `stats replication`. */
  replication(): Iterable<StatLine>;
  /** The body of `stats conns`. */
  connections(): Iterable<StatLine>;
  /** `stats reset`: the store's counters are reset by the session, the process's own here. */
  resetStats(): void;
  setVerbosity(level: number): void;
  /** Has the certificates read again, as SIGHUP does; returns before they are. */
  refreshCertificates(): void;
  /** Stops the node as SIGTERM does; returns before it has stopped. */
  shutdown(): void;
}
