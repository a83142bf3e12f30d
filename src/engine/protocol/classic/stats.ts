// The stats command: which group, and its answer.
import type { Store } from '../../store/store.js';
import type { ReplyBuffer } from '../reply-buffer.js';
import type { ServerFacts, StatLine } from '../server-facts.js';
import type { CommandLine } from './command-line.js';
import type { Listing } from './listing.js';
import {
  BAD_COMMAND_LINE,
  BAD_FORMAT,
  CACHEDUMP_FORBIDDEN,
  DETAIL_FORBIDDEN,
  DETAIL_USAGE,
  END,
  ERROR,
  ILLEGAL_SLAB_ID,
  OK,
  RESET,
} from './replies.js';
import { SLAB_ID_MAX } from './slab-ids.js';
import { itemsStats, slabsStats } from './stats-classes.js';
import { generalStats } from './stats-general.js';
import { settingsStats } from './stats-settings.js';

/**
 * Answers `stats` with or without a group. The lock is held.
 * @param listing what makes long listings; without one there is no cachedump (as in the binary protocol)
 */
export function answerStats(
  line: CommandLine,
  store: Store,
  server: ServerFacts,
  reply: ReplyBuffer,
  listing?: Listing,
): void {
  // `noreply` too is a group that there is not.
  switch (line.text(1)) {
    case '':
      writeStats(generalStats(store, server), reply);
      break;
    case 'settings':
      writeStats(settingsStats(store, server), reply);
      break;
    case 'items':
      writeStats(itemsStats(store), reply);
      break;
    case 'slabs':
      writeStats(slabsStats(store), reply);
      break;
    case 'conns':
      writeStats(server.connections(), reply);
      break;
    case 'replication':
      writeStats(server.replication(), reply);
      break;
    case 'sizes':
      writeStats([['sizes_status', 'disabled']], reply);
      break;
    case 'reset':
      store.resetStats();
      server.resetStats();
      reply.write(RESET);
      break;
    case 'detail':
      answerDetail(line.text(2), store, server, reply);
      break;
    case 'cachedump':
      answerCachedump(line, server, reply, listing);
      break;
    default:
      reply.write(ERROR);
  }
}

function writeStats(lines: Iterable<StatLine>, reply: ReplyBuffer): void {
  for (const [key, value] of lines) reply.writeText(`STAT ${key} ${value}\r\n`);
  reply.write(END);
}

/** `stats detail on|off|dump`: gets, hits, sets and deletes by the part of the key before a colon. */
function answerDetail(mode: string, store: Store, server: ServerFacts, reply: ReplyBuffer): void {
  if (!server.settings().dumpEnabled) {
    reply.write(DETAIL_FORBIDDEN);
  } else if (mode === 'on' || mode === 'off') {
    store.prefixStats.isEnabled = mode === 'on';
    reply.write(OK);
  } else if (mode === 'dump') {
    for (const { prefix, gets, hits, sets, deletes } of store.prefixStats.entries()) {
      reply.writeText(`PREFIX ${prefix} get ${gets} hit ${hits} set ${sets} del ${deletes}\r\n`);
    }
    reply.write(END);
  } else {
    reply.write(DETAIL_USAGE);
  }
}

/** `stats cachedump <class> <limit>`: the lines follow, portion by portion. */
function answerCachedump(
  line: CommandLine,
  server: ServerFacts,
  reply: ReplyBuffer,
  listing: Listing | undefined,
): void {
  const isNumber = (word: number): boolean => /^\d{1,10}$/.test(line.text(word));
  if (listing === undefined) reply.write(ERROR);
  else if (!server.settings().dumpEnabled) reply.write(CACHEDUMP_FORBIDDEN);
  else if (line.count < 4) reply.write(BAD_COMMAND_LINE);
  else if (!isNumber(2) || !isNumber(3)) reply.write(BAD_FORMAT);
  else if (Number(line.text(2)) > SLAB_ID_MAX) reply.write(ILLEGAL_SLAB_ID);
  else {
    const linesMax = Number(line.text(3)) || Number.POSITIVE_INFINITY;
    listing.begin('cachedump', new Set([Number(line.text(2))]), linesMax, reply);
  }
}
