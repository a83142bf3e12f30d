// Statistics by slab class: memcached's keys, in its order. Ours has one queue in each class, which is called cold here.
import type { ClassCounterName } from '../../store/class-counters.js';
import type { Store } from '../../store/store.js';
import type { StatLine } from '../server-facts.js';

/** The lines of `stats items`. The lock is held. */
export function* itemsStats(store: Store): Iterable<StatLine> {
  const { slabs, classCounters } = store;
  for (let slabClass = 0; slabClass < slabs.sizes.length; slabClass++) {
    const number = classCounters.read(slabClass, 'items');
    if (number === 0) continue;
    const key = (name: string): string => `items:${slabClass + 1}:${name}`;
    const count = (name: ClassCounterName): number => classCounters.read(slabClass, name);
    const hits = count('getHits');
    yield [key('number'), number];
    yield [key('number_hot'), 0];
    yield [key('number_warm'), 0];
    yield [key('number_cold'), number];
    yield [key('age_hot'), 0];
    yield [key('age_warm'), 0];
    yield [key('age'), store.ageOfNextVictimSec(slabClass)];
    yield [key('mem_requested'), count('bytes')];
    yield [key('evicted'), slabs.evictedOfClass(slabClass)];
    yield [key('evicted_nonzero'), count('evictedNonzero')];
    yield [key('evicted_time'), count('evictedTimeSec')];
    yield [key('outofmemory'), count('outOfMemory')];
    yield [key('tailrepairs'), 0];
    yield [key('reclaimed'), count('reclaimed')];
    yield [key('expired_unfetched'), count('expiredUnfetched')];
    yield [key('evicted_unfetched'), count('evictedUnfetched')];
    yield [key('evicted_active'), 0];
    yield [key('crawler_reclaimed'), count('crawlerReclaimed')];
    yield [key('crawler_items_checked'), count('crawlerItemsChecked')];
    yield [key('lrutail_reflocked'), 0];
    yield [key('moves_to_cold'), 0];
    yield [key('moves_to_warm'), 0];
    yield [key('moves_within_lru'), 0];
    yield [key('direct_reclaims'), 0];
    yield [key('hits_to_hot'), 0];
    yield [key('hits_to_warm'), 0];
    yield [key('hits_to_cold'), hits];
    yield [key('hits_to_temp'), 0];
  }
}

/** The lines of `stats slabs`. The lock is held. */
export function* slabsStats(store: Store): Iterable<StatLine> {
  const { slabs, classCounters } = store;
  let activeClasses = 0;
  for (let slabClass = 0; slabClass < slabs.sizes.length; slabClass++) {
    const pages = slabs.pagesOfClass(slabClass);
    if (pages === 0) continue;
    activeClasses++;
    const key = (name: string): string => `${slabClass + 1}:${name}`;
    const count = (name: ClassCounterName): number => classCounters.read(slabClass, name);
    const perPage = slabs.slotsPerPage[slabClass];
    const used = slabs.usedSlotsOfClass(slabClass);
    yield [key('chunk_size'), slabs.sizes[slabClass]];
    yield [key('chunks_per_page'), perPage];
    yield [key('total_pages'), pages];
    yield [key('total_chunks'), pages * perPage];
    yield [key('used_chunks'), used];
    yield [key('free_chunks'), pages * perPage - used];
    yield [key('free_chunks_end'), 0];
    yield [key('get_hits'), count('getHits')];
    yield [key('cmd_set'), count('cmdSet')];
    yield [key('delete_hits'), count('deleteHits')];
    yield [key('incr_hits'), count('incrHits')];
    yield [key('decr_hits'), count('decrHits')];
    yield [key('cas_hits'), count('casHits')];
    yield [key('cas_badval'), count('casBadval')];
    yield [key('touch_hits'), count('touchHits')];
  }
  yield ['active_slabs', activeClasses];
  yield ['total_malloced', store.memoryUsedBytes];
}
