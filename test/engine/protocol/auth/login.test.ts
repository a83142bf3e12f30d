// Logging in, by the text protocol and by SASL: whole, byte by byte, and split at every boundary.
import { describe, expect, it } from 'vitest';
import type { Store } from '../../../../src/engine/store/store.js';
import { newStore } from '../../store/new-store.js';
import { BytesTalk } from '../binary/binary-talk.js';
import { describeReplies, packet, storing } from '../binary/packets.js';
import { credentialsOf } from './fixed-credentials.js';

const CREDENTIALS = credentialsOf('ann:pass\nbob:se cret\n');
const UNAUTHENTICATED = 'CLIENT_ERROR unauthenticated\r\n';
const FAILURE = 'CLIENT_ERROR authentication failure\r\n';
const VERSION = 'VERSION 1.6.0-test\r\n';
const LOGIN = 'set x 0 0 8\r\nann pass\r\n';

interface Heard {
  readonly heard: string;
  readonly closes: boolean;
}

function hear(pieces: readonly Uint8Array[], store: Store = newStore()): Heard {
  const talk = new BytesTalk(store, { credentials: CREDENTIALS });
  const bytes = talk.say(...pieces);
  const heard = bytes[0] === 0x81 ? describeReplies(bytes).join('\n') : bytes.toString('latin1');
  return { heard, closes: talk.session.closing };
}

function expectHeard(said: Buffer, expected: Heard): void {
  // One for all: no case stores anything.
  const store = newStore();
  expect(hear([said], store)).toEqual(expected);
  expect(
    hear(
      Array.from(said, (byte) => Uint8Array.of(byte)),
      store,
    ),
  ).toEqual(expected);
  for (let split = 1; split < said.length; split++) {
    const pieces = [said.subarray(0, split), said.subarray(split)];
    expect(hear(pieces, store), `split at ${split}`).toEqual(expected);
  }
}

const TEXT_CASES: readonly (readonly [said: string, heard: string, closes?: boolean])[] = [
  [`${LOGIN}version\r\n`, `STORED\r\n${VERSION}`],
  ['set any word there 11 noreply\r\nbob se cret\r\nversion\r\n', `STORED\r\n${VERSION}`],
  ['set x 0 0 8\nann pass\r\nversion\r\n', `STORED\r\n${VERSION}`],
  // A login stores nothing.
  [`${LOGIN}get x\r\n`, 'STORED\r\nEND\r\n'],
  ['version\r\nget abc\r\nadd x 0 0 8\r\n', UNAUTHENTICATED.repeat(3)],
  ['set x 0 0\r\nset x 0 0 z\r\nset x 0 0 -1\r\nSET x 0 0 8\r\n set x 0 0 8\r\n', UNAUTHENTICATED.repeat(5)],
  [
    `set x 0 0 8\r\nann fail\r\nversion\r\n${LOGIN}version\r\n`,
    `${FAILURE}${UNAUTHENTICATED}STORED\r\n${VERSION}`,
  ],
  ['set x 0 0 7\r\nann pas\r\nset x 0 0 9\r\nann pass \r\nset x 0 0 4\r\nann \r\n', FAILURE.repeat(3)],
  ['set x 0 0 7\r\nannpass\r\n', 'CLIENT_ERROR bad authentication token format\r\n'],
  ['set x 0 0 0\r\n\r\n', 'CLIENT_ERROR bad authentication token format\r\n'],
  ['set x 0 0 8\r\nann passXXversion\r\n', `CLIENT_ERROR bad command line termination\r\n${UNAUTHENTICATED}`],
  ['set x 0 0 16385\r\nversion\r\n', `CLIENT_ERROR auth token too long\r\n${UNAUTHENTICATED}`],
  ['quit\r\nversion\r\n', '', true],
  ['a\r\n', '', true],
  ['\r\n', '', true],
];

describe('a login by text', () => {
  it.each(TEXT_CASES.map(([said, heard, closes = false]) => ({ said, heard, closes })))(
    '$said',
    ({ said, heard, closes }) => {
      expectHeard(Buffer.from(said, 'latin1'), { heard, closes });
    },
  );

  it('closes on a line without an end', () => {
    expect(hear([Buffer.from('x'.repeat(2048))])).toEqual({ heard: '', closes: false });
    expect(hear([Buffer.from('x'.repeat(2049))])).toEqual({ heard: '', closes: true });
    expect(hear([Buffer.from(`get ${'a '.repeat(1500)}`)])).toEqual({ heard: '', closes: true });
  });

  it('takes a value as long as memcached does', () => {
    const heard = hear([Buffer.from(`set x 0 0 16384\r\n${'u '.repeat(8192)}\r\n`)]);
    expect(heard).toEqual({ heard: FAILURE, closes: false });
  });

  it('keeps no more of a value than a right one can have', () => {
    const long = 'x'.repeat(600);
    const said = `set x 0 0 605\r\n${long} pass\r\nset x 0 0 604\r\nann ${long}\r\n${LOGIN}`;
    expect(hear([Buffer.from(said)])).toEqual({ heard: `${FAILURE}${FAILURE}STORED\r\n`, closes: false });
    expect(hear([Buffer.from(`set x 0 0 600\r\n${long}\r\n`)]).heard).toBe(
      'CLIENT_ERROR bad authentication token format\r\n',
    );
  });

  it('is counted', () => {
    const store = newStore();
    hear([Buffer.from(`set x 0 0 8\r\nann fail\r\n${LOGIN}`)], store);
    expect(store.counters.read('authCmds')).toBe(2);
    expect(store.counters.read('authErrors')).toBe(1);
  });
});

const SASL_LIST = packet({ opcode: 0x20 });
const sasl = (message: string, mechanism = 'PLAIN'): Buffer =>
  packet({ opcode: 0x21, key: mechanism, value: message });
const step = (message: string): Buffer => packet({ opcode: 0x22, key: 'PLAIN', value: message });
const RIGHT = sasl('\0ann\0pass');
const WRONG = sasl('\0ann\0fail');
const noop = packet({ opcode: 0x0a });
const version = packet({ opcode: 0x0b });

const SAID_VERSION = '0b 0 "1.6.0-test"';
const AUTHENTICATED = '21 0 "Authenticated"';
const AUTH_FAILURE = '21 20 "Auth failure."';
const NOT_LOGGED_IN = '0a 20 "Auth failure."';

const SASL_CASES: readonly {
  readonly name: string;
  readonly said: readonly Buffer[];
  readonly heard: readonly string[];
  readonly closes?: boolean;
}[] = [
  { name: 'the mechanisms', said: [SASL_LIST, version], heard: ['20 0 "PLAIN"', SAID_VERSION] },
  { name: 'a login', said: [RIGHT, noop], heard: [AUTHENTICATED, '0a 0'] },
  {
    name: 'a login with a user to act as, the mechanism in lower case',
    said: [sasl('bob\0bob\0se cret', 'plain'), noop],
    heard: [AUTHENTICATED, '0a 0'],
  },
  { name: 'a command without a login', said: [noop, RIGHT], heard: [NOT_LOGGED_IN], closes: true },
  {
    name: 'an unknown command without a login',
    said: [packet({ opcode: 0x99 })],
    heard: ['99 20 "Auth failure."'],
    closes: true,
  },
  {
    name: 'a large value without a login, which is not waited for',
    said: [storing(0x01, 'a', 'x'.repeat(400)).subarray(0, 40)],
    heard: ['01 20 "Auth failure."'],
    closes: true,
  },
  {
    name: 'a failed login, and one that succeeds',
    said: [WRONG, RIGHT, noop],
    heard: [AUTH_FAILURE, AUTHENTICATED, '0a 0'],
  },
  // CVE-2013-7239: a failure after a failure, or after a success, must not leave anybody logged in.
  {
    name: 'two failed logins',
    said: [WRONG, WRONG, noop],
    heard: [AUTH_FAILURE, AUTH_FAILURE, NOT_LOGGED_IN],
    closes: true,
  },
  {
    name: 'a failed login after a good one',
    said: [RIGHT, noop, WRONG, noop],
    heard: [AUTHENTICATED, '0a 0', AUTH_FAILURE, NOT_LOGGED_IN],
    closes: true,
  },
  {
    name: 'a login that is not finished after a good one',
    said: [RIGHT, sasl(''), noop],
    heard: [AUTHENTICATED, '21 21', NOT_LOGGED_IN],
    closes: true,
  },
  {
    name: 'a step after a good login',
    said: [RIGHT, step('\0ann\0pass'), noop],
    heard: [AUTHENTICATED, '22 20 "Auth failure."', NOT_LOGGED_IN],
    closes: true,
  },
  {
    name: 'a step after a failed login',
    said: [WRONG, step('\0ann\0pass'), noop],
    heard: [AUTH_FAILURE, '22 20 "Auth failure."', NOT_LOGGED_IN],
    closes: true,
  },
  {
    name: 'a step that nothing asked for',
    said: [step('\0ann\0pass'), noop],
    heard: ['22 20 "Auth failure."', NOT_LOGGED_IN],
    closes: true,
  },
  {
    name: 'a login in two steps',
    said: [sasl(''), step('\0ann\0pass'), noop],
    heard: ['21 21', '22 0 "Authenticated"', '0a 0'],
  },
  {
    name: 'a login in two steps that fails, and may not be tried a third time',
    said: [sasl(''), step('\0ann\0fail'), step('\0ann\0pass')],
    heard: ['21 21', '22 20 "Auth failure."', '22 20 "Auth failure."'],
  },
  { name: 'an empty step', said: [sasl(''), step('')], heard: ['21 21', '22 20 "Auth failure."'] },
  {
    name: 'mechanisms that there are not',
    said: [sasl('\0ann\0pass', 'LOGIN'), sasl('\0ann\0pass', 'PLAI'), sasl('', 'CRAM-MD5'), noop],
    heard: [AUTH_FAILURE, AUTH_FAILURE, AUTH_FAILURE, NOT_LOGGED_IN],
    closes: true,
  },
  {
    name: 'a mechanism whose name is too long',
    said: [sasl('\0ann\0pass', 'P'.repeat(33)), version],
    heard: ['21 4 "Invalid arguments"', SAID_VERSION],
  },
  {
    name: 'a mechanism without a name',
    said: [sasl('x', ''), version],
    heard: ['21 4 "Invalid arguments"'],
    closes: true,
  },
  {
    name: 'a message that is too long is swallowed',
    said: [sasl(`\0ann\0${'x'.repeat(1000)}`), version],
    heard: [AUTH_FAILURE, SAID_VERSION],
  },
];

describe('a login by SASL', () => {
  it.each(SASL_CASES)('$name', ({ said, heard, closes = false }) => {
    expectHeard(Buffer.concat(said), { heard: heard.join('\n'), closes });
  });

  it('is counted', () => {
    const store = newStore();
    hear([RIGHT, WRONG, WRONG], store);
    expect(store.counters.read('authCmds')).toBe(3);
    expect(store.counters.read('authErrors')).toBe(2);
  });

  it('is no way around the login of the other protocol', () => {
    const store = newStore();
    expect(hear([RIGHT], store).heard).toBe(AUTHENTICATED);
    expect(hear([Buffer.from('get abc\r\n')], store).heard).toBe(UNAUTHENTICATED);
  });
});
