// What the fuzzed process is sent: valid requests of all protocols, mutated, as one seed has it.

import { counting, packet, storing, u32 } from '../protocol/binary/packets.js';
import type { Random } from '../simulation/random.js';

const KEYS = ['a', 'b', 'fuzz:some:key', 'k'.repeat(250), 'l'.repeat(251)];
const LENGTHS = [
  '0',
  '1',
  '10',
  '-1',
  '1000',
  '70000',
  '1048000',
  '1048577',
  '2147483647',
  '4294967296',
  'x',
];
const NUMBERS = ['0', '1', '100', '-1', '2592001', '18446744073709551616', 'x'];
const META_FLAGS = [
  ...'bcfhklqstuvxI',
  'T0',
  'T100',
  'N30',
  'R40',
  'C1',
  'E5',
  'F7',
  'O123',
  'MA',
  'ME',
  'MI',
  'D3',
  'J9',
];
/** Neither flushes nor shrinks anything: a client beside it looks after its own items all the while. */
const ADMIN_LINES = [
  'stats',
  'stats items',
  'stats slabs',
  'stats settings',
  'stats sizes',
  'stats conns',
  'stats maps',
  'stats cachedump 1 10',
  'stats detail on',
  'lru_crawler metadump all',
  'lru_crawler crawl all',
  'lru tune 10 20 0.1 2.0',
  'slabs reassign -1 2',
  'slabs automove 1',
  'verbosity 0',
  'version',
  'mn',
  'watch nonsense',
  'GET / HTTP/1.1',
];

export interface HostileConnection {
  /** Sent one after the other, each as one write. */
  readonly pieces: readonly Buffer[];
  /** Leaves with a reset instead of an end, so that nobody waits for its answers. */
  readonly resets: boolean;
}

/** All that one connection sends. */
export function hostileConnection(random: Random): HostileConnection {
  const make = random.pick([textCommand, metaCommand, binaryRequest]);
  const requests = Array.from({ length: random.int(1, 60) }, () =>
    random.chance(0.05) ? random.pick([textCommand, metaCommand, binaryRequest])(random) : make(random),
  );
  const bytes = random.chance(0.7) ? mutated(Buffer.concat(requests), random) : Buffer.concat(requests);
  return { pieces: split(bytes, random), resets: random.chance(0.1) };
}

function split(bytes: Buffer, random: Random): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + random.pick([1, 7, 100, 1_000, 20_000, 200_000]);
    pieces.push(bytes.subarray(at, end));
    at = end;
  }
  return pieces;
}

/** Flips, inserts, cuts out and repeats, in a few places. */
function mutated(bytes: Buffer, random: Random): Buffer {
  let changed = bytes;
  for (let count = random.int(1, 8); count > 0; count--) {
    const at = random.int(0, changed.length);
    const end = Math.min(changed.length, at + random.int(1, 30));
    const [before, cut, after] = [changed.subarray(0, at), changed.subarray(at, end), changed.subarray(end)];
    const middle = random.pick<() => readonly Uint8Array[]>([
      () => [],
      () => [cut, cut],
      () => [random.bytes(random.int(1, 8)), cut],
      () => [Buffer.from(random.pick(['\r\n', '\n', '\0', ' ', '-1', '4294967295', '\x80'])), cut],
      () => [random.bytes(cut.length)],
    ])();
    changed = Buffer.concat([before, ...middle, after]);
  }
  // A flush would be no fault, and would look like one.
  return Buffer.from(changed.toString('latin1').replaceAll('flush_all', 'flush-all'), 'latin1');
}

function textCommand(random: Random): Buffer {
  const key = random.pick(KEYS);
  if (random.chance(0.1)) return line(random.pick(ADMIN_LINES));
  if (random.chance(0.3)) {
    return line(
      `${random.pick(['get', 'gets', 'gat 100'])} ${Array.from({ length: random.int(1, 50) }, () => random.pick(KEYS)).join(' ')}`,
    );
  }
  if (random.chance(0.3)) {
    return line(
      `${random.pick(['incr', 'decr', 'touch', 'delete'])} ${key} ${random.pick(NUMBERS)}${random.pick(['', ' noreply'])}`,
    );
  }
  const word = random.pick(['set', 'add', 'replace', 'append', 'prepend', 'cas']);
  const value = someValue(random);
  const length = random.chance(0.1) ? random.pick(LENGTHS) : String(value.length);
  const unique = word === 'cas' ? ` ${random.pick(NUMBERS)}` : '';
  const words = `${word} ${key} ${random.pick(NUMBERS)} ${random.pick(NUMBERS)} ${length}${unique}`;
  return Buffer.concat([line(words + random.pick(['', ' noreply'])), value, Buffer.from('\r\n')]);
}

function metaCommand(random: Random): Buffer {
  const flags = Array.from({ length: random.int(0, 8) }, () => random.pick(META_FLAGS));
  const plainKey = random.pick(KEYS);
  const key = flags.includes('b') ? Buffer.from(plainKey).toString('base64') : plainKey;
  const word = random.pick(['mg', 'ms', 'md', 'ma', 'me', 'mn']);
  if (word !== 'ms') return line([word, key, ...flags].join(' '));
  const value = someValue(random);
  const length = random.chance(0.1) ? random.pick(LENGTHS) : String(value.length);
  return Buffer.concat([line([word, key, length, ...flags].join(' ')), value, Buffer.from('\r\n')]);
}

const FLUSH_OPCODES = [0x08, 0x18];

function binaryRequest(random: Random): Buffer {
  const key = random.pick(KEYS);
  const request = random.pick([
    () =>
      storing(random.pick([0x01, 0x02, 0x03, 0x11]), key, someValue(random), { exptime: random.int(0, 100) }),
    () => packet({ opcode: random.pick([0x00, 0x04, 0x09, 0x0c, 0x0d]), key }),
    () => packet({ opcode: random.pick([0x0e, 0x0f]), key, value: someValue(random) }),
    () => packet({ opcode: random.pick([0x1c, 0x1d, 0x23]), key, extras: u32(random.int(0, 100)) }),
    () => counting(random.pick([0x05, 0x06]), key, BigInt(random.int(0, 1000))),
    () => packet({ opcode: random.pick([0x07, 0x0a, 0x0b, 0x10]) }),
    () => packet({ opcode: 0x10, key: random.pick(['items', 'maps', 'settings']) }),
    () => packet({ opcode: 0x21, key: 'PLAIN', value: '\0user\0password' }),
  ])();
  if (random.chance(0.05)) request[1] = random.int(0, 0xff);
  if (random.chance(0.05))
    request.writeUInt32BE(random.pick([0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]), 8);
  if (random.chance(0.05)) request.writeUInt16BE(random.pick([0, 251, 0x7fff, 0xffff]), 2);
  if (random.chance(0.05)) request[4] = random.int(0, 0xff);
  return FLUSH_OPCODES.includes(request[1]) ? packet({ opcode: 0x0a }) : request;
}

function someValue(random: Random): Buffer {
  return Buffer.alloc(
    random.pick([0, 1, 2, 10, 100, 1_000, 1_000, 20_000, 200_000, 700_000]),
    random.pick(['x', '7', '\r\n']),
  );
}

function line(text: string): Buffer {
  return Buffer.from(`${text}\r\n`, 'latin1');
}
