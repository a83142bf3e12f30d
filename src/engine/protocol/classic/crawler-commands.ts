// lru_crawler: the sweep that frees what has expired, and the listings that memcached's crawler makes.
import type { Store } from '../../store/store.js';
import type { ReplyBuffer } from '../reply-buffer.js';
import type { ServerFacts } from '../server-facts.js';
import type { CommandLine } from './command-line.js';
import type { Listing } from './listing.js';
import {
  BAD_CLASS,
  BAD_FORMAT,
  CRAWLER_DISABLED,
  CRAWLER_SLEEP_TOO_LONG,
  CRAWLER_UNLIMITED,
  ERROR,
  METADUMP_FORBIDDEN,
  MGDUMP_FORBIDDEN,
  OK,
} from './replies.js';
import { parseSlabIds } from './slab-ids.js';

const SLEEP_MAX_USEC = 1_000_000;

/** Answers `lru_crawler ...`; undefined when a listing was begun, which answers by itself. The lock is held. */
export function answerCrawler(
  line: CommandLine,
  store: Store,
  server: ServerFacts,
  listing: Listing,
  reply: ReplyBuffer,
): Uint8Array | undefined {
  if (line.count === 2) return answerSwitch(line.text(1), store);
  if (line.count !== 3) return ERROR;
  const argument = line.text(2);
  switch (line.text(1)) {
    case 'crawl':
      if (!store.sweepPace.isEnabled) return CRAWLER_DISABLED;
      if (parseSlabIds(argument) === null || argument === 'hash') return BAD_CLASS;
      // All classes at once, whichever are asked for: one walk over memory meets them all.
      store.restartSweep();
      return OK;
    case 'metadump':
    case 'mgdump':
      return beginDump(
        line.text(1) === 'mgdump' ? 'mgdump' : 'metadump',
        argument,
        store,
        server,
        listing,
        reply,
      );
    case 'sleep':
      return answerSleep(argument, store);
    case 'tocrawl':
      if (!/^\d{1,10}$/.test(argument)) return BAD_FORMAT;
      return Number(argument) === 0 ? OK : CRAWLER_UNLIMITED;
    default:
      return ERROR;
  }
}

function answerSwitch(mode: string, store: Store): Uint8Array {
  if (mode !== 'enable' && mode !== 'disable') return ERROR;
  store.sweepPace.isEnabled = mode === 'enable';
  return OK;
}

function answerSleep(argument: string, store: Store): Uint8Array {
  if (!/^\d{1,10}$/.test(argument)) return BAD_FORMAT;
  const sleepUsec = Number(argument);
  if (sleepUsec > SLEEP_MAX_USEC) return CRAWLER_SLEEP_TOO_LONG;
  store.sweepPace.sleepUsec = sleepUsec;
  return OK;
}

function beginDump(
  kind: 'metadump' | 'mgdump',
  argument: string,
  store: Store,
  server: ServerFacts,
  listing: Listing,
  reply: ReplyBuffer,
): Uint8Array | undefined {
  if (!store.sweepPace.isEnabled) return CRAWLER_DISABLED;
  if (!server.settings().dumpEnabled) return kind === 'mgdump' ? MGDUMP_FORBIDDEN : METADUMP_FORBIDDEN;
  const classes = parseSlabIds(argument);
  if (classes === null) return BAD_CLASS;
  listing.begin(kind, classes, Number.POSITIVE_INFINITY, reply);
  return undefined;
}
