// The stats command: memcached's keys, in its order, for the tools and dashboards that read them.
import type { CounterName } from '../../store/counters.js';
import type { Store } from '../../store/store.js';
import type { ReplyBuffer } from '../reply-buffer.js';
import type { ServerFacts, StatLine } from '../server-facts.js';
import type { CommandLine } from './command-line.js';
import { DETAIL_USAGE, END, ERROR, RESET } from './replies.js';

const word = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const SETTINGS = word('settings');
const ITEMS = word('items');
const SLABS = word('slabs');
const SIZES = word('sizes');
const DETAIL = word('detail');
const RESET_WORD = word('reset');
const REPLICATION = word('replication');

/** Answers `stats` with or without a group. */
export function answerStats(line: CommandLine, store: Store, server: ServerFacts, reply: ReplyBuffer): void {
  if (line.count === 1) writeStats(generalStats(store, server), reply);
  else if (line.is(1, SETTINGS)) writeStats(settingsStats(server), reply);
  else if (line.is(1, ITEMS)) writeStats(itemsStats(store), reply);
  else if (line.is(1, SLABS)) writeStats(slabsStats(store), reply);
  else if (line.is(1, REPLICATION)) writeStats(server.replication(), reply);
  else if (line.is(1, SIZES)) writeStats([['sizes_status', 'disabled']], reply);
  else if (line.is(1, DETAIL)) reply.write(DETAIL_USAGE);
  else if (line.is(1, RESET_WORD)) {
    store.resetStats();
    server.resetStats();
    reply.write(RESET);
  } else {
    // `noreply` too is a group that there is not.
    reply.write(ERROR);
  }
}

function writeStats(lines: Iterable<StatLine>, reply: ReplyBuffer): void {
  for (const [key, value] of lines) reply.writeText(`STAT ${key} ${value}\r\n`);
  reply.write(END);
}

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

function* generalStats(store: Store, server: ServerFacts): Iterable<StatLine> {
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
  yield ['connection_structures', facts.currConnections];
  for (const [key, counter] of COMMAND_COUNTERS) yield [key, store.counters.read(counter)];
  yield ['bytes_read', facts.bytesRead];
  yield ['bytes_written', facts.bytesWritten];
  yield ['limit_maxbytes', settings.maxMemoryBytes];
  yield ['accepting_conns', facts.acceptingConnections ? 1 : 0];
  yield ['listen_disabled_num', facts.listenDisabledCount];
  yield ['time_in_listen_disabled_us', 0];
  yield ['threads', facts.threads];
  yield ['conn_yields', 0];
  yield ['hash_power_level', Math.floor(Math.log2(store.bucketCount))];
  yield ['hash_bytes', store.bucketCount * 4];
  yield ['hash_is_expanding', 0];
  yield ['slab_reassign_running', 0];
  yield ['slabs_moved', store.counters.read('slabsMoved')];
  yield ['bytes', store.counters.read('bytes')];
  yield ['curr_items', store.counters.read('currItems')];
  yield ['total_items', store.counters.read('totalItems')];
  yield ['expired_unfetched', store.counters.read('expiredUnfetched')];
  yield ['evicted_unfetched', store.counters.read('evictedUnfetched')];
  yield ['evictions', store.counters.read('evictions')];
  yield ['reclaimed', store.counters.read('reclaimed')];
}

function* settingsStats(server: ServerFacts): Iterable<StatLine> {
  const settings = server.settings();
  yield ['maxbytes', settings.maxMemoryBytes];
  yield ['maxconns', settings.maxConnections];
  yield ['tcpport', settings.tcpPort];
  yield ['udpport', settings.udpPort];
  yield ['inter', settings.listen === '' ? 'NULL' : settings.listen];
  yield ['verbosity', settings.verbosity];
  yield ['evictions', onOff(settings.evictions)];
  yield ['domain_socket', settings.unixSocket === '' ? 'NULL' : settings.unixSocket];
  yield ['growth_factor', settings.growthFactor.toFixed(2)];
  yield ['chunk_size', settings.minItemSpaceBytes];
  yield ['num_threads', settings.threads];
  yield ['detail_enabled', 'no'];
  yield ['cas_enabled', settings.casEnabled ? 'yes' : 'no'];
  yield ['tcp_backlog', settings.tcpBacklog];
  yield ['binding_protocol', settings.protocol === 'auto' ? 'auto-negotiate' : settings.protocol];
  yield ['auth_enabled_sasl', settings.saslEnabled ? 'yes' : 'no'];
  yield ['auth_enabled_ascii', settings.authFile === '' ? 'no' : settings.authFile];
  yield ['item_size_max', settings.itemSizeMaxBytes];
  yield ['maxconns_fast', 'yes'];
  yield ['flush_enabled', settings.flushEnabled ? 'yes' : 'no'];
  yield ['dump_enabled', 'no'];
  yield ['hash_algorithm', 'murmur3'];
  yield ['client_flags_size', 4];
}

function* itemsStats(store: Store): Iterable<StatLine> {
  const { slabs } = store;
  for (let slabClass = 0; slabClass < slabs.sizes.length; slabClass++) {
    const used = slabs.usedSlotsOfClass(slabClass);
    if (used === 0) continue;
    yield [`items:${slabClass + 1}:number`, used];
    yield [`items:${slabClass + 1}:evicted`, slabs.evictedOfClass(slabClass)];
  }
}

function* slabsStats(store: Store): Iterable<StatLine> {
  const { slabs } = store;
  let activeClasses = 0;
  for (let slabClass = 0; slabClass < slabs.sizes.length; slabClass++) {
    const pages = slabs.pagesOfClass(slabClass);
    if (pages === 0) continue;
    activeClasses++;
    const perPage = slabs.slotsPerPage[slabClass];
    const used = slabs.usedSlotsOfClass(slabClass);
    yield [`${slabClass + 1}:chunk_size`, slabs.sizes[slabClass]];
    yield [`${slabClass + 1}:chunks_per_page`, perPage];
    yield [`${slabClass + 1}:total_pages`, pages];
    yield [`${slabClass + 1}:total_chunks`, pages * perPage];
    yield [`${slabClass + 1}:used_chunks`, used];
    yield [`${slabClass + 1}:free_chunks`, pages * perPage - used];
  }
  yield ['active_slabs', activeClasses];
  yield ['total_malloced', store.memoryUsedBytes];
}

function onOff(isOn: boolean): string {
  return isOn ? 'on' : 'off';
}
