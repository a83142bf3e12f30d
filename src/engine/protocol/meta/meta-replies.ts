// Every fixed reply of the meta commands. Clients match these to the byte; they are memcached's.

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));
const line = (text: string): Uint8Array => bytes(`${text}\r\n`);

/** How a reply's first line begins; its flags follow. */
export const HD = bytes('HD');
export const VA = bytes('VA ');
export const EN = bytes('EN');
export const NF = bytes('NF');
export const NS = bytes('NS');
export const EX = bytes('EX');

export const MN_REPLY = line('MN');
export const EN_REPLY = line('EN');
export const DUPLICATE_FLAG = line('CLIENT_ERROR duplicate flag');
export const INVALID_FLAG = line('CLIENT_ERROR invalid flag');
export const BAD_TOKEN = line('CLIENT_ERROR bad token in command line format');
export const BAD_KEY_ENCODING = line('CLIENT_ERROR error decoding key');
export const OPAQUE_TOO_LONG = line('CLIENT_ERROR opaque token too long');
export const TOO_MANY_FLAGS = line('CLIENT_ERROR options flags are too long');
export const BAD_SET_MODE = line('CLIENT_ERROR invalid mode for ms M token');
export const BAD_ARITHMETIC_MODE = line('CLIENT_ERROR invalid mode for ma M token');
export const BAD_INITIAL = line('CLIENT_ERROR invalid numeric initial value');
export const BAD_DELTA_TOKEN = line('CLIENT_ERROR invalid numeric delta value');
export const BAD_ARITHMETIC_FLAG = line('CLIENT_ERROR invalid or duplicate flag');
export const OUT_OF_MEMORY_META = line('SERVER_ERROR out of memory');
export const OUT_OF_MEMORY_NEW_ITEM = line('SERVER_ERROR Out of memory allocating new item');
