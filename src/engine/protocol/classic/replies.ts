// Every fixed reply of the classic text protocol. Clients match these to the byte; they are memcached's.

const line = (text: string): Uint8Array => Uint8Array.from(Buffer.from(`${text}\r\n`, 'latin1'));

export const CRLF = line('');
export const END = line('END');
export const STORED_REPLY = line('STORED');
export const NOT_STORED_REPLY = line('NOT_STORED');
export const EXISTS_REPLY = line('EXISTS');
export const NOT_FOUND_REPLY = line('NOT_FOUND');
export const DELETED = line('DELETED');
export const TOUCHED = line('TOUCHED');
export const OK = line('OK');
export const RESET = line('RESET');
export const ERROR = line('ERROR');
export const BAD_FORMAT = line('CLIENT_ERROR bad command line format');
export const BAD_DELETE = line('CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]');
export const BAD_CHUNK = line('CLIENT_ERROR bad data chunk');
export const BAD_EXPTIME = line('CLIENT_ERROR invalid exptime argument');
export const BAD_DELTA = line('CLIENT_ERROR invalid numeric delta argument');
export const NON_NUMERIC = line('CLIENT_ERROR cannot increment or decrement non-numeric value');
export const FLUSH_FORBIDDEN = line('CLIENT_ERROR flush_all not allowed');
export const DETAIL_USAGE = line('CLIENT_ERROR usage: stats detail on|off|dump');
export const TOO_LARGE_REPLY = line('SERVER_ERROR object too large for cache');
export const OUT_OF_MEMORY = line('SERVER_ERROR out of memory storing object');
export const OUT_OF_MEMORY_INCR = line('SERVER_ERROR out of memory in incr');
/** Ours: --repl-ack strict. */
export const NO_PEER = line('SERVER_ERROR no peer in sync');

// Administration.
export const BAD_COMMAND_LINE = line('CLIENT_ERROR bad command line');
export const ILLEGAL_SLAB_ID = line('CLIENT_ERROR Illegal slab id');
export const BAD_CLASS = line('BADCLASS invalid class id');
export const CACHEDUMP_FORBIDDEN = line('CLIENT_ERROR stats cachedump not allowed');
export const DETAIL_FORBIDDEN = line('CLIENT_ERROR stats detail not allowed');
export const METADUMP_FORBIDDEN = line('ERROR metadump not allowed');
export const MGDUMP_FORBIDDEN = line('ERROR key dump not allowed');
export const CRAWLER_DISABLED = line('CLIENT_ERROR lru crawler disabled');
export const CRAWLER_SLEEP_TOO_LONG = line('CLIENT_ERROR sleep must be one second or less');
export const MEMLIMIT_TOO_SMALL = line('MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m');
export const MEMLIMIT_NOT_BYTES = line('MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes');
export const MEMLIMIT_FIXED = line('MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust');
export const SHUTDOWN_DISABLED = line('SERVER_ERROR: shutdown not enabled');
export const BAD_SHUTDOWN_MODE = line('CLIENT_ERROR invalid shutdown mode');
export const REASSIGN_BAD_CLASS = line('BADCLASS invalid src or dst class id');
export const REASSIGN_NO_SPARE = line('NOSPARE source class has no spare pages');
export const REASSIGN_SAME = line('SAME src and dst class are identical');
export const AUTOMOVE_ALWAYS = line('ERROR pages always move by themselves, as in mode 1');
export const AUTOMOVE_UNTUNABLE = line('ERROR how pages move cannot be tuned');
export const AUTOMOVE_BAD_WINDOW = line('CLIENT_ERROR automove window too low or too high');
export const LRU_BAD_PERCENT = line('ERROR hot and warm pcts must not exceed 80');
export const LRU_BAD_FACTOR = line('ERROR hot/warm age factors must be greater than 0');
export const LRU_UNTUNABLE = line('ERROR eviction walks one queue in each class, which has nothing to tune');
export const LRU_FLAT = line('ERROR eviction walks one queue in each class, which is flat');
export const LRU_NO_TEMP = line('ERROR no item is kept from eviction for its ttl');
export const CRAWLER_UNLIMITED = line('ERROR the crawler never stops, so a run has no limit');
export const WATCH_FORBIDDEN = line('CLIENT_ERROR watch commands not allowed');
export const TOO_MANY_WATCHERS = line('WATCHER_TOO_MANY log watcher limit reached');
