// The binary protocol: each case whole, byte by byte, and split at every boundary.
import { describe, expect, it } from 'vitest';
import type { Store } from '../../../../src/engine/store/store.js';
import { newStore } from '../../store/new-store.js';
import { BytesTalk } from './binary-talk.js';
import { CASES } from './cases.js';
import { describeReplies, packet, readReplies, storing, u32 } from './packets.js';

/** Larger cases are split at so many places only, spread over them. */
const SPLITS_MAX = 1000;
/** The largest, which hold a megabyte, are not sent byte by byte, and split at so many places. */
const LARGE_BYTES = 10_000;
const LARGE_SPLITS_MAX = 10;

/** On a store that may have been used before: making thousands of them would take longer than the tests. */
function hear(store: Store, ...pieces: Uint8Array[]): { heard: string[]; closes: boolean } {
  new BytesTalk(store).say(packet({ opcode: 0x08 }));
  const talk = new BytesTalk(store);
  const heard = describeReplies(talk.say(...pieces));
  return { heard, closes: talk.session.closing };
}

describe('the binary protocol', () => {
  it.each(CASES)('$name', ({ said, heard, closes = false }) => {
    const store = newStore();
    const bytes = Buffer.concat(said);
    const expected = { heard, closes };
    expect(hear(store, bytes)).toEqual(expected);
    expect(hear(store, ...said)).toEqual(expected);
    const isLarge = bytes.length > LARGE_BYTES;
    if (!isLarge) expect(hear(store, ...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(expected);
    const step = Math.ceil(bytes.length / (isLarge ? LARGE_SPLITS_MAX : SPLITS_MAX));
    for (let split = 1; split < bytes.length; split += step) {
      expect(hear(store, bytes.subarray(0, split), bytes.subarray(split)), `split at ${split}`).toEqual(
        expected,
      );
    }
  });

  it('ends a client whose first byte is no request without waiting for a header', () => {
    const talk = new BytesTalk(newStore(), { protocols: 'binary' });
    expect(talk.say(Buffer.from('g'))).toHaveLength(0);
    expect(talk.session.closing).toBe(true);
  });

  it('reads from the middle of a larger chunk', () => {
    const talk = new BytesTalk(newStore());
    const request = Buffer.concat([storing(0x01, 'a', 'x'), packet({ opcode: 0x00, key: 'a' })]);
    const bytes = Buffer.concat([Buffer.from('garbage'), request, Buffer.from('garbage')]);
    expect(talk.session.consume(bytes, 7, bytes.length - 7, talk.reply)).toBe(request.length);
    const replies = Buffer.from(talk.reply.bytes.subarray(0, talk.reply.length));
    expect(describeReplies(replies)).toEqual(['01 0 U', '00 0 U extras=00000000 "x"']);
  });

  it('gives uniques that every storing command, increment and delete compare', () => {
    const talk = new BytesTalk(newStore());
    const ask = (request: Buffer): { status: number; unique: bigint } => readReplies(talk.say(request))[0];
    const stored = ask(storing(0x01, 'a', '1'));
    expect(ask(packet({ opcode: 0x00, key: 'a' })).unique).toBe(stored.unique);
    expect(ask(packet({ opcode: 0x1c, key: 'a', extras: u32(100) })).unique).toBe(stored.unique);
    let unique = stored.unique;
    for (const request of [
      (unique: bigint) => storing(0x01, 'a', '2', { unique }),
      (unique: bigint) => storing(0x02, 'a', '3', { unique }),
      (unique: bigint) => storing(0x03, 'a', '4', { unique }),
      (unique: bigint) => packet({ opcode: 0x0e, key: 'a', value: '5', unique }),
      (unique: bigint) => packet({ opcode: 0x0f, key: 'a', value: '6', unique }),
      (unique: bigint) => packet({ opcode: 0x05, key: 'a', extras: u32(0, 1, 0, 0, 0), unique }),
    ]) {
      const answer = ask(request(unique));
      expect(answer.status).toBe(0);
      expect(answer.unique).not.toBe(unique);
      expect(ask(request(unique)).status).toBe(2);
      unique = answer.unique;
      expect(ask(packet({ opcode: 0x00, key: 'a' })).unique).toBe(unique);
    }
    expect(ask(packet({ opcode: 0x04, key: 'a', unique: stored.unique })).status).toBe(2);
    expect(ask(packet({ opcode: 0x04, key: 'a', unique })).status).toBe(0);
  });

  it('says the version', () => {
    const [reply] = readReplies(new BytesTalk(newStore()).say(packet({ opcode: 0x0b })));
    expect(reply.value.toString()).toBe('1.6.0-test');
  });

  it.each(['', 'settings', 'items', 'slabs', 'replication'])('sends the statistics of "%s"', (group) => {
    const talk = new BytesTalk(newStore());
    talk.say(storing(0x11, 'a', 'x'));
    const replies = readReplies(talk.say(packet({ opcode: 0x10, key: group, opaque: 77 })));
    expect(replies.length).toBeGreaterThan(1);
    expect(replies.every((reply) => reply.status === 0 && reply.opaque === 77)).toBe(true);
    expect(replies.slice(0, -1).every((reply) => reply.key !== '')).toBe(true);
    expect(replies.at(-1)).toMatchObject({ key: '', value: Buffer.of() });
    if (group === '') {
      const items = replies.find((reply) => reply.key === 'curr_items');
      expect(items?.value.toString()).toBe('1');
    }
  });

  it('sets the verbosity', () => {
    const talk = new BytesTalk(newStore());
    talk.say(packet({ opcode: 0x1b, extras: u32(2) }));
    expect(talk.facts.verbosity).toBe(2);
  });

  it('accepts values as large as memcached does', () => {
    const talk = new BytesTalk(newStore());
    const status = (length: number): number =>
      readReplies(talk.say(storing(0x01, 'a', Buffer.alloc(length, 'x'))))[0].status;
    expect(status(1_048_516)).toBe(0);
    expect(readReplies(talk.say(packet({ opcode: 0x00, key: 'a' })))[0].value).toHaveLength(1_048_516);
    expect(status(1_048_517)).toBe(3);
  });

  it('says so when memory is full and nothing may be evicted', () => {
    const talk = new BytesTalk(newStore({ memoryBytes: 4 * 1024 * 1024, evictions: false }));
    const answers = Array.from({ length: 6 }, (_, number) =>
      describeReplies(talk.say(storing(0x01, `k${number}`, Buffer.alloc(900_000, 'x')))),
    );
    expect(answers[0]).toEqual(['01 0 U']);
    expect(answers.at(-1)).toEqual(['01 82 "Out of memory allocating item"']);
    expect(describeReplies(talk.say(packet({ opcode: 0x0a })))).toEqual(['0a 0']);
  });

  it('pauses between requests when the replies are larger than any buffer', () => {
    const talk = new BytesTalk(newStore());
    talk.say(storing(0x11, 'k', Buffer.alloc(100_000, 'v')));
    const requests = Array.from({ length: 100 }, () => packet({ opcode: 0x09, key: 'k' }));
    const replies = readReplies(talk.say(Buffer.concat([...requests, packet({ opcode: 0x0a })])));
    expect(replies.map((reply) => reply.opcode)).toEqual([...new Array(100).fill(0x09), 0x0a]);
    expect(replies.slice(0, 100).every((reply) => reply.value.length === 100_000)).toBe(true);
    expect(talk.pauses).toBeGreaterThan(20);
    expect(talk.reply.bytes.length).toBeLessThan(2 * 1024 * 1024);
  });

  it('gives back a half-received item when the connection ends', () => {
    const store = newStore({ memoryBytes: 4 * 1024 * 1024, evictions: false });
    for (let number = 0; number < 20; number++) {
      const talk = new BytesTalk(store);
      talk.say(storing(0x01, `k${number}`, Buffer.alloc(900_000, 'x')).subarray(0, 1000));
      talk.session.close();
    }
    const heard = new BytesTalk(store).say(storing(0x01, 'k', Buffer.alloc(900_000, 'x')));
    expect(describeReplies(heard)).toEqual(['01 0 U']);
  });

  it('never shows bytes of a value that has not come in whole', () => {
    const store = newStore();
    const half = new BytesTalk(store);
    half.say(storing(0x01, 'a', Buffer.alloc(1000, 's')).subarray(0, 500));
    const other = new BytesTalk(store);
    expect(describeReplies(other.say(packet({ opcode: 0x00, key: 'a' })))).toEqual(['00 1 "Not found"']);
    half.session.close();
    expect(describeReplies(other.say(packet({ opcode: 0x00, key: 'a' })))).toEqual(['00 1 "Not found"']);
  });
});

describe('the first byte of a connection', () => {
  it('chooses the protocol', () => {
    const store = newStore();
    expect(new BytesTalk(store).say(Buffer.from('set a 0 0 1\r\nx\r\n')).toString()).toBe('STORED\r\n');
    expect(describeReplies(new BytesTalk(store).say(packet({ opcode: 0x00, key: 'a' })))).toEqual([
      '00 0 U extras=00000000 "x"',
    ]);
  });

  it('does not matter when only one protocol is allowed', () => {
    const binaryOnly = new BytesTalk(newStore(), { protocols: 'binary' });
    expect(binaryOnly.say(Buffer.from('set a 0 0 1\r\nx\r\nget a\r\n'))).toHaveLength(0);
    expect(binaryOnly.session.closing).toBe(true);
    const textOnly = new BytesTalk(newStore(), { protocols: 'ascii' });
    expect(textOnly.say(packet({ opcode: 0x0b }), Buffer.from('\r\n')).toString()).toBe('ERROR\r\n');
  });
});
