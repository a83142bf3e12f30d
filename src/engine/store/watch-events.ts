// The lines that watchers get for what happens in the store, as memcached words them. Nothing here runs unwatched.
import { BYTE_KEY_LENGTH, WORD_VALUE_LENGTH } from './layout.js';
import type { Segments } from './segments.js';
import type { Slabs } from './slabs.js';
import {
  EXISTS,
  MODE_ADD,
  MODE_APPEND,
  MODE_APPEND_OR_ADD,
  MODE_CAS,
  MODE_CAS_OR_STALE,
  MODE_PREPEND,
  MODE_PREPEND_OR_ADD,
  MODE_REPLACE,
  MODE_SET,
  NO_MEMORY,
  NOT_FOUND,
  NOT_STORED,
  STORED,
  type StoreMode,
  type StoreResult,
  TOO_LARGE,
} from './store-types.js';

/** There are no file descriptors here to tell connections apart by. */
const NO_DESCRIPTOR = 'cfd=0';

const COMMANDS: Readonly<Record<StoreMode, string>> = {
  [MODE_SET]: 'set',
  [MODE_ADD]: 'add',
  [MODE_REPLACE]: 'replace',
  [MODE_APPEND]: 'append',
  [MODE_PREPEND]: 'prepend',
  [MODE_CAS]: 'cas',
  [MODE_APPEND_OR_ADD]: 'append',
  [MODE_PREPEND_OR_ADD]: 'prepend',
  [MODE_CAS_OR_STALE]: 'cas',
};

const STATUSES: Readonly<Record<StoreResult, string>> = {
  [STORED]: 'stored',
  [NOT_STORED]: 'not_stored',
  [EXISTS]: 'exists',
  [NOT_FOUND]: 'not_found',
  [NO_MEMORY]: 'no_memory',
  [TOO_LARGE]: 'too_large',
};

export type FetchStatus = 'found' | 'not_found' | 'flushed' | 'expired';

/** An item as a line shows it. */
export interface WatchedItem {
  /** As uriKey() makes it. */
  readonly key: string;
  /** Slab class from 1; 0 = there is no item. */
  readonly slabId: number;
  readonly valueLength: number;
}

/** An item as watchers are told of it. */
export function describeItem(segments: Segments, slabs: Slabs, ref: number): WatchedItem {
  return {
    key: uriKey(segments.view(ref), segments.keyOffset(ref), segments.byte(ref, BYTE_KEY_LENGTH)),
    slabId: slabs.classOfRef(ref) + 1,
    valueLength: segments.word(ref, WORD_VALUE_LENGTH),
  };
}

export function fetchLine({ key, slabId, valueLength }: WatchedItem, status: FetchStatus): string {
  return `type=item_get key=${key} status=${status} clsid=${slabId} ${NO_DESCRIPTOR} size=${valueLength}`;
}

/** ttlSec: 0 = it never expires. */
export function storeLine(item: WatchedItem, mode: StoreMode, result: StoreResult, ttlSec: number): string {
  const { key, slabId, valueLength } = item;
  return `type=item_store key=${key} status=${STATUSES[result]} cmd=${COMMANDS[mode]} ttl=${ttlSec} clsid=${slabId} ${NO_DESCRIPTOR} size=${valueLength}`;
}

/** ttlSec: -1 = it never expires. unusedSec: since its last use. */
export function evictionLine(
  item: WatchedItem,
  wasFetched: boolean,
  ttlSec: number,
  unusedSec: number,
): string {
  const { key, slabId, valueLength } = item;
  return `type=eviction key=${key} fetch=${wasFetched ? 'yes' : 'no'} ttl=${ttlSec} la=${unusedSec} clsid=${slabId} size=${valueLength}`;
}

export function deletionLine({ key, slabId, valueLength }: WatchedItem, command: 'delete' | 'md'): string {
  return `type=deleted key=${key} cmd=${command} clsid=${slabId} size=${valueLength}`;
}

export function connectionLine(
  event: 'new' | 'close',
  address: string,
  port: string,
  transport: 'local' | 'tcp',
): string {
  const reason = event === 'close' ? ' reason=normal' : '';
  return `type=conn_${event} rip=${address} rport=${port} transport=${transport}${reason} ${NO_DESCRIPTOR}`;
}

/** A key with all but letters, digits and -._~ as %XX. */
export function uriKey(bytes: Uint8Array, start: number, length: number): string {
  let text = '';
  for (let at = start; at < start + length; at++) {
    const character = String.fromCharCode(bytes[at]);
    const isPlain = bytes[at] < 0x80 && /[\w.~-]/.test(character);
    text += isPlain ? character : `%${bytes[at].toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
}
