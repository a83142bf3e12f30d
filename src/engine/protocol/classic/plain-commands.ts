// Commands that fit in one line and one reply: delete, touch, incr, decr, flush_all, verbosity.
import { COUNTER } from '../../store/counters.js';
import { Decimal64 } from '../../store/decimal64.js';
import { absoluteExptime } from '../../store/exptime.js';
import { KEY_MAX_BYTES } from '../../store/layout.js';
import type { Store } from '../../store/store.js';
import { ARITH_NO_MEMORY, ARITH_NON_NUMERIC, ARITH_NOT_FOUND } from '../../store/store-types.js';
import type { ReplyBuffer } from '../reply-buffer.js';
import type { ServerFacts } from '../server-facts.js';
import type { CommandLine } from './command-line.js';
import {
  BAD_DELETE,
  BAD_DELTA,
  BAD_EXPTIME,
  BAD_FORMAT,
  CRLF,
  DELETED,
  ERROR,
  FLUSH_FORBIDDEN,
  NON_NUMERIC,
  NOT_FOUND_REPLY,
  OK,
  OUT_OF_MEMORY_INCR,
  TOUCHED,
} from './replies.js';

const ZERO = Buffer.from('0', 'latin1');
const delta = new Decimal64();

/** `delete <key> [0] [noreply]`. The 0 is what is left of a hold time that old clients still send. */
export function answerDelete(line: CommandLine, store: Store): Uint8Array {
  if (line.count < 2) return BAD_FORMAT;
  if (line.count > 4) return ERROR;
  const expected = (line.is(2, ZERO) ? 3 : 2) + (line.noreply ? 1 : 0);
  if (line.count > 2 && line.count !== expected) return BAD_DELETE;
  if (line.length(1) > KEY_MAX_BYTES) return BAD_FORMAT;
  return store.remove(line.bytes, line.start(1), line.length(1)) ? DELETED : NOT_FOUND_REPLY;
}

/** `touch <key> <exptime> [noreply]`. */
export function answerTouch(line: CommandLine, store: Store): Uint8Array {
  if (line.count < 3) return BAD_FORMAT;
  if (line.count > 4) return ERROR;
  if (line.length(1) > KEY_MAX_BYTES) return BAD_FORMAT;
  const exptime = line.integer(2);
  if (Number.isNaN(exptime)) return BAD_EXPTIME;
  const exptimeSec = absoluteExptime(exptime, store.nowSec);
  return store.touch(line.bytes, line.start(1), line.length(1), exptimeSec) ? TOUCHED : NOT_FOUND_REPLY;
}

/** `incr|decr <key> <delta> [noreply]`; writes its own reply when that is a number. */
export function answerArithmetic(
  line: CommandLine,
  store: Store,
  isIncrement: boolean,
  reply: ReplyBuffer,
): Uint8Array {
  if (line.count < 3) return BAD_FORMAT;
  if (line.count > 4) return ERROR;
  if (line.length(1) > KEY_MAX_BYTES) return BAD_FORMAT;
  if (!delta.parse(line.bytes, line.start(2), line.end(2))) return BAD_DELTA;
  const result = store.arithmetic(line.bytes, line.start(1), line.length(1), delta.hi, delta.lo, isIncrement);
  if (result === ARITH_NOT_FOUND) return NOT_FOUND_REPLY;
  if (result === ARITH_NON_NUMERIC) return NON_NUMERIC;
  if (result === ARITH_NO_MEMORY) return OUT_OF_MEMORY_INCR;
  if (!line.noreply) reply.writeNumber64(store.number.hi, store.number.lo);
  return CRLF;
}

/** `flush_all [exptime] [noreply]`. */
export function answerFlushAll(line: CommandLine, store: Store, server: ServerFacts): Uint8Array {
  if (line.count > 3) return ERROR;
  const hasExptime = line.count > (line.noreply ? 2 : 1);
  const exptime = hasExptime ? line.integer(1) : 0;
  const isRefused = !server.settings().flushEnabled;
  if (isRefused || Number.isNaN(exptime)) {
    // Who tries is counted, too.
    store.counters.values[COUNTER.cmdFlush]++;
    return isRefused ? FLUSH_FORBIDDEN : BAD_EXPTIME;
  }
  store.flushAll(exptime);
  return OK;
}

/** `verbosity <level> [noreply]`. */
export function answerVerbosity(line: CommandLine, server: ServerFacts): Uint8Array {
  if (line.count < 2) return BAD_FORMAT;
  if (line.count > 4) return ERROR;
  const level = line.integer(1);
  if (!(level >= 0)) return BAD_FORMAT;
  server.setVerbosity(level);
  return OK;
}
