import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_LINE_BYTES, ReplyDecoder } from '../../../src/pair/client/reply-decoder.js';

function decode(chunks: readonly Buffer[], maxValueBytes = 1000): string[] {
  const events: string[] = [];
  const decoder = new ReplyDecoder(
    {
      onLine: (line) => events.push(`line ${line}`),
      onValue: ({ key, flags, cas, value }) =>
        events.push(`value ${key} ${flags} ${cas} ${value.toString('hex')}`),
    },
    maxValueBytes,
  );
  for (const chunk of chunks) decoder.push(chunk);
  return events;
}

const STREAM = Buffer.from(
  'STORED\r\nVALUE k 4294967295 9\r\na\r\nEND\r\nb\r\nVALUE e 0 0 18446744073709551615\r\n\r\nEND\r\n' +
    'STAT version 1.6.18\r\nEND\nSERVER_ERROR out of memory\r\n',
);
const EVENTS = [
  'line STORED',
  `value k 4294967295  ${Buffer.from('a\r\nEND\r\nb').toString('hex')}`,
  'value e 0 18446744073709551615 ',
  'line END',
  'line STAT version 1.6.18',
  'line END',
  'line SERVER_ERROR out of memory',
];

test('a stream reads the same whole, byte by byte, and split at every boundary', () => {
  expect(decode([STREAM])).toEqual(EVENTS);
  expect(decode([...STREAM].map((byte) => Buffer.of(byte)))).toEqual(EVENTS);
  for (let at = 1; at < STREAM.length; at += 1) {
    expect(decode([STREAM.subarray(0, at), STREAM.subarray(at)])).toEqual(EVENTS);
  }
});

test('any value of any bytes comes back whole, however the stream is split', () => {
  const values = fc.array(fc.uint8Array({ maxLength: 50 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(values, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (bodies, sizes) => {
      const stream = Buffer.concat(
        bodies.flatMap((body, i) => [
          Buffer.from(`VALUE k${i} ${i} ${body.length}\r\n`),
          body,
          Buffer.from('\r\n'),
        ]),
      );
      const chunks: Buffer[] = [];
      for (let at = 0, turn = 0; at < stream.length; turn += 1) {
        const sizeBytes = sizes[turn % sizes.length];
        chunks.push(stream.subarray(at, at + sizeBytes));
        at += sizeBytes;
      }
      expect(decode(chunks)).toEqual(
        bodies.map((body, i) => `value k${i} ${i}  ${Buffer.from(body).toString('hex')}`),
      );
    }),
  );
});

test.each([
  ['a line without end', [Buffer.alloc(MAX_LINE_BYTES + 1, 'x')], /longer than 8192 bytes/],
  ['a line without end, in pieces', Array(100).fill(Buffer.alloc(100, 'x')), /longer than 8192 bytes/],
  ['a value over the limit', [Buffer.from('VALUE k 0 1001\r\n')], /1001 bytes is over the limit of 1000/],
  ['a length no number holds', [Buffer.from('VALUE k 0 99999999999999999999\r\n')], /unreadable VALUE line/],
  ['a negative length', [Buffer.from('VALUE k 0 -1\r\n')], /unreadable VALUE line/],
  ['a value that runs on', [Buffer.from('VALUE k 0 1\r\nabc')], /does not end where it says/],
])('%s is refused', (_, chunks, message) => {
  expect(() => decode(chunks)).toThrow(message);
});
