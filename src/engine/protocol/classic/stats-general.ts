// The general statistics: memcached's keys, in its order, for the tools and dashboards that read them.
import type { CounterName } from '../../store/counters.js';
import type { Store } from '../../store/store.js';
import type { ServerFacts, StatLine } from '../server-facts.js';

const COMMAND_COUNTERS: readonly (readonly [key: string, counter: CounterName])[] = [
  ['cmd_get', 'cmdGet'],
  ['cmd_set', 'cmdSet'],
  ['cmd_flush', 'cmdFlush'],
  ['cmd_touch', 'cmdTouch'],
  ['cmd_meta', 'cmdMeta'],
  ['get_hits', 'getHits'],
  ['get_misses', 'getMisses'],
  ['get_expired', 'getExpired'],
  ['get_flushed', 'getFlushed'],
  ['store_too_large', 'storeTooLarge'],
  ['store_no_memory', 'storeNoMemory'],
  ['delete_misses', 'deleteMisses'],
  ['delete_hits', 'deleteHits'],
  ['incr_misses', 'incrMisses'],
  ['incr_hits', 'incrHits'],
  ['decr_misses', 'decrMisses'],
  ['decr_hits', 'decrHits'],
  ['cas_misses', 'casMisses'],
  ['cas_hits', 'casHits'],
  ['cas_badval', 'casBadval'],
  ['touch_hits', 'touchHits'],
  ['touch_misses', 'touchMisses'],
  ['auth_cmds', 'authCmds'],
  ['auth_errors', 'authErrors'],
];

/** The lines of `stats`. The lock is held. */
export function* generalStats(store: Store, server: ServerFacts): Iterable<StatLine> {
  const facts = server.process();
  const settings = server.settings();
  yield ['pid', facts.pid];
  yield ['uptime', facts.uptimeSec];
  yield ['time', store.nowSec];
  yield ['version', server.version];
  yield ['pointer_size', 64];
  yield ['rusage_user', facts.userCpuSec.toFixed(6)];
  yield ['rusage_system', facts.systemCpuSec.toFixed(6)];
  yield ['max_connections', facts.maxConnections];
  yield ['curr_connections', facts.currConnections];
  yield ['total_connections', facts.totalConnections];
  yield ['rejected_connections', facts.rejectedConnections];
  if (settings.idleTimeoutSec > 0) yield ['idle_kicks', facts.idleKicks];
  yield ['connection_structures', facts.currConnections];
  yield* zeros(['response_obj_oom', 'response_obj_count', 'response_obj_bytes']);
  yield* zeros(['read_buf_count', 'read_buf_bytes', 'read_buf_bytes_free', 'read_buf_oom', 'reserved_fds']);
  for (const [key, counter] of COMMAND_COUNTERS) yield [key, store.counters.read(counter)];
  yield ['bytes_read', facts.bytesRead];
  yield ['bytes_written', facts.bytesWritten];
  yield ['limit_maxbytes', settings.maxMemoryBytes];
  yield ['accepting_conns', facts.acceptingConnections ? 1 : 0];
  yield ['listen_disabled_num', facts.listenDisabledCount];
  yield ['time_in_listen_disabled_us', facts.listenDisabledUs];
  yield ['threads', facts.threads];
  yield ['conn_yields', facts.connectionYields];
  yield ['hash_power_level', Math.floor(Math.log2(store.bucketCount))];
  yield ['hash_bytes', store.bucketCount * 4];
  yield ['hash_is_expanding', 0];
  yield* zeros(['slab_reassign_rescues', 'slab_reassign_chunk_rescues', 'slab_reassign_inline_reclaim']);
  yield* zeros(['slab_reassign_busy_items', 'slab_reassign_busy_deletes', 'slab_reassign_busy_nomem']);
  yield ['slab_reassign_last_busy_status', 'none'];
  yield ['slab_reassign_running', 0];
  yield ['slabs_moved', store.counters.read('slabsMoved')];
  yield ['lru_crawler_running', store.sweepPace.isEnabled ? 1 : 0];
  yield* zeros(['lru_crawler_starts', 'lru_maintainer_juggles', 'malloc_fails']);
  yield ['log_worker_dropped', 0];
  yield ['log_worker_written', store.watchLog.writtenCount];
  yield ['log_watcher_skipped', store.watchLog.skippedCount];
  yield ['log_watcher_sent', store.watchLog.sentCount];
  yield ['log_watchers', store.watchLog.watcherCount];
  if (facts.tls !== undefined) {
    yield ['ssl_handshake_errors', facts.tls.handshakeErrors];
    yield ['ssl_proto_errors', facts.tls.recordErrors];
    yield ['time_since_server_cert_refresh', facts.tls.certificateAgeSec];
  }
  yield* zeros(['unexpected_napi_ids', 'round_robin_fallback']);
  yield ['bytes', store.counters.read('bytes')];
  yield ['curr_items', store.counters.read('currItems')];
  yield ['total_items', store.counters.read('totalItems')];
  yield ['slab_global_page_pool', store.slabs.sparePages];
  yield ['expired_unfetched', store.counters.read('expiredUnfetched')];
  yield ['evicted_unfetched', store.counters.read('evictedUnfetched')];
  yield ['evicted_active', 0];
  yield ['evictions', store.counters.read('evictions')];
  yield ['reclaimed', store.counters.read('reclaimed')];
  yield ['crawler_reclaimed', store.classCounters.total('crawlerReclaimed')];
  yield ['crawler_items_checked', store.classCounters.total('crawlerItemsChecked')];
  yield* zeros(['lrutail_reflocked', 'moves_to_cold', 'moves_to_warm', 'moves_within_lru']);
  yield* zeros(['direct_reclaims', 'lru_bumps_dropped']);
}

/** What memcached counts of parts that we have not: dashboards look for the keys. */
function* zeros(keys: readonly string[]): Iterable<StatLine> {
  for (const key of keys) yield [key, 0];
}
