// CVE-2011-4971, CVE-2016-8704, CVE-2016-8705, CVE-2016-8706, CVE-2017-9951, CVE-2020-10931: lengths that contradict each
// other, wrap around or reach past what was sent must read and write nothing of anybody else.
import { describe, expect, it } from 'vitest';
import { converse } from '../fuzz/conversation.js';
import { expectSound, GHOST_TAG, hauntedStore } from '../fuzz/haunted-store.js';
import { credentialsOf } from '../protocol/auth/fixed-credentials.js';
import { type Packet, packet, readReplies } from '../protocol/binary/packets.js';
import { contents } from '../store/new-store.js';

const INVALID = 4;
const UNKNOWN_COMMAND = 0x81;
const NUL_EXTRAS = (sizeBytes: number): Uint8Array => new Uint8Array(sizeBytes);
const NOTHING_KEPT_AFTER = Buffer.from('version\r\n');

/** Opcodes: set, add, replace, their quiet forms. */
const UPDATES = [0x01, 0x02, 0x03, 0x11, 0x12, 0x13];
/** append, prepend, and their quiet forms. */
const APPENDS = [0x0e, 0x0f, 0x19, 0x1a];
const ALL_OPCODES = Array.from({ length: 0x26 }, (_, opcode) => opcode);

/** Sends one request and then something else; expects an error or silence, an end, and an untouched store. */
function expectRefused(request: Packet, statuses: readonly number[]): void {
  const store = hauntedStore();
  const before = contents(store);
  for (const pieces of [
    [packet(request), NOTHING_KEPT_AFTER],
    [...packet(request)].map((byte) => Uint8Array.of(byte)),
  ]) {
    const { bytes, closes } = converse(store, pieces, { protocols: 'binary' });
    expect(closes).toBe(true);
    expect(bytes.includes(GHOST_TAG)).toBe(false);
    expect(readReplies(bytes).every(({ status }) => statuses.includes(status))).toBe(true);
    expectSound(store);
    expect(contents(store)).toEqual(before);
  }
}

describe('CVE-2011-4971: a body length that is negative as a signed number', () => {
  it.each(ALL_OPCODES)('ends the connection, opcode %i', (opcode) => {
    for (const bodyLength of [0x8000_0000, 0xffff_ff00, 0xffff_ffff]) {
      expectRefused({ opcode, key: 'key', bodyLength }, [INVALID, UNKNOWN_COMMAND]);
    }
  });
});

describe('CVE-2016-8704: append and prepend with a body shorter than the key', () => {
  it.each(APPENDS)('end the connection, opcode %i', (opcode) => {
    expectRefused({ opcode, key: 'key', keyLength: 250, bodyLength: 0 }, [INVALID, UNKNOWN_COMMAND]);
    expectRefused({ opcode, key: 'key', keyLength: 250, bodyLength: 249 }, [INVALID, UNKNOWN_COMMAND]);
  });
});

describe('CVE-2016-8705: set, add and replace with a body shorter than extras and key', () => {
  it.each(UPDATES)('end the connection, opcode %i', (opcode) => {
    const request = { opcode, extras: NUL_EXTRAS(8), key: 'key', keyLength: 250 };
    for (const bodyLength of [0, 8, 249, 257])
      expectRefused({ ...request, bodyLength }, [INVALID, UNKNOWN_COMMAND]);
  });
});

describe('CVE-2016-8706: a login whose body is shorter than its mechanism', () => {
  it.each([0x21, 0x22])('ends the connection, opcode %i', (opcode) => {
    const store = hauntedStore();
    const before = contents(store);
    for (const [keyLength, bodyLength] of [
      [32, 0],
      [32, 31],
      [250, 1],
      [0xffff, 0],
    ]) {
      const login = packet({ opcode, key: 'PLAIN', keyLength, bodyLength });
      const credentials = credentialsOf('ann:password\n');
      const { bytes, closes } = converse(store, [login, NOTHING_KEPT_AFTER], {
        protocols: 'binary',
        credentials,
      });
      expect(closes).toBe(true);
      expect(readReplies(bytes).every(({ status }) => status !== 0)).toBe(true);
      expect(contents(store)).toEqual(before);
    }
  });
});

describe('CVE-2017-9951: a storage request whose value never comes', () => {
  it.each([...UPDATES, ...APPENDS])('keeps nothing once the connection ends, opcode %i', (opcode) => {
    const extras = UPDATES.includes(opcode) ? NUL_EXTRAS(8) : NUL_EXTRAS(0);
    for (const bodyLength of [extras.length + 3 + 1, 60_000, 0x3fff_ffff, 0x7fff_ffff]) {
      const store = hauntedStore();
      const before = contents(store);
      const { bytes } = converse(store, [packet({ opcode, extras, key: 'key', bodyLength })], {
        protocols: 'binary',
      });
      expect(readReplies(bytes).every(({ status }) => status !== 0)).toBe(true);
      expectSound(store);
      expect(contents(store)).toEqual(before);
    }
  });
});

describe('CVE-2020-10931: extras longer than any request has', () => {
  it.each(ALL_OPCODES)('end the connection, or are swallowed whole, opcode %i', (opcode) => {
    const store = hauntedStore();
    const request = packet({ opcode, extras: NUL_EXTRAS(255), key: 'key', value: 'value' });
    const { bytes, closes } = converse(store, [request, packet({ opcode: 0x0a, opaque: 7 })]);
    const statuses = readReplies(bytes).map(({ status }) => status);
    expect(statuses).toEqual(closes ? [INVALID] : [UNKNOWN_COMMAND, 0]);
    expectSound(store);
  });
});

describe('lengths of the text protocol', () => {
  const LENGTHS = ['-1', '-2147483648', '2147483646', '2147483647', '2147483648', '4294967295', '4294967296'];
  const HUGE = ['18446744073709551615', '99999999999999999999999', '1e9', '0x10', '+', '-', '10\0'];

  it.each([...LENGTHS, ...HUGE])('set and ms refuse %j, and read what follows as commands', (length) => {
    for (const line of [
      `set key 0 0 ${length}`,
      `cas key 0 0 ${length} 1`,
      `ms key ${length}`,
      `ms key ${length} S1`,
    ]) {
      const store = hauntedStore();
      const { bytes, closes } = converse(store, [
        Buffer.from(`${line}\r\nmn\r\nget key ghost\r\n`, 'latin1'),
      ]);
      expect(bytes.toString('latin1')).toBe('CLIENT_ERROR bad command line format\r\nMN\r\nEND\r\n');
      expect(closes).toBe(false);
      expectSound(store);
    }
  });

  it('a value of the longest length that there is costs no memory', () => {
    const store = hauntedStore();
    const { bytes } = converse(store, [Buffer.from('set key 0 0 2147483645\r\nxxx')]);
    expect(bytes.toString('latin1')).toBe('SERVER_ERROR object too large for cache\r\n');
    expectSound(store);
  });

  it.each(['incr', 'decr'])('%s of a number of too many digits leaves it alone', (word) => {
    const store = hauntedStore();
    const digits = '9'.repeat(21);
    const said = `set key 0 0 21\r\n${digits}\r\n${word} key 1\r\n${word} key ${digits}\r\nget key\r\n`;
    expect(converse(store, [Buffer.from(said)]).bytes.toString('latin1')).toBe(
      'STORED\r\nCLIENT_ERROR cannot increment or decrement non-numeric value\r\n' +
        `CLIENT_ERROR invalid numeric delta argument\r\nVALUE key 0 21\r\n${digits}\r\nEND\r\n`,
    );
  });
});
