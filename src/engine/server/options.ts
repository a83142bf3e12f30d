// What a command line means: typed options with memcached's defaults, or a FatalError that names the remedy.
import { availableParallelism } from 'node:os';
import type { ReplicationProtocol } from '../replication/types.js';
import { KeyPatterns } from '../store/key-patterns.js';
import { MAX_ITEM_BYTES, MAX_MEMORY_BYTES, MIN_MEMORY_BYTES } from '../store/store-types.js';
import { type AckMode, ackMode, checkAddressAcks } from './ack-modes.js';
import { type GivenFlag, splitArgv } from './argv.js';
import { protocolWithAuth } from './client-auth.js';
import { FatalError } from './exit.js';
import { type ExtendedOptions, parseExtended } from './extended-options.js';
import { flagName } from './flag-table.js';
import {
  ALL_INTERFACES,
  type ClientEndpoint,
  type ClientProtocol,
  clientEndpoints,
  clientProtocol,
  type Endpoint,
  isLoopback,
} from './listen-addresses.js';
import { linkTlsSettings, type TlsSettings, tlsSettings } from './tls-settings.js';

export interface ReplicationOptions {
  readonly protocol: ReplicationProtocol;
  readonly listen: Endpoint;
  /** Absent: this node only awaits the peer's call. */
  readonly peer: Endpoint | undefined;
  readonly secretFile: string | undefined;
  /** Absent: the link is in the clear. */
  readonly tls: TlsSettings | undefined;
  readonly pairId: string;
  readonly readyTimeoutMs: number;
  /** Infinity = no limit. */
  readonly syncBytesPerSec: number;
  readonly ack: AckMode;
  /** Patterns of keys that stay on this node. */
  readonly localKeys: readonly string[];
  readonly flush: FlushPolicy;
}

const FLUSH_POLICIES = ['replicate', 'local', 'refuse'] as const;
/** What becomes of a client's flush_all: both nodes forget, this one alone, or none. */
export type FlushPolicy = (typeof FLUSH_POLICIES)[number];

export interface UnixSocketOptions {
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
}

export interface Options {
  /** Where clients are served over TCP; `::` and `0.0.0.0` are all interfaces. Empty with -s. */
  readonly listen: readonly ClientEndpoint[];
  /** On the same addresses; 0 = no UDP. */
  readonly udpPort: number;
  readonly unixSocket: UnixSocketOptions | undefined;
  /** What a connection may speak, where its address says nothing else. */
  readonly protocol: ClientProtocol;
  /** Absent: nobody needs to log in. */
  readonly authFile: string | undefined;
  /** Whether binary clients log in by SASL; with an auth file only. */
  readonly sasl: boolean;
  /** Absent: clients speak in the clear. */
  readonly tls: TlsSettings | undefined;
  /** 0 = never. */
  readonly idleTimeoutSec: number;
  readonly allowFlush: boolean;
  /** Whether clients may stop the node. */
  readonly allowShutdown: boolean;
  /** Whether clients may list keys. */
  readonly allowDumps: boolean;
  /** Whether clients may watch what others do. */
  readonly allowWatch: boolean;
  readonly pidFile: string | undefined;
  /** Where the items are kept while the node is down. */
  readonly memoryFile: string | undefined;
  readonly daemon: boolean;
  readonly coreDumps: boolean;
  readonly lockMemory: boolean;
  /** What was asked for and changes nothing here: lines for the log. */
  readonly notes: readonly string[];
  readonly user: string | undefined;
  readonly memoryBytes: number;
  readonly maxItemBytes: number;
  readonly growthFactor: number;
  readonly minItemSpaceBytes: number;
  /** Answer with an error when memory is full instead of evicting. */
  readonly refuseWhenFull: boolean;
  /** That serve clients. */
  readonly threads: number;
  readonly maxConnections: number;
  readonly verbose: boolean;
  /** Absent: no -x and no -X, so nothing is replicated. */
  readonly replication: ReplicationOptions | undefined;
}

export type Command =
  | { readonly kind: 'run'; readonly options: Options }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' };

const DEFAULT_PORT = 11211;
/** More cores than this are not taken unasked. */
const DEFAULT_THREADS_MAX = 4;
const DEFAULT_REPLICATION_PORT = 11212;
const DEFAULT_READY_TIMEOUT_SEC = 10;
const KIB = 1024;
const MIB = 1024 * KIB;
const SUFFIX_BYTES: Readonly<Record<string, number>> = { '': 1, k: KIB, m: MIB, g: 1024 * MIB };
const DEFAULT_ITEM_BYTES = MIB;
/** Less would take days for any store worth replicating. */
const SYNC_RATE_MIN = 64 * KIB;
const DEFAULT_UNIX_MODE = 0o700;
/** Of the flags for replication, those that mean something to --repl-protocol legacy. */
const LEGACY_FLAGS: ReadonlySet<string> = new Set([
  'repl-protocol',
  'repl-listen',
  'repl-insecure',
  'repl-pair',
  'repl-ready-timeout',
  'repl-exclude',
  'repl-flush',
]);
/** sun_path holds 108 bytes with its NUL; the socket is made beside its place, under a name that is longer. */
const UNIX_PATH_BYTES_MAX = 90;

/**
 * @param argv the arguments after the program's name
 * @throws FatalError (status 64) on anything that can't be done
 */
export function parseCommandLine(argv: readonly string[]): Command {
  const given = splitArgv(argv);
  if (given.some(({ flag }) => flag.long === 'help')) return { kind: 'help' };
  if (given.some(({ flag }) => flag.long === 'version')) return { kind: 'version' };
  const values = collect(given);

  const port = wholeNumber(values, 'p', { fallback: DEFAULT_PORT, min: 1, max: 65_535, unit: 'a port' });
  const udpPort = wholeNumber(values, 'U', { fallback: 0, min: 0, max: 65_535, unit: 'a port' });
  const memoryMb = wholeNumber(values, 'm', {
    fallback: 64,
    min: MIN_MEMORY_BYTES / MIB,
    max: MAX_MEMORY_BYTES / MIB,
    unit: 'megabytes',
  });
  const unixSocket = unixSocketOptions(values);
  const addresses = clientEndpoints(values.get('l') ?? [], port);
  // As memcached: the unix socket takes the network's place.
  const listen = unixSocket === undefined ? addresses : [];
  if (unixSocket === undefined) checkUdp(values, udpPort, addresses);
  const givenProtocol = last(values, 'B');
  const extended = parseExtended(values.get('o') ?? []);
  const replication = replicationOptions(values, listen);
  checkAddressAcks(listen, replication);
  return {
    kind: 'run',
    options: {
      listen,
      udpPort: unixSocket === undefined ? udpPort : 0,
      unixSocket,
      protocol: protocolWithAuth({
        authFile: last(values, 'Y'),
        sasl: values.has('S'),
        protocol: givenProtocol === undefined ? undefined : clientProtocol('-B', givenProtocol),
        udpPort,
        listen,
      }),
      authFile: last(values, 'Y'),
      sasl: values.has('S'),
      tls: values.has('Z') ? tlsSettings(extended.tls) : undefined,
      idleTimeoutSec: extended.idleTimeoutSec,
      allowFlush: !values.has('F') && replication?.flush !== 'refuse',
      allowShutdown: values.has('A'),
      allowDumps: !values.has('disable-dumping'),
      allowWatch: !values.has('W'),
      pidFile: last(values, 'P'),
      memoryFile: last(values, 'e'),
      daemon: values.has('d'),
      coreDumps: values.has('r'),
      lockMemory: values.has('k'),
      notes: notes(given, extended, unixSocket),
      user: last(values, 'u'),
      memoryBytes: memoryMb * MIB,
      maxItemBytes: itemSize(last(values, 'I'), memoryMb * MIB),
      growthFactor: growthFactor(last(values, 'f')),
      minItemSpaceBytes: wholeNumber(values, 'n', { fallback: 48, min: 1, max: 1024, unit: 'bytes' }),
      refuseWhenFull: values.has('M'),
      threads: threadCount(values),
      maxConnections: wholeNumber(values, 'c', {
        fallback: 1024,
        min: 1,
        max: 1_000_000,
        unit: 'connections',
      }),
      verbose: values.has('v'),
      replication,
    },
  };
}

/** Values by flag name without dashes: the letter where there is one, else the long name. */
type Values = ReadonlyMap<string, readonly string[]>;

function collect(given: readonly GivenFlag[]): Values {
  const values = new Map<string, string[]>();
  for (const { flag, value } of given) {
    if (flag.instead !== undefined) {
      throw new FatalError(`${flagName(flag)} (${flag.help}) does not work in this version: ${flag.instead}`);
    }
    const key = flagName(flag).replace(/^-+/, '');
    values.set(key, [...(values.get(key) ?? []), value]);
  }
  return values;
}

function last(values: Values, key: string): string | undefined {
  return values.get(key)?.at(-1);
}

interface NumberRule {
  readonly fallback: number;
  readonly min: number;
  readonly max: number;
  /** What the number is, for the message. */
  readonly unit: string;
}

function wholeNumber(values: Values, key: string, rule: NumberRule): number {
  const text = last(values, key);
  if (text === undefined) return rule.fallback;
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= rule.min && number <= rule.max) return number;
  const range = rule.min === rule.max ? '' : ` from ${rule.min} to ${rule.max}`;
  throw new FatalError(`${key.length === 1 ? '-' : '--'}${key} ${text}: must be ${rule.unit}${range}`);
}

/** `auto` is what is taken without -t, for whoever writes the flag before knowing the host. */
function threadCount(values: Values): number {
  const fallback = Math.min(DEFAULT_THREADS_MAX, availableParallelism());
  if (last(values, 't') === 'auto') return fallback;
  return wholeNumber(values, 't', { fallback, min: 1, max: 64, unit: 'auto or a number' });
}

function growthFactor(text: string | undefined): number {
  if (text === undefined) return 1.25;
  const factor = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (factor > 1 && factor <= 16) return factor;
  throw new FatalError(`-f ${text}: must be a number greater than 1, 16 at most`);
}

function itemSize(text: string | undefined, memoryBytes: number): number {
  if (text === undefined) return DEFAULT_ITEM_BYTES;
  const match = /^(\d{1,9})([km]?)$/i.exec(text);
  const sizeBytes = match === null ? Number.NaN : Number(match[1]) * SUFFIX_BYTES[match[2].toLowerCase()];
  if (!(sizeBytes >= KIB && sizeBytes <= MAX_ITEM_BYTES)) {
    throw new FatalError(`-I ${text}: must be from 1k to 128m`);
  }
  if (sizeBytes > memoryBytes / 2) throw new FatalError(`-I ${text}: must be half of -m at most`);
  return sizeBytes;
}

function unixSocketOptions(values: Values): UnixSocketOptions | undefined {
  const path = last(values, 's');
  const mask = last(values, 'a');
  if (mask !== undefined && !/^[0-7]{1,4}$/.test(mask)) {
    throw new FatalError(`-a ${mask}: must be permission bits in octal, as in 0770`);
  }
  if (path === undefined) return undefined;
  if (path === '' || Buffer.byteLength(path) > UNIX_PATH_BYTES_MAX) {
    throw new FatalError(`-s ${path}: must be a path of 1 to ${UNIX_PATH_BYTES_MAX} bytes`);
  }
  return { path, mode: mask === undefined ? DEFAULT_UNIX_MODE : Number.parseInt(mask, 8) & 0o777 };
}

/** Whoever can fake a sender's address makes a UDP cache send its answers there, many times the size of the request. */
function checkUdp(values: Values, udpPort: number, addresses: readonly Endpoint[]): void {
  const open = addresses.find(({ host }) => !isLoopback(host))?.host;
  if (udpPort === 0 || open === undefined || values.has('udp-insecure')) return;
  throw new FatalError(
    `-U ${udpPort} off loopback (${open}) would let anyone use this node to flood others: listen on loopback ` +
      '(-l 127.0.0.1), leave -U out, or insist with --udp-insecure behind a firewall that lets only your clients in',
  );
}

/** What the operator should know of flags that were taken and do nothing. */
function notes(
  given: readonly GivenFlag[],
  extended: ExtendedOptions,
  unixSocket: UnixSocketOptions | undefined,
): string[] {
  const flags = new Set(given.map(({ flag }) => flag));
  const lines = [...flags].flatMap((flag) =>
    flag.ignored === undefined ? [] : [`${flagName(flag)} changes nothing: ${flag.ignored}`],
  );
  if (extended.ignored.length > 0) lines.push(`-o ${extended.ignored.join(',')} changes nothing here`);
  const network = [...flags].filter(({ letter }) => letter !== undefined && 'lpUZ'.includes(letter));
  if (unixSocket !== undefined && network.length > 0) {
    lines.push(`${network.map(flagName).join(' and ')} changes nothing: with -s there is no network`);
  }
  return lines;
}

function replicationOptions(values: Values, clients: readonly Endpoint[]): ReplicationOptions | undefined {
  const ours = [...values.keys()].find((key) => key.startsWith('repl-'));
  const peerHost = last(values, 'x')?.replace(/^\[(.*)\]$/, '$1');
  if (peerHost === undefined && !values.has('X')) {
    if (ours !== undefined) throw new FatalError(`--${ours}: needs replication to be on, with -x or -X`);
    return undefined;
  }
  if (peerHost === '') throw new FatalError('-x: needs the host name or address of the peer');

  const protocol = replicationProtocol(values);
  const [listenPort, peerPort] = replicationPorts(last(values, 'X'));
  const secretFile = last(values, 'repl-secret-file');
  const open = secretFile !== undefined || values.has('repl-insecure');
  const listenHost = last(values, 'repl-listen') ?? defaultReplicationHost(clients, peerHost, open);
  const remote = [peerHost, listenHost].find((host) => host !== undefined && !isLoopback(host));
  if (!open && remote !== undefined) {
    if (protocol === 'legacy') {
      throw new FatalError(
        `replication off loopback (${remote}) by the legacy protocol, which has no secrets, needs --repl-insecure: ` +
          'whoever reaches the port from the address of the peer may read and write everything',
      );
    }
    throw new FatalError(
      `replication off loopback (${remote}) needs --repl-secret-file FILE ` +
        'with the same secret on both nodes, or --repl-insecure if whoever reaches the port may read and write everything',
    );
  }
  return {
    protocol,
    listen: { host: listenHost, port: listenPort },
    peer: peerHost === undefined ? undefined : { host: peerHost, port: peerPort },
    secretFile,
    tls: linkTlsSettings({
      isOn: values.has('repl-tls'),
      certificateFile: last(values, 'repl-tls-cert'),
      keyFile: last(values, 'repl-tls-key'),
      authoritiesFile: last(values, 'repl-tls-ca'),
    }),
    pairId: last(values, 'repl-pair') ?? '',
    localKeys: localKeys(values.get('repl-exclude') ?? []),
    flush: flushPolicy(last(values, 'repl-flush')),
    ack: ackMode(last(values, 'repl-ack') ?? 'none'),
    syncBytesPerSec: syncRate(last(values, 'repl-sync-rate')),
    readyTimeoutMs:
      wholeNumber(values, 'repl-ready-timeout', {
        fallback: DEFAULT_READY_TIMEOUT_SEC,
        min: 0,
        max: 86_400,
        unit: 'seconds',
      }) * 1000,
  };
}

function localKeys(patterns: readonly string[]): readonly string[] {
  try {
    new KeyPatterns(patterns);
  } catch (error) {
    if (error instanceof RangeError) throw new FatalError(`--repl-exclude: ${error.message}`);
    throw error;
  }
  return patterns;
}

function flushPolicy(text = 'replicate'): FlushPolicy {
  const policy = FLUSH_POLICIES.find((name) => name === text);
  if (policy === undefined)
    throw new FatalError(`--repl-flush ${text}: must be ${FLUSH_POLICIES.join(', ')}`);
  return policy;
}

function replicationProtocol(values: Values): ReplicationProtocol {
  const name = last(values, 'repl-protocol') ?? 'own';
  if (name === 'own') return name;
  if (name !== 'legacy') throw new FatalError(`--repl-protocol ${name}: must be own or legacy`);
  // A unit that was made for our own protocol names a secret; who insists knows that none is proven.
  const insists = values.has('repl-insecure');
  const senseless = [...values.keys()].find(
    (key) => key.startsWith('repl-') && !LEGACY_FLAGS.has(key) && !(insists && key === 'repl-secret-file'),
  );
  if (senseless === undefined) return name;
  throw new FatalError(`--${senseless}: the legacy protocol has no such thing, so leave it out`);
}

function syncRate(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  const match = /^(\d{1,9})([kmg]?)$/i.exec(text);
  const bytesPerSec = match === null ? 0 : Number(match[1]) * SUFFIX_BYTES[match[2].toLowerCase()];
  if (bytesPerSec >= SYNC_RATE_MIN) return bytesPerSec;
  throw new FatalError(`--repl-sync-rate ${text}: must be bytes a second, 64k or more, with k, m or g`);
}

/** -X LISTEN[:CONNECT]; what is left out is the port before it, or the default. */
function replicationPorts(text: string | undefined): [listenPort: number, peerPort: number] {
  if (text === undefined) return [DEFAULT_REPLICATION_PORT, DEFAULT_REPLICATION_PORT];
  const match = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(text);
  const listenPort = Number(match?.[1] ?? 0);
  const peerPort = Number(match?.[2] ?? listenPort);
  if (listenPort >= 1 && listenPort <= 65_535 && peerPort >= 1 && peerPort <= 65_535)
    return [listenPort, peerPort];
  throw new FatalError(`-X ${text}: must be LISTEN or LISTEN:CONNECT, two ports from 1 to 65535`);
}

/** The first -l address that the peer can reach; without -l, no wider than the peer and the secret allow. */
function defaultReplicationHost(
  clients: readonly Endpoint[],
  peerHost: string | undefined,
  open: boolean,
): string {
  const peerIsHere = peerHost === undefined ? !open : isLoopback(peerHost);
  const hosts = clients.length === 0 ? [ALL_INTERFACES] : clients.map((endpoint) => endpoint.host);
  if (!peerIsHere) return hosts.find((host) => !isLoopback(host)) ?? hosts[0];
  return hosts.find(isLoopback) ?? (hosts[0] === ALL_INTERFACES ? '127.0.0.1' : hosts[0]);
}
