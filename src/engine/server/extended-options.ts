// -o: memcached's extended options. Those that mean something here, those that change nothing, and those that can't be.
import { FatalError } from './exit.js';
import type { TlsSettings } from './tls-settings.js';

export interface ExtendedOptions {
  /** A connection without a request for so long is closed; 0 = never. */
  readonly idleTimeoutSec: number;
  /** What the ssl_ options say; whether it counts is -Z's. */
  readonly tls: Partial<TlsSettings>;
  /** Options that were given and change nothing, in their order. */
  readonly ignored: readonly string[];
}

/** How each option that works is called in -h, and what it does. */
export const EXTENDED_HELP: readonly (readonly [name: string, help: string])[] = [
  ['idle_timeout=<sec>', 'close a connection without a request for so long (default: 0, never)'],
  ['maxconns_fast', 'answer connections above -c with an error and close them (always so)'],
  ['ssl_chain_cert=<file>', 'certificate and its chain, PEM; read again on SIGHUP and refresh_certs'],
  ['ssl_key=<file>', 'its private key, PEM (default: in the file of the certificate)'],
  ['ssl_ca_cert=<file>', "the authorities of clients' certificates, PEM"],
  ['ssl_verify_mode=<num>', 'client certificates: 0 not asked for, 1 verified if sent, 2 or 3 required'],
  ['ssl_min_version=<num>', 'least TLS version: 2 is 1.2 (default), 3 is 1.3'],
  ['ssl_ciphers=<list>', 'ciphers of TLS 1.2'],
];

/** They tune parts that are made differently here, or ask for what is so anyway. */
const WITHOUT_EFFECT = new Set([
  'hashpower',
  'hash_algorithm',
  'no_hashexpand',
  'tail_repair_time',
  'lru_crawler',
  'no_lru_crawler',
  'lru_crawler_sleep',
  'lru_crawler_tocrawl',
  'lru_maintainer',
  'no_lru_maintainer',
  'hot_lru_pct',
  'warm_lru_pct',
  'hot_max_factor',
  'warm_max_factor',
  'temporary_ttl',
  'slab_reassign',
  'no_slab_reassign',
  'slab_automove',
  'no_slab_automove',
  'slab_automove_ratio',
  'slab_automove_window',
  'slab_automove_freeratio',
  'slab_chunk_max',
  'read_buf_mem_limit',
  'resp_obj_mem_limit',
  'watcher_logbuf_size',
  'worker_logbuf_size',
  'track_sizes',
  'modern',
  'no_modern',
  'no_drop_privileges',
  'drop_privileges',
  'maxconns_fast',
  'ssl_wbuf_size',
  'ssl_session_cache',
  'ssl_kernel_tls',
]);

/** What else memcached has, and why not here. */
const REFUSED: Readonly<Record<string, string>> = {
  no_maxconns_fast: 'the runtime can not leave connections waiting in the kernel; leave it out',
  sock_cookie_id: 'mark the traffic by its ports in the firewall instead',
};

/** The names in -h that stand for "accepted, changes nothing". */
export const EXTENDED_WITHOUT_EFFECT: readonly string[] = [...WITHOUT_EFFECT].filter(
  (name) => name !== 'maxconns_fast',
);

const MAX_IDLE_SEC = 1_000_000_000;

/**
 * @param given the values of -o, each a list with commas
 * @throws FatalError on an option that memcached does not have, that can't be had here, or with a bad value
 */
export function parseExtended(given: readonly string[]): ExtendedOptions {
  let idleTimeoutSec = 0;
  const tls: { -readonly [Key in keyof TlsSettings]?: TlsSettings[Key] } = {};
  const ignored: string[] = [];
  for (const word of given.flatMap((value) => value.split(',')).filter((word) => word !== '')) {
    const equals = word.indexOf('=');
    const name = equals === -1 ? word : word.slice(0, equals);
    const value = equals === -1 ? undefined : word.slice(equals + 1);
    switch (name) {
      case 'idle_timeout':
        idleTimeoutSec = number(name, value, 0, MAX_IDLE_SEC);
        break;
      case 'ssl_chain_cert':
        tls.certificateFile = file(name, value);
        break;
      case 'ssl_key':
        tls.keyFile = file(name, value);
        break;
      case 'ssl_ca_cert':
        tls.authoritiesFile = file(name, value);
        break;
      case 'ssl_ciphers':
        tls.ciphers = file(name, value);
        break;
      case 'ssl_keyformat':
        if (value?.toUpperCase() !== 'PEM') {
          throw new FatalError(
            `-o ${word}: only PEM works here; convert the key with: openssl pkey -in KEY -out KEY.pem`,
          );
        }
        break;
      case 'ssl_verify_mode':
        tls.clientCertificates = (['none', 'verify', 'require', 'require'] as const)[
          number(name, value, 0, 3)
        ];
        break;
      case 'ssl_min_version':
        tls.minVersion = number(name, value, 2, 3) === 3 ? '1.3' : '1.2';
        break;
      default:
        refuse(name, word);
        if (name !== 'maxconns_fast') ignored.push(name);
    }
  }
  return { idleTimeoutSec, tls, ignored };
}

function refuse(name: string, word: string): void {
  if (WITHOUT_EFFECT.has(name)) return;
  if (Object.hasOwn(REFUSED, name)) throw new FatalError(`-o ${word} does not work here: ${REFUSED[name]}`);
  if (name.startsWith('ext_')) {
    throw new FatalError(
      `-o ${word}: there is no external storage here, all items are in memory; leave it out`,
    );
  }
  throw new FatalError(`-o ${word}: memcached has no such option, see -h`);
}

function number(name: string, value: string | undefined, min: number, max: number): number {
  const parsed = value !== undefined && /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN;
  if (parsed >= min && parsed <= max) return parsed;
  throw new FatalError(`-o ${name}=${value ?? ''}: must be a number from ${min} to ${max}`);
}

function file(name: string, value: string | undefined): string {
  if (value === undefined || value === '')
    throw new FatalError(`-o ${name}: needs a value, as in ${name}=...`);
  return value;
}
