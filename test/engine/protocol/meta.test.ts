// The meta commands: every flag, every error, whole, byte by byte, and split in two at every place.
import { describe, expect, it } from 'vitest';
import { newStore } from '../store/new-store.js';
import { Talk } from './talk.js';

const BAD = 'CLIENT_ERROR bad command line format\r\n';
const DUPLICATE = 'CLIENT_ERROR duplicate flag\r\n';
const INVALID = 'CLIENT_ERROR invalid flag\r\n';
const BAD_TOKEN = 'CLIENT_ERROR bad token in command line format\r\n';
const BAD_MA = 'CLIENT_ERROR invalid or duplicate flag\r\n';
const NON_NUMERIC = 'CLIENT_ERROR cannot increment or decrement non-numeric value\r\n';
const KEY_250 = 'k'.repeat(250);

/** What is said, and what is heard; uniques made by the store read cU. */
const CASES: readonly (readonly [said: string, heard: string])[] = [
  // mg: what it shows.
  ['mn\r\nmn whatever\r\n', 'MN\r\nMN\r\n'],
  ['mg a\r\nmg a v\r\nmg a q\r\nmg a v O1 k\r\nmn\r\n', 'EN\r\nEN\r\nEN O1 ka\r\nMN\r\n'],
  ['set a 7 0 3\r\nabc\r\nmg a\r\nmg a v\r\nmg a q\r\n', 'STORED\r\nHD\r\nVA 3\r\nabc\r\nHD\r\n'],
  [
    'set a 7 100 3\r\nabc\r\nmg a s v t f c k O99\r\nmg a k f t s v\r\n',
    'STORED\r\nVA 3 s3 t100 f7 cU ka O99\r\nabc\r\nVA 3 ka f7 t100 s3\r\nabc\r\n',
  ],
  ['ms a 1\r\nx\r\nmg a t h l\r\nmg a h\r\n', 'HD\r\nHD t-1 h0 l0\r\nHD h1\r\n'],
  ['ms a 1\r\nx\r\nmg a u h\r\nmg a h\r\nmg a h\r\n', 'HD\r\nHD h0\r\nHD h0\r\nHD h1\r\n'],
  ['ms a 1 T90\r\nx\r\nmg a t T60\r\nmg a T30 t\r\nmg a t\r\n', 'HD\r\nHD t90\r\nHD t30\r\nHD t30\r\n'],
  ['ms a 1\r\nx\r\nmg a v T-1\r\nmg a v\r\n', 'HD\r\nVA 1\r\nx\r\nEN\r\n'],
  ['ms a 1 E5\r\nx\r\nmg a C5 v c\r\nmg a C6 v c\r\n', 'HD\r\nHD c5\r\nVA 1 c5\r\nx\r\n'],
  ['ms a 0\r\n\r\nmg a v\r\n', 'HD\r\nVA 0\r\n\r\n'],
  ['mg a L P1\r\n', 'EN\r\n'],
  // mg: recaching.
  [
    'mg a N30 v t\r\nmg a N30 v t\r\nms a 1 T9\r\nx\r\nmg a N30 v t\r\n',
    'VA 0 t30 W\r\n\r\nVA 0 t30 Z\r\n\r\nHD\r\nVA 1 t9\r\nx\r\n',
  ],
  ['mg a s c v N30 t\r\nmg a s c v N30 t\r\n', 'VA 0 s0 cU t30 W\r\n\r\nVA 0 s0 cU t30 Z\r\n\r\n'],
  ['mg a N0 E9 c\r\nmg a c\r\n', 'HD c9 W\r\nHD c9 Z\r\n'],
  ['ms a 1 T30\r\nx\r\nmg a R20 t\r\nmg a R40 t\r\nmg a R40\r\n', 'HD\r\nHD t30\r\nHD t30 W\r\nHD Z\r\n'],
  ['ms a 1\r\nx\r\nmg a R40\r\n', 'HD\r\nHD\r\n'],
  [
    'ms a 1 T90\r\nx\r\nmd a I T30\r\nmg a t v\r\nmg a t v\r\n',
    'HD\r\nHD\r\nVA 1 t30 X W\r\nx\r\nVA 1 t30 Z X\r\nx\r\n',
  ],
  // ms.
  ['ms a 3 k c s O7\r\nabc\r\nms a 1 q\r\nx\r\nmg a v\r\n', 'HD ka cU s3 O7\r\nVA 1\r\nx\r\n'],
  ['ms a 1 F9 T30\r\nx\r\nmg a f t\r\n', 'HD\r\nHD f9 t30\r\n'],
  ['ms a 1 ME\r\nx\r\nms a 1 ME c s\r\ny\r\nms a 1 ME q\r\ny\r\n', 'HD\r\nNS c0 s1\r\nNS\r\n'],
  ['ms a 1 MR\r\nx\r\nms a 1 MS\r\nx\r\nms a 1 MR\r\ny\r\nmg a v\r\n', 'NS\r\nHD\r\nHD\r\nVA 1\r\ny\r\n'],
  [
    'ms a 1 MA\r\nx\r\nms a 2 T50 F3\r\nab\r\nms a 2 MA s T1 F1\r\ncd\r\nms a 1 MP s\r\n0\r\nmg a v f t\r\n',
    'NS\r\nHD\r\nHD s4\r\nHD s5\r\nVA 5 f3 t50\r\n0abcd\r\n',
  ],
  [
    'ms a 2 MA N40 s\r\nab\r\nms a 1 MP N50\r\n0\r\nmg a v t\r\nms b 1 MP N50 T10\r\nx\r\nmg b t\r\n',
    'HD s2\r\nHD\r\nVA 3 t40\r\n0ab\r\nHD\r\nHD t50\r\n',
  ],
  [
    'ms a 1 Mx\r\nx\r\nms a 1 M\r\nx\r\nmn\r\n',
    'CLIENT_ERROR invalid mode for ms M token\r\n'.repeat(2).concat('MN\r\n'),
  ],
  ['ms a 1 MAppend N0\r\nx\r\n', 'HD\r\n'],
  [
    'ms a 1 C5 c\r\nx\r\nms a 1 E5\r\nx\r\nms a 1 C6 c k\r\ny\r\nms a 1 C5 c E6\r\nz\r\nms a 1 C5\r\nz\r\n',
    'NF c0\r\nHD\r\nEX c0 ka\r\nHD c6\r\nEX\r\n',
  ],
  ['ms a 1\r\nx\r\nms a 1 C0\r\ny\r\nms a 1 C0 MA\r\ny\r\n', 'HD\r\nEX\r\nHD\r\n'],
  [
    'ms a 1 E5\r\nx\r\nms a 1 C4 MA\r\ny\r\nms a 1 C5 MA E6 c\r\ny\r\nms n 1 C5 MA N0\r\nz\r\n',
    'HD\r\nEX\r\nHD c6\r\nHD\r\n',
  ],
  [
    'ms a 1 E50 T70\r\nx\r\nms a 1 I C60 T9\r\ny\r\nms a 1 I C40 E51 T9\r\ny\r\nmg a c v t\r\nmg a t\r\nms a 1 I C51\r\nz\r\nmg a v\r\n',
    'HD\r\nEX\r\nHD\r\nVA 1 c51 t70 X W\r\ny\r\nHD t70 Z X\r\nHD\r\nVA 1\r\nz\r\n',
  ],
  ['ms a 1 T-1 s c\r\nx\r\nmg a\r\n', 'HD s1 cU\r\nEN\r\n'],
  ['ms a 1 E0 c\r\nx\r\n', 'HD cU\r\n'],
  // ms: what follows the line.
  ['ms a 3 c\r\nabcde\r\nmn\r\n', `CLIENT_ERROR bad data chunk\r\n${BAD}MN\r\n`],
  ['ms a 3 q\r\nabcdemn\r\n', 'CLIENT_ERROR bad data chunk\r\nMN\r\n'],
  ['ms a\r\nms a x\r\nms a -1\r\nms a 2147483646\r\nmn\r\n', BAD.repeat(4).concat('MN\r\n')],
  [
    'ms a 2 c c\r\nmn\r\nms a 2 Z\r\nmn\r\nms a 2 Tx\r\nmn\r\nmn\r\n',
    `${DUPLICATE}${INVALID}${BAD_TOKEN}MN\r\n`,
  ],
  [`ms ${KEY_250}k 2\r\nmn\r\nms ${KEY_250} 1\r\nx\r\nmg ${KEY_250} s\r\n`, `${BAD}HD\r\nHD s1\r\n`],
  // md.
  [
    'md a\r\nmd a q O2 k\r\nms a 1\r\nx\r\nmd a k O3\r\nmg a\r\n',
    'NF\r\nNF O2 ka\r\nHD\r\nHD ka O3\r\nEN\r\n',
  ],
  ['ms a 1\r\nx\r\nmd a q\r\nmg a\r\n', 'HD\r\nEN\r\n'],
  ['ms a 1 E5\r\nx\r\nmd a C4 q\r\nmd a C5\r\n', 'HD\r\nEX\r\nHD\r\n'],
  ['ms a 3 F5 T90\r\nabc\r\nmd a x\r\nmg a v f t\r\n', 'HD\r\nHD\r\nVA 0 f0 t-1\r\n\r\n'],
  ['ms a 3 F5 T90\r\nabc\r\nmd a x T30 I E8\r\nmg a v f t c\r\n', 'HD\r\nHD\r\nVA 0 f0 t30 c8 X W\r\n\r\n'],
  ['ms a 1\r\nx\r\nmd a I E9\r\nmd a I E10\r\nmg a c v\r\n', 'HD\r\nHD\r\nHD\r\nVA 1 c10 X W\r\nx\r\n'],
  ['ms a 1 E5\r\nx\r\nmd a I\r\nmg a c\r\n', 'HD\r\nHD\r\nHD cU X W\r\n'],
  ['ms a 1\r\nx\r\nmd a I T-1\r\nmg a\r\n', 'HD\r\nHD\r\nEN\r\n'],
  // ma.
  ['ma n\r\nma n q\r\nma n O1 k\r\n', 'NF\r\nNF\r\nNF O1 kn\r\n'],
  [
    'ma n N0 J13 v\r\nma n v\r\nma n D30 v t c\r\nma n q v\r\nmg n v\r\n',
    'VA 2\r\n13\r\nVA 2\r\n14\r\nVA 2 t-1 cU\r\n44\r\nVA 2\r\n45\r\n',
  ],
  [
    'ma n t N90\r\nma m N90 t\r\nma n N30 T60 v t\r\nma n t\r\n',
    'HD t-1\r\nHD t90\r\nVA 1 t60\r\n1\r\nHD t60\r\n',
  ],
  [
    'set n 0 0 1\r\n5\r\nma n MI v\r\nma n M+ v\r\nma n MD v\r\nma n M- D9 v\r\nma n Mx\r\n',
    'STORED\r\nVA 1\r\n6\r\nVA 1\r\n7\r\nVA 1\r\n6\r\nVA 1\r\n0\r\nCLIENT_ERROR invalid mode for ma M token\r\n',
  ],
  [
    'set n 0 0 1\r\n9\r\nma n v\r\nma n D18446744073709551615 v\r\nma n D1 MD\r\nmg n v\r\n',
    'STORED\r\nVA 2\r\n10\r\nVA 1\r\n9\r\nHD\r\nVA 2\r\n8 \r\n',
  ],
  [
    'set n 0 0 1\r\nx\r\nma n\r\nset n 0 0 0\r\n\r\nma n C9\r\n',
    `STORED\r\n${NON_NUMERIC}STORED\r\n${NON_NUMERIC}`,
  ],
  [
    'ms n 1 E5\r\n1\r\nma n C6 k\r\nma n C5 E7 c v\r\nma n C0 v\r\nma n E9 D99 c v\r\n',
    'HD\r\nEX kn\r\nVA 1 c7\r\n2\r\nVA 1\r\n3\r\nVA 3 c9\r\n102\r\n',
  ],
  ['set n 0 0 1\r\n1\r\nma n T-1 v\r\nmg n\r\n', 'STORED\r\nVA 1\r\n2\r\nEN\r\n'],
  ['ma n Dx\r\nma n Jx\r\nma n D\r\nma n v v\r\nma n Z\r\nma n Tx\r\n', BAD_MA.repeat(6)],
  // Keys in base64.
  [
    'ms YWJj 1 b k\r\nx\r\nmg YWJj b k v\r\nget abc\r\nmg abc k\r\nmd YWJj k b q\r\nmg YWJj q b k O1\r\nmg YWJj b k\r\n',
    'HD kYWJj b\r\nVA 1 kYWJj b\r\nx\r\nVALUE abc 0 1\r\nx\r\nEND\r\nHD kabc\r\nEN kYWJj b\r\n',
  ],
  [
    'ms AAECCg== 1 b\r\nx\r\nmg AAECCg== k b v\r\nma AAECCg== b k C1\r\n',
    'HD\r\nVA 1 kAAECCg== b\r\nx\r\nEX kAAECCg== b\r\n',
  ],
  [
    'mg abc b\r\nmg a=== b\r\nms !!!! 1 b\r\nx\r\nmn\r\n',
    'CLIENT_ERROR error decoding key\r\n'.repeat(3).concat('MN\r\n'),
  ],
  // Errors.
  ['mg\r\nmd\r\nma\r\nme\r\nmg  \r\n', BAD.repeat(5)],
  ['mx a\r\nMG a\r\nmga a\r\nm a\r\n', 'ERROR\r\n'.repeat(4)],
  [`mg ${KEY_250}k\r\nmd ${KEY_250}k\r\nma ${KEY_250}k\r\nme ${KEY_250}k\r\n`, `${BAD}${BAD}${BAD_MA}${BAD}`],
  [
    'mg a v v\r\nmg a Z\r\nmg a 9\r\nmg a {\r\nmg a !\r\nmd a ^\r\n',
    `${DUPLICATE}${INVALID}${INVALID}${BAD}${BAD}${INVALID}`,
  ],
  [
    'mg a T\r\nmg a Tx\r\nmg a T4294967296\r\nmg a Cx\r\nmg a E-1\r\nmg a N\r\nmg a R1.5\r\n',
    BAD_TOKEN.repeat(7),
  ],
  [
    'mg a Fx\r\nmg a Jx\r\nmg a Dx\r\n',
    `${BAD}CLIENT_ERROR invalid numeric initial value\r\nCLIENT_ERROR invalid numeric delta value\r\n`,
  ],
  [
    `mg a O${'x'.repeat(31)} q\r\nmg a O${'x'.repeat(31)}\r\nmg a O${'x'.repeat(32)} q\r\n`,
    `EN O${'x'.repeat(31)}\r\nCLIENT_ERROR opaque token too long\r\n`,
  ],
  [
    `mg a ${'v '.repeat(19)}\r\nmg a ${'v '.repeat(18)}\r\n`,
    `CLIENT_ERROR options flags are too long\r\n${DUPLICATE}`,
  ],
  ['mg a q Tx\r\nmd a q Z\r\n', `${BAD_TOKEN}${INVALID}`],
  ['mg a v\nmg  a   k \r\n', 'EN\r\nEN ka\r\n'],
  // me.
  [
    'ms a 1 T90 E77\r\nx\r\nme a\r\nmg a\r\nme YQ== b\r\nme b\r\n',
    'HD\r\nME a exp=90 la=0 cas=77 fetch=no cls=1 size=42\r\nHD\r\nME YQ== exp=90 la=0 cas=77 fetch=yes cls=1 size=42\r\nEN\r\n',
  ],
  // Beside the classic commands.
  [
    'ms a 2 E5 F3\r\nab\r\ngets a\r\ncas a 0 0 1 5\r\nx\r\nmg a c v\r\n',
    'HD\r\nVALUE a 3 2 5\r\nab\r\nEND\r\nSTORED\r\nVA 1 cU\r\nx\r\n',
  ],
  [
    'ms a 1 E5\r\n9\r\nincr a 1\r\nmg a c v\r\nappend a 0 0 1\r\n0\r\nmg a v\r\n',
    'HD\r\n10\r\nVA 2 cU\r\n10\r\nSTORED\r\nVA 3\r\n100\r\n',
  ],
  ['ms a 1 E5\r\n9\r\ntouch a 50\r\nmg a c t\r\n', 'HD\r\nTOUCHED\r\nHD c5 t50\r\n'],
];

const withoutUniques = (text: string): string => text.replace(/ c\d{12,}/g, ' cU');

function hear(...pieces: Uint8Array[]): string {
  return withoutUniques(new Talk(newStore({ memoryBytes: 4 * 1024 * 1024 })).say(...pieces));
}

describe('the meta commands', () => {
  it.each(CASES)('%j', (said, heard) => {
    const bytes = Buffer.from(said, 'latin1');
    expect(hear(bytes)).toBe(heard);
    expect(hear(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toBe(heard);
    for (let split = 1; split < bytes.length; split++) {
      expect(hear(bytes.subarray(0, split), bytes.subarray(split)), `split at ${split}`).toBe(heard);
    }
  });

  it('lets a value that is too large delete the old one, whatever the mode', () => {
    const talk = new Talk(newStore());
    const say = (text: string): string => talk.say(Buffer.from(text, 'latin1'));
    for (const mode of ['S', 'E', 'A']) {
      say('ms a 1\r\nx\r\n');
      expect(say(`ms a 2000000 M${mode}\r\n${'x'.repeat(2_000_000)}\r\n`)).toBe(
        'SERVER_ERROR object too large for cache\r\n',
      );
      expect(say('mg a v\r\n')).toBe('EN\r\n');
    }
  });

  it('counts as the classic commands do', () => {
    const store = newStore();
    const talk = new Talk(store);
    talk.say(
      Buffer.from('ms a 1\r\n1\r\nmg a\r\nmg b\r\nmg a T9\r\nmd b\r\nma a\r\nma b\r\nmd a\r\nme a\r\n'),
    );
    const read = (name: Parameters<typeof store.counters.read>[0]): number => store.counters.read(name);
    expect([read('cmdSet'), read('cmdGet'), read('getHits'), read('getMisses')]).toEqual([1, 2, 1, 1]);
    expect([read('touchHits'), read('deleteMisses'), read('deleteHits')]).toEqual([1, 1, 1]);
    expect([read('incrHits'), read('incrMisses'), read('cmdMeta')]).toEqual([1, 1, 1]);
  });

  it('gives back a half-received item when the connection ends', () => {
    const store = newStore({ memoryBytes: 4 * 1024 * 1024, evictions: false });
    for (let number = 0; number < 20; number++) {
      const talk = new Talk(store);
      talk.say(Buffer.from(`ms k${number} 900000\r\nhalf`));
      talk.session.close();
    }
    expect(new Talk(store).say(Buffer.from(`ms k 900000\r\n${'x'.repeat(900_000)}\r\n`))).toBe('HD\r\n');
  });

  it('keeps the unique of a value that is larger than any slot', () => {
    const talk = new Talk(newStore());
    const value = 'v'.repeat(1_000_000);
    expect(talk.say(Buffer.from(`ms a 1000000 E5 c\r\n${value}\r\n`))).toBe('HD c5\r\n');
    expect(
      talk.say(Buffer.from('md a I E6\r\nmg a c v\r\n')) === `HD\r\nVA 1000000 c6 X W\r\n${value}\r\n`,
    ).toBe(true);
    expect(talk.say(Buffer.from('ms a 1 MA s E7\r\nx\r\nmg a c\r\n'))).toBe(
      'HD s1000001\r\nHD c7 X W\r\n'.replace(' X W', ''),
    );
  });
});
