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
