// CVE-2013-7239: what a login allowed must not outlive the next one that fails; and nothing is to be had without one.
import { describe, expect, it } from 'vitest';
import { converse } from '../fuzz/conversation.js';
import { GHOST_TAG, hauntedStore } from '../fuzz/haunted-store.js';
import { credentialsOf } from '../protocol/auth/fixed-credentials.js';
import { packet, readReplies, storing } from '../protocol/binary/packets.js';
import { contents } from '../store/new-store.js';

const CREDENTIALS = credentialsOf('ann:password\n');
const OK = 0;
const NOT_FOUND = 1;
const AUTH_ERROR = 0x20;
const INVALID = 4;
const UNKNOWN_COMMAND = 0x81;
const OP_VERSION = 0x0b;
const OP_SASL_LIST = 0x20;

const auth = (message: string): Buffer => packet({ opcode: 0x21, key: 'PLAIN', value: message });
const GOOD = auth('\0ann\0password');
const BAD = auth('\0ann\0passwore');
const GET = packet({ opcode: 0x00, key: 'key' });

function statuses(...requests: readonly Buffer[]): number[] {
  const { bytes } = converse(hauntedStore(), requests, { credentials: CREDENTIALS });
  return readReplies(bytes).map(({ status }) => status);
}

describe('CVE-2013-7239: a failed SASL login', () => {
  it('leaves nobody logged in', () => {
    expect(statuses(BAD, GET)).toEqual([AUTH_ERROR, AUTH_ERROR]);
    expect(statuses(BAD, BAD, BAD, GET)).toEqual([AUTH_ERROR, AUTH_ERROR, AUTH_ERROR, AUTH_ERROR]);
  });

  it('takes away what one before it had allowed', () => {
    expect(statuses(GOOD, GET)).toEqual([OK, NOT_FOUND]);
    expect(statuses(GOOD, GET, BAD, GET)).toEqual([OK, NOT_FOUND, AUTH_ERROR, AUTH_ERROR]);
    expect(statuses(GOOD, auth(''), GET).at(-1)).toBe(AUTH_ERROR);
    expect(statuses(GOOD, packet({ opcode: 0x22, key: 'PLAIN', value: '\0ann\0no' }), GET).at(-1)).toBe(
      AUTH_ERROR,
    );
    expect(statuses(GOOD, packet({ opcode: 0x21, key: 'CRAM-MD5', value: 'x' }), GET).at(-1)).toBe(
      AUTH_ERROR,
    );
  });

  it('is none that another connection could use', () => {
    expect(statuses(GOOD, GET)).toEqual([OK, NOT_FOUND]);
    expect(statuses(GET)).toEqual([AUTH_ERROR]);
  });

  it('can be made good by another', () => {
    expect(statuses(BAD, GOOD, GET)).toEqual([AUTH_ERROR, OK, NOT_FOUND]);
  });
});

describe('without a login', () => {
  it('no request of the binary protocol changes or tells anything', () => {
    const store = hauntedStore();
    const before = contents(store);
    for (let opcode = 0; opcode < 0x100; opcode++) {
      for (const extrasBytes of [0, 4, 8, 20]) {
        const extras = new Uint8Array(extrasBytes);
        const request = packet({ opcode, extras, key: 'ghost19', value: extrasBytes === 8 ? 'mine' : '' });
        const after = storing(0x01, 'ghost19', 'mine');
        const { bytes } = converse(store, [request, after], { credentials: CREDENTIALS });
        expect(bytes.includes(GHOST_TAG)).toBe(false);
        const answers = readReplies(bytes);
        // Whoever has not logged in may ask for the version, and for the ways to log in.
        const isOpen = opcode === OP_VERSION || opcode === OP_SASL_LIST;
        for (const { status } of isOpen ? answers.slice(1) : answers) {
          expect([AUTH_ERROR, UNKNOWN_COMMAND, INVALID], `opcode ${opcode}`).toContain(status);
        }
      }
    }
    expect(contents(store)).toEqual(before);
  });

  it.each([
    'get ghost19',
    'gat 0 ghost19',
    'mg ghost19 v',
    'delete ghost19',
    'flush_all',
    'stats',
    'lru_crawler metadump all',
    'version',
    'md ghost19',
    'add ghost19 0 0 8\r\nann password',
  ])('%j changes and tells nothing', (line) => {
    const store = hauntedStore();
    const before = contents(store);
    const said = Buffer.from(`set x 0 0 12\r\nann passwore\r\n${line}\r\n${line}\r\n`);
    const heard = converse(store, [said], { credentials: CREDENTIALS }).bytes.toString('latin1');
    expect(heard).toMatch(/^CLIENT_ERROR authentication failure\r\n(CLIENT_ERROR unauthenticated\r\n)*$/);
    expect(contents(store)).toEqual(before);
  });
});
