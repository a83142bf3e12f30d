// The settings as statistics: memcached's keys, in its order; of knobs that we have not, what ours amounts to.
import type { Store } from '../../store/store.js';
import type { ServerFacts, StatLine, TlsOptions } from '../server-facts.js';

/** Of what ssl_verify_mode makes in OpenSSL, which is what memcached shows. */
const VERIFY_MODES = { none: 0, verify: 1, require: 3 };

/** The lines of `stats settings`. */
export function* settingsStats(store: Store, server: ServerFacts): Iterable<StatLine> {
  const settings = server.settings();
  yield ['maxbytes', settings.maxMemoryBytes];
  yield ['maxconns', settings.maxConnections];
  yield ['tcpport', settings.tcpPort];
  yield ['udpport', settings.udpPort];
  yield ['inter', settings.listen === '' ? 'NULL' : settings.listen];
  yield ['verbosity', settings.verbosity];
  yield ['oldest', 0];
  yield ['evictions', settings.evictions ? 'on' : 'off'];
  yield ['domain_socket', settings.unixSocket === '' ? 'NULL' : settings.unixSocket];
  yield ['umask', settings.unixSocketMode];
  yield ['shutdown_command', yesNo(settings.shutdownEnabled)];
  yield ['growth_factor', settings.growthFactor.toFixed(2)];
  yield ['chunk_size', settings.minItemSpaceBytes];
  yield ['num_threads', settings.threads];
  yield ['num_threads_per_udp', settings.udpPort === 0 ? 0 : 1];
  yield ['stat_key_prefix', ':'];
  yield ['detail_enabled', yesNo(store.prefixStats.isEnabled)];
  yield ['reqs_per_event', 0];
  yield ['cas_enabled', yesNo(settings.casEnabled)];
  yield ['tcp_backlog', settings.tcpBacklog];
  yield ['binding_protocol', settings.protocol === 'auto' ? 'auto-negotiate' : settings.protocol];
  yield ['auth_enabled_sasl', yesNo(settings.saslEnabled)];
  yield ['auth_enabled_ascii', settings.authFile === '' ? 'no' : settings.authFile];
  yield ['item_size_max', settings.itemSizeMaxBytes];
  yield ['maxconns_fast', 'yes'];
  yield ['hashpower_init', 0];
  yield ['slab_reassign', yesNo(settings.evictions)];
  yield ['slab_automove', 1];
  yield ['slab_automove_ratio', '0.00'];
  yield ['slab_automove_window', 0];
  yield ['slab_chunk_max', store.slabs.slotBytesMax];
  yield ['lru_crawler', yesNo(store.sweepPace.isEnabled)];
  yield ['lru_crawler_sleep', store.sweepPace.sleepUsec];
  yield ['lru_crawler_tocrawl', 0];
  yield ['tail_repair_time', 0];
  yield ['flush_enabled', yesNo(settings.flushEnabled)];
  yield ['dump_enabled', yesNo(settings.dumpEnabled)];
  yield ['hash_algorithm', 'murmur3'];
  yield ['lru_maintainer_thread', 'no'];
  yield ['lru_segmented', 'no'];
  yield ['hot_lru_pct', 0];
  yield ['warm_lru_pct', 0];
  yield ['hot_max_factor', '0.00'];
  yield ['warm_max_factor', '0.00'];
  yield ['temp_lru', 'no'];
  yield ['temporary_ttl', 0];
  yield ['idle_timeout', settings.idleTimeoutSec];
  yield ['watcher_logbuf_size', store.watchLog.sizeBytes];
  yield ['worker_logbuf_size', store.watchLog.sizeBytes];
  yield ['read_buf_mem_limit', 0];
  yield ['track_sizes', 'no'];
  yield ['inline_ascii_response', 'no'];
  yield* tlsSettings(settings.tls);
  yield ['num_napi_ids', 0];
  yield ['memory_file', settings.memoryFile === '' ? '(null)' : settings.memoryFile];
  yield ['client_flags_size', 4];
}

function* tlsSettings(tls: TlsOptions | undefined): Iterable<StatLine> {
  yield ['ssl_enabled', yesNo(tls !== undefined)];
  yield ['ssl_chain_cert', tls?.certificateFile ?? '(null)'];
  yield ['ssl_key', tls?.keyFile ?? tls?.certificateFile ?? '(null)'];
  yield ['ssl_verify_mode', VERIFY_MODES[tls?.clientCertificates ?? 'none']];
  // 1 is PEM.
  yield ['ssl_keyformat', 1];
  yield ['ssl_ciphers', tls?.ciphers ?? 'NULL'];
  yield ['ssl_ca_cert', tls?.authoritiesFile ?? 'NULL'];
  yield ['ssl_wbuf_size', 0];
  yield ['ssl_session_cache', 'no'];
  yield ['ssl_kernel_tls', 'no'];
  yield ['ssl_min_version', `tlsv${tls?.minVersion ?? '1.2'}`];
}

function yesNo(isYes: boolean): string {
  return isYes ? 'yes' : 'no';
}
