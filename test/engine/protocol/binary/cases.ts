// What a binary client says and hears: for our own session, whole and in pieces, and beside a real memcached.
import { counting, packet, storing, u32 } from './packets.js';

export interface Case {
  readonly name: string;
  readonly said: readonly Buffer[];
  /** Replies as describeReply() writes them. */
  readonly heard: readonly string[];
  /** Whether the connection closes behind the last reply. */
  readonly closes?: boolean;
  /** Why memcached 1.6.18 is not asked: it knows less, or gets out of step here. */
  readonly oursAlone?: string;
}

const GET = 0x00;
const SET = 0x01;
const ADD = 0x02;
const REPLACE = 0x03;
const DELETE = 0x04;
const INCR = 0x05;
const DECR = 0x06;
const QUIT = 0x07;
const FLUSH = 0x08;
const GETQ = 0x09;
const NOOP = 0x0a;
const VERSION = 0x0b;
const GETK = 0x0c;
const GETKQ = 0x0d;
const APPEND = 0x0e;
const PREPEND = 0x0f;
const STAT = 0x10;
const SETQ = 0x11;
const ADDQ = 0x12;
const REPLACEQ = 0x13;
const DELETEQ = 0x14;
const INCRQ = 0x15;
const DECRQ = 0x16;
const QUITQ = 0x17;
const FLUSHQ = 0x18;
const APPENDQ = 0x19;
const PREPENDQ = 0x1a;
const VERBOSITY = 0x1b;
const TOUCH = 0x1c;
const GAT = 0x1d;
const GATQ = 0x1e;
const SASL_LIST = 0x20;
const SASL_AUTH = 0x21;
const SASL_STEP = 0x22;
const GATK = 0x23;
const GATKQ = 0x24;

const noop = packet({ opcode: NOOP });
const get = (key: string): Buffer => packet({ opcode: GET, key });
const touching = (opcode: number, key: string, exptime: number): Buffer =>
  packet({ opcode, key, extras: u32(exptime) });
const joining = (opcode: number, key: string, value: string, unique = 0n): Buffer =>
  packet({ opcode, key, value, unique });

const OK_NOOP = '0a 0';
const MISS = '00 1 "Not found"';
const EMPTY_FLAGS = 'extras=00000000';

export const CASES: readonly Case[] = [
  {
    name: 'set and get, with flags, opaque and every byte in key and value',
    said: [
      storing(SET, 'a', 'abc', { flags: 0x01020304 }),
      get('a'),
      storing(SET, 'k\0\r\n \xff', '\0\r\n\xff'),
      packet({ opcode: GETK, key: 'k\0\r\n \xff', opaque: 0x01020304 }),
      storing(SET, 'empty', ''),
      get('empty'),
      storing(SET, 'k'.repeat(250), 'x'),
    ],
    heard: [
      '01 0 U',
      '00 0 U extras=01020304 "abc"',
      '01 0 U',
      `0c 0 opaque=1020304 U ${EMPTY_FLAGS} key=k\0\r\n \xff "\\u0000\\r\\nÿ"`,
      '01 0 U',
      `00 0 U ${EMPTY_FLAGS}`,
      '01 0 U',
    ],
  },
  {
    name: 'misses: loud, with key, and silent',
    said: [
      get('a'),
      packet({ opcode: GETK, key: 'a' }),
      packet({ opcode: GETQ, key: 'a' }),
      packet({ opcode: GETKQ, key: 'a' }),
      noop,
    ],
    heard: [MISS, '0c 1 key=a', OK_NOOP],
  },
  {
    name: 'hits of quiet gets keep their opcode',
    said: [
      storing(SET, 'a', 'x'),
      packet({ opcode: GETQ, key: 'a' }),
      packet({ opcode: GETKQ, key: 'a' }),
      packet({ opcode: GETQ, key: 'b' }),
      noop,
    ],
    heard: ['01 0 U', `09 0 U ${EMPTY_FLAGS} "x"`, `0d 0 U ${EMPTY_FLAGS} key=a "x"`, OK_NOOP],
  },
  {
    name: 'add and replace',
    said: [
      storing(REPLACE, 'a', 'x'),
      storing(ADD, 'a', 'y'),
      storing(ADD, 'a', 'z'),
      get('a'),
      storing(REPLACE, 'a', 'w', { flags: 7 }),
      get('a'),
    ],
    heard: [
      '03 1 "Not found"',
      '02 0 U',
      '02 2 "Data exists for key."',
      `00 0 U ${EMPTY_FLAGS} "y"`,
      '03 0 U',
      '00 0 U extras=00000007 "w"',
    ],
  },
  {
    name: 'quiet storing says only what went wrong',
    said: [
      storing(SETQ, 'a', 'b'),
      storing(ADDQ, 'a', 'x'),
      storing(ADDQ, 'c', 'x'),
      storing(REPLACEQ, 'd', 'x'),
      storing(REPLACEQ, 'c', 'y'),
      joining(APPENDQ, 'a', 'c'),
      joining(PREPENDQ, 'a', 'a'),
      joining(APPENDQ, 'e', 'x'),
      joining(PREPENDQ, 'e', 'x'),
      get('a'),
    ],
    heard: [
      '12 2 "Data exists for key."',
      '13 1 "Not found"',
      '19 5 "Not stored."',
      '1a 5 "Not stored."',
      `00 0 U ${EMPTY_FLAGS} "abc"`,
    ],
  },
  {
    name: 'append and prepend keep the flags',
    said: [
      joining(APPEND, 'a', 'x'),
      joining(PREPEND, 'a', 'x'),
      storing(SET, 'a', 'b', { flags: 5 }),
      joining(APPEND, 'a', 'c'),
      joining(PREPEND, 'a', 'a'),
      joining(APPEND, 'a', ''),
      get('a'),
    ],
    heard: [
      '0e 5 "Not stored."',
      '0f 5 "Not stored."',
      '01 0 U',
      '0e 0 U',
      '0f 0 U',
      '0e 0 U',
      '00 0 U extras=00000005 "abc"',
    ],
  },
  {
    name: 'a unique that no item has',
    said: [
      storing(SET, 'a', 'x', { unique: 5n }),
      storing(ADD, 'a', 'x', { unique: 5n }),
      storing(REPLACE, 'a', 'x', { unique: 5n }),
      joining(APPEND, 'a', 'x', 5n),
      counting(INCR, 'n', 1n, { unique: 5n, exptime: 0xffff_ffff }),
      packet({ opcode: DELETE, key: 'a', unique: 5n }),
      storing(SET, 'a', '1'),
      storing(SET, 'a', 'x', { unique: 0xffff_ffff_ffff_ffffn }),
      storing(ADD, 'a', 'x', { unique: 0xffff_ffff_ffff_ffffn }),
      storing(REPLACE, 'a', 'x', { unique: 0xffff_ffff_ffff_ffffn }),
      joining(APPEND, 'a', 'x', 0xffff_ffff_ffff_ffffn),
      joining(PREPENDQ, 'a', 'x', 0xffff_ffff_ffff_ffffn),
      counting(INCR, 'a', 1n, { unique: 0xffff_ffff_ffff_ffffn }),
      packet({ opcode: DELETE, key: 'a', unique: 0xffff_ffff_ffff_ffffn }),
      get('a'),
    ],
    heard: [
      '01 1 "Not found"',
      '02 1 "Not found"',
      '03 1 "Not found"',
      '0e 5 "Not stored."',
      '05 1 "Not found"',
      '04 1 "Not found"',
      '01 0 U',
      ...['01', '02', '03', '0e', '1a', '05', '04'].map((opcode) => `${opcode} 2 "Data exists for key."`),
      `00 0 U ${EMPTY_FLAGS} "1"`,
    ],
  },
  {
    name: 'delete',
    said: [
      packet({ opcode: DELETE, key: 'a' }),
      storing(SETQ, 'a', 'x'),
      packet({ opcode: DELETE, key: 'a' }),
      packet({ opcode: DELETEQ, key: 'a' }),
      storing(SETQ, 'a', 'x'),
      packet({ opcode: DELETEQ, key: 'a' }),
      get('a'),
    ],
    heard: ['04 1 "Not found"', '04 0', '14 1 "Not found"', MISS],
  },
  {
    name: 'increment and decrement',
    said: [
      counting(INCR, 'n', 5n, { exptime: 0xffff_ffff }),
      counting(INCR, 'n', 5n, { initial: 100n }),
      get('n'),
      counting(INCR, 'n', 5n, { initial: 100n }),
      counting(DECR, 'n', 6n),
      get('n'),
      counting(DECR, 'n', 1000n),
      counting(INCR, 'n', 0xffff_ffff_ffff_ffffn),
      get('n'),
      counting(INCR, 'n', 2n),
      counting(DECR, 'm', 1n, { initial: 0xffff_ffff_ffff_ffffn, exptime: 100 }),
      get('m'),
    ],
    heard: [
      '05 1 "Not found"',
      '05 0 U "\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000d"',
      `00 0 U ${EMPTY_FLAGS} "100"`,
      '05 0 U "\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000i"',
      '06 0 U "\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000c"',
      `00 0 U ${EMPTY_FLAGS} "99 "`,
      '06 0 U "\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000"',
      '05 0 U "ÿÿÿÿÿÿÿÿ"',
      `00 0 U ${EMPTY_FLAGS} "18446744073709551615"`,
      '05 0 U "\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0001"',
      '06 0 U "ÿÿÿÿÿÿÿÿ"',
      `00 0 U ${EMPTY_FLAGS} "18446744073709551615"`,
    ],
  },
  {
    name: 'quiet increment and decrement',
    said: [
      counting(INCRQ, 'n', 1n, { exptime: 0xffff_ffff }),
      counting(INCRQ, 'n', 1n, { initial: 8n }),
      counting(INCRQ, 'n', 3n),
      counting(DECRQ, 'n', 1n),
      get('n'),
      storing(SETQ, 'n', 'x'),
      counting(DECRQ, 'n', 1n),
    ],
    heard: [
      '15 1 "Not found"',
      `00 0 U ${EMPTY_FLAGS} "10"`,
      '16 6 "Non-numeric server-side value for incr or decr"',
    ],
  },
  {
    name: 'what is no number',
    said: ['', '-1', '1x', 'x', '99999999999999999999'].flatMap((value) => [
      storing(SETQ, 'n', value),
      counting(INCR, 'n', 1n),
    ]),
    heard: new Array(5).fill('05 6 "Non-numeric server-side value for incr or decr"'),
  },
  {
    name: 'an empty value is no number whatever its unique',
    said: [storing(SETQ, 'n', ''), counting(INCR, 'n', 1n, { unique: 5n })],
    heard: ['05 6 "Non-numeric server-side value for incr or decr"'],
  },
  {
    name: 'touch and gat',
    said: [
      touching(TOUCH, 'a', 10),
      touching(GAT, 'a', 10),
      touching(GATK, 'a', 10),
      touching(GATQ, 'a', 10),
      touching(GATKQ, 'a', 10),
      storing(SET, 'a', 'x', { flags: 9 }),
      touching(TOUCH, 'a', 10),
      touching(GAT, 'a', 10),
      touching(GATQ, 'a', 10),
      touching(GATK, 'a', 10),
      touching(GATKQ, 'a', 0),
      get('a'),
    ],
    heard: [
      '1c 1 "Not found"',
      '1d 1 "Not found"',
      '23 1 key=a',
      '01 0 U',
      '1c 0 U extras=00000009',
      '1d 0 U extras=00000009 "x"',
      '1e 0 U extras=00000009 "x"',
      '23 0 U extras=00000009 key=a "x"',
      '24 0 U extras=00000009 key=a "x"',
      '00 0 U extras=00000009 "x"',
    ],
  },
  {
    name: 'expiry times that have passed',
    said: [
      storing(SETQ, 'a', 'x', { exptime: 2_592_001 }),
      get('a'),
      storing(SETQ, 'a', 'x', { exptime: 2_592_000 }),
      get('a'),
      touching(GAT, 'a', 2_592_001),
      get('a'),
      storing(SETQ, 'a', 'x', { exptime: 0xffff_ffff }),
      get('a'),
    ],
    heard: [
      MISS,
      `00 0 U ${EMPTY_FLAGS} "x"`,
      `1d 0 U ${EMPTY_FLAGS} "x"`,
      MISS,
      `00 0 U ${EMPTY_FLAGS} "x"`,
    ],
  },
  {
    name: 'flush, now and later',
    said: [
      storing(SETQ, 'a', 'x'),
      packet({ opcode: FLUSH }),
      get('a'),
      packet({ opcode: FLUSHQ }),
      packet({ opcode: FLUSH, extras: u32(0) }),
      storing(SETQ, 'a', 'x'),
      packet({ opcode: FLUSHQ, extras: u32(100) }),
      noop,
    ],
    heard: ['08 0', MISS, '08 0', OK_NOOP],
  },
  {
    name: 'quit answers and closes',
    said: [packet({ opcode: QUIT }), noop],
    heard: ['07 0'],
    closes: true,
  },
  {
    name: 'a quiet quit only closes',
    said: [noop, packet({ opcode: QUITQ }), noop],
    heard: [OK_NOOP],
    closes: true,
  },
  {
    name: 'verbosity',
    said: [packet({ opcode: VERBOSITY, extras: u32(0) }), noop],
    heard: ['1b 0', OK_NOOP],
    oursAlone: 'it is in the documents only',
  },
  {
    name: 'stats reset, and a group that there is not',
    said: [packet({ opcode: STAT, key: 'reset' }), packet({ opcode: STAT, key: 'foo' })],
    heard: ['10 0', '10 1 "Not found"'],
  },
  {
    name: 'statistics by key prefix',
    said: [
      packet({ opcode: STAT, key: 'detail on' }),
      packet({ opcode: STAT, key: 'detail dump' }),
      packet({ opcode: STAT, key: 'detail off' }),
      packet({ opcode: STAT, key: 'detail foo' }),
      packet({ opcode: STAT, key: 'cachedump 1 1' }),
    ],
    heard: ['10 0', '10 0 key=detailed "END\\r\\n"', '10 0', '10 0', '10 1 "Not found"', '10 1 "Not found"'],
  },
  {
    name: 'opcodes that nobody has',
    said: [packet({ opcode: 0x30 }), packet({ opcode: 0xff }), packet({ opcode: 0x25, opaque: 1 }), noop],
    heard: [
      '30 81 "Unknown command"',
      'ff 81 "Unknown command"',
      '25 81 opaque=1 "Unknown command"',
      OK_NOOP,
    ],
  },
  {
    name: 'the body of an unknown opcode is swallowed',
    said: [packet({ opcode: 0x3c, extras: u32(1, 2), key: 'key', value: noop }), noop],
    heard: ['3c 81 "Unknown command"', OK_NOOP],
    oursAlone: 'it swallows extras and key twice, and so loses what follows',
  },
  {
    name: 'SASL where nobody need log in',
    said: [
      packet({ opcode: SASL_LIST }),
      packet({ opcode: SASL_AUTH, key: 'PLAIN', value: '\0user\0password' }),
      packet({ opcode: SASL_STEP, key: 'PLAIN', value: 'x' }),
      noop,
    ],
    heard: ['20 81 "Unknown command"', '21 81 "Unknown command"', '22 81 "Unknown command"', OK_NOOP],
  },
  // Values that are too large, and what comes behind them.
  {
    name: 'a value that is too large is refused and swallowed, and set leaves no old value',
    said: [
      storing(SETQ, 'a', 'old'),
      storing(ADD, 'a', Buffer.alloc(1_048_577, 'x')),
      get('a'),
      joining(APPEND, 'a', 'x'.repeat(1_048_577)),
      get('a'),
      storing(SETQ, 'a', Buffer.alloc(1_048_577, 'x')),
      get('a'),
    ],
    heard: [
      '02 3 "Too large."',
      `00 0 U ${EMPTY_FLAGS} "old"`,
      '0e 3 "Too large."',
      `00 0 U ${EMPTY_FLAGS} "old"`,
      '11 3 "Too large."',
      MISS,
    ],
  },
  // Requests that contradict themselves: an error, then the end. Each class has been somebody's CVE.
  {
    name: 'a request with another magic byte closes at once',
    said: [noop, packet({ opcode: NOOP, magic: 0x81 }), noop],
    heard: [OK_NOOP],
    closes: true,
  },
  ...(
    [
      ['get without a key', packet({ opcode: GET })],
      ['get with extras', packet({ opcode: GET, extras: u32(1), key: 'a' })],
      ['get with a value', packet({ opcode: GET, key: 'a', value: 'x' })],
      ['set without extras', packet({ opcode: SET, key: 'a', value: 'x' })],
      ['set with short extras', packet({ opcode: SET, extras: u32(1), key: 'a', value: 'x' })],
      ['set without a key', packet({ opcode: SET, extras: u32(0, 0), value: 'x' })],
      ['append with extras', packet({ opcode: APPEND, extras: u32(0, 0), key: 'a', value: 'x' })],
      ['append without a key', packet({ opcode: APPEND, value: 'x' })],
      ['delete with a value', packet({ opcode: DELETE, key: 'a', value: 'x' })],
      ['increment with short extras', packet({ opcode: INCR, extras: u32(0, 0, 0, 0), key: 'a' })],
      ['increment with long extras', packet({ opcode: INCR, extras: Buffer.alloc(255), key: 'a' })],
      ['touch without extras', packet({ opcode: TOUCH, key: 'a' })],
      ['touch without a key', packet({ opcode: TOUCH, extras: u32(0) })],
      ['flush with a key', packet({ opcode: FLUSH, key: 'a' })],
      ['flush with long extras', packet({ opcode: FLUSH, extras: u32(0, 0) })],
      ['noop with a key', packet({ opcode: NOOP, key: 'a' })],
      ['version with a value', packet({ opcode: VERSION, value: 'a' })],
      ['quit with extras', packet({ opcode: QUIT, extras: u32(0) })],
      ['stat with extras', packet({ opcode: STAT, extras: u32(0), key: 'items' })],
      ['a key of 251 bytes', get('k'.repeat(251))],
      ['a set with a key of 251 bytes', storing(SET, 'k'.repeat(251), 'x')],
    ] as const
  ).map(
    ([name, request]): Case => ({
      name: `${name} is an error that closes`,
      said: [request, noop],
      heard: [`${request[1].toString(16).padStart(2, '0')} 4 "Invalid arguments"`],
      closes: true,
    }),
  ),
  {
    name: 'a key of 64 KB is an error that closes before the key has come',
    said: [get('k'.repeat(65_535))],
    heard: ['00 4 "Invalid arguments"'],
    closes: true,
    oursAlone: 'it waits for a key that its buffer never holds',
  },
  {
    name: 'touch with a value is an error that closes',
    said: [packet({ opcode: TOUCH, extras: u32(0), key: 'a', value: 'x' })],
    heard: ['1c 4 "Invalid arguments"'],
    closes: true,
    oursAlone: 'it takes the value for the next request',
  },
  {
    name: 'stat with a value is an error that closes',
    said: [packet({ opcode: STAT, key: 'items', value: 'x' })],
    heard: ['10 4 "Invalid arguments"'],
    closes: true,
    oursAlone: 'it takes the value for the next request',
  },
  ...(
    [
      ['a body shorter than the key', packet({ opcode: GET, key: 'abcdef', bodyLength: 5 })],
      ['no body for the key', packet({ opcode: GET, key: 'abcdef', bodyLength: 0 })],
      ['no body for the extras', packet({ opcode: SET, extras: u32(0, 0), key: 'a', bodyLength: 8 })],
      [
        'an append whose body is shorter than its key',
        packet({ opcode: APPEND, key: 'abcdef', bodyLength: 3 }),
      ],
      ['a SASL message of negative length', packet({ opcode: SASL_AUTH, key: 'PLAIN', bodyLength: 2 })],
    ] as const
  ).map(
    ([name, request]): Case => ({
      name: `${name} is an error that closes`,
      said: [request, noop],
      heard: [`${request[1].toString(16).padStart(2, '0')} 81 "Unknown command"`],
      closes: true,
    }),
  ),
  ...[SET, ADD, REPLACE, APPENDQ, PREPEND, 0x30].map(
    (opcode): Case => ({
      name: `opcode ${opcode.toString(16)} with a body of 4 GiB is an error that closes`,
      said: [
        packet({
          opcode,
          extras: opcode <= REPLACE ? u32(0, 0) : undefined,
          key: 'a',
          bodyLength: 0xffff_ffff,
        }),
        noop,
      ],
      heard: [`${opcode.toString(16).padStart(2, '0')} 4 "Invalid arguments"`],
      closes: true,
      oursAlone: 'it has had this check since 1.6.41',
    }),
  ),
];
