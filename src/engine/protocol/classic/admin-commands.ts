// slabs, lru, cache_memlimit, shutdown: memcached's own knobs. Where ours has no such knob the answer says so.
import type { Store } from '../../store/store.js';
import type { ServerFacts } from '../server-facts.js';
import type { CommandLine } from './command-line.js';
import {
  AUTOMOVE_ALWAYS,
  AUTOMOVE_BAD_WINDOW,
  AUTOMOVE_UNTUNABLE,
  BAD_FORMAT,
  BAD_SHUTDOWN_MODE,
  ERROR,
  LRU_BAD_FACTOR,
  LRU_BAD_PERCENT,
  LRU_FLAT,
  LRU_NO_TEMP,
  LRU_UNTUNABLE,
  MEMLIMIT_FIXED,
  MEMLIMIT_NOT_BYTES,
  MEMLIMIT_TOO_SMALL,
  OK,
  REASSIGN_BAD_CLASS,
  REASSIGN_NO_SPARE,
  REASSIGN_SAME,
  SHUTDOWN_DISABLED,
} from './replies.js';
import { SLAB_ID_MIN } from './slab-ids.js';

const MIB = 1024 * 1024;
const MEMLIMIT_MIN_MB = 8;
const MEMLIMIT_MAX_MB = 1_000_000_000;
const WINDOW_MIN_SEC = 3;
const WINDOW_MAX_SEC = 1800;
const PERCENT_MAX = 80;
/** What memcached calls "any class". */
const ANY_CLASS = -1;

const INTEGER = /^-?\d{1,10}$/;
const WHOLE_NUMBER = /^\d{1,10}$/;
const DECIMAL = /^-?\d+(\.\d*)?$/;

/** `slabs reassign <from> <to>`, `slabs automove ...`. The lock is held. */
export function answerSlabs(line: CommandLine, store: Store): Uint8Array {
  if (line.count === 4 && line.text(1) === 'reassign') return reassign(line.text(2), line.text(3), store);
  if (line.count >= 3 && line.text(1) === 'automove') return answerAutomove(line);
  return ERROR;
}

function reassign(from: string, to: string, store: Store): Uint8Array {
  if (!INTEGER.test(from) || !INTEGER.test(to)) return BAD_FORMAT;
  const source = Number(from);
  const target = Number(to);
  if (source === target) return REASSIGN_SAME;
  const classCount = store.slabs.sizes.length;
  const isClass = (id: number): boolean => id >= SLAB_ID_MIN && id <= classCount;
  if (!isClass(target) || (source !== ANY_CLASS && !isClass(source))) return REASSIGN_BAD_CLASS;
  const slabClass = source === ANY_CLASS ? store.slabs.oldestClass() : source - SLAB_ID_MIN;
  if (slabClass < 0 || slabClass === target - SLAB_ID_MIN) return REASSIGN_NO_SPARE;
  return store.reassignPage(slabClass) ? OK : REASSIGN_NO_SPARE;
}

function answerAutomove(line: CommandLine): Uint8Array {
  const argument = line.text(2);
  if (argument === 'ratio' || argument === 'freeratio') {
    return line.count > 3 && DECIMAL.test(line.text(3)) ? AUTOMOVE_UNTUNABLE : ERROR;
  }
  if (argument === 'window') {
    if (line.count < 4 || !WHOLE_NUMBER.test(line.text(3))) return BAD_FORMAT;
    const windowSec = Number(line.text(3));
    return windowSec < WINDOW_MIN_SEC || windowSec > WINDOW_MAX_SEC
      ? AUTOMOVE_BAD_WINDOW
      : AUTOMOVE_UNTUNABLE;
  }
  if (!WHOLE_NUMBER.test(argument)) return BAD_FORMAT;
  const level = Number(argument);
  if (level > 2) return ERROR;
  return level === 1 ? OK : AUTOMOVE_ALWAYS;
}

/** `lru tune|mode|temp_ttl ...`: what ours can honestly agree to is a flat queue and no items kept for their TTL. */
export function answerLru(line: CommandLine): Uint8Array {
  const argument = line.text(2);
  switch (line.text(1)) {
    case 'tune':
      return answerTune(line);
    case 'mode':
      if (argument === 'segmented') return LRU_FLAT;
      return argument === 'flat' ? OK : ERROR;
    case 'temp_ttl':
      if (!INTEGER.test(argument)) return ERROR;
      return Number(argument) < 0 ? OK : LRU_NO_TEMP;
    default:
      return ERROR;
  }
}

function answerTune(line: CommandLine): Uint8Array {
  const isWellFormed =
    WHOLE_NUMBER.test(line.text(2)) &&
    WHOLE_NUMBER.test(line.text(3)) &&
    DECIMAL.test(line.text(4)) &&
    DECIMAL.test(line.text(5));
  if (!isWellFormed) return ERROR;
  if (Number(line.text(2)) + Number(line.text(3)) > PERCENT_MAX) return LRU_BAD_PERCENT;
  if (Number(line.text(4)) <= 0 || Number(line.text(5)) <= 0) return LRU_BAD_FACTOR;
  return LRU_UNTUNABLE;
}

/** `cache_memlimit <megabytes>`: memory is laid out at the start, so only its present size is granted. */
export function answerMemlimit(line: CommandLine, server: ServerFacts): Uint8Array {
  if (!WHOLE_NUMBER.test(line.text(1))) return ERROR;
  const limitMb = Number(line.text(1));
  if (limitMb < MEMLIMIT_MIN_MB) return MEMLIMIT_TOO_SMALL;
  if (limitMb > MEMLIMIT_MAX_MB) return MEMLIMIT_NOT_BYTES;
  return limitMb * MIB === server.settings().maxMemoryBytes ? OK : MEMLIMIT_FIXED;
}

/** `refresh_certs`: OK says that they are being read, outside the lock; what becomes of it is in the log. */
export function answerRefreshCerts(server: ServerFacts): Uint8Array {
  if (server.settings().tls === undefined) return ERROR;
  server.refreshCertificates();
  return OK;
}

/** `shutdown [graceful]`: undefined when the node stops, which closes the connection without a reply. */
export function answerShutdown(line: CommandLine, server: ServerFacts): Uint8Array | undefined {
  if (!server.settings().shutdownEnabled) return SHUTDOWN_DISABLED;
  if (line.count > 2 || (line.count === 2 && line.text(1) !== 'graceful')) return BAD_SHUTDOWN_MODE;
  server.shutdown();
  return undefined;
}
