// Commands that write while the node refuses writes (--repl-ack strict without a peer): an error, and nothing changes.
import { describe, expect, it } from 'vitest';
import type { Store } from '../../../src/engine/store/store.js';
import { newStore, put, RecordingLog, read } from '../store/new-store.js';
import { BytesTalk } from './binary/binary-talk.js';
import { counting, packet, readReplies, storing, u32 } from './binary/packets.js';
import { Talk } from './talk.js';

const REFUSED = 'SERVER_ERROR no peer in sync\r\n';
const TEMPORARY_FAILURE = 0x86;

function refusing(): { store: Store; log: RecordingLog } {
  const log = new RecordingLog();
  const store = newStore({ changeLog: log });
  put(store, 'k', '5');
  log.changes.length = 0;
  store.refusesWrites = true;
  return { store, log };
}

const bytesOf = (said: string): Buffer => Buffer.from(said, 'latin1');

describe('the text protocol', () => {
  it.each([
    'set k 0 0 1\r\n6\r\n',
    'add new 0 0 1\r\n6\r\n',
    'replace k 0 0 1\r\n6\r\n',
    'append k 0 0 1\r\n6\r\n',
    'prepend k 0 0 1\r\n6\r\n',
    'cas k 0 0 1 1\r\n6\r\n',
    'delete k\r\n',
    'incr k 1\r\n',
    'decr k 1\r\n',
    'touch k 100\r\n',
    'gat 100 k\r\n',
    'gats 100 k\r\n',
    'flush_all\r\n',
    'ms k 1\r\n6\r\n',
    'ms k 1 q\r\n6\r\n',
    'md k\r\n',
    'md k q\r\n',
    'ma k\r\n',
    'mg k v T100\r\n',
    'mg new v N100\r\n',
  ])('refuses %j', (said) => {
    const { store, log } = refusing();
    const talk = new Talk(store);
    expect(talk.say(bytesOf(said))).toBe(REFUSED);
    expect(talk.say(...Array.from(bytesOf(said), (byte) => Uint8Array.of(byte)))).toBe(REFUSED);
    expect(log.changes).toEqual([]);
    expect([read(store, 'k'), read(store, 'new')]).toEqual(['5', undefined]);
    expect(talk.say(bytesOf('mn\r\n'))).toBe('MN\r\n');
  });

  it('does not take a value that is too large for a reason to forget the old one', () => {
    const { store } = refusing();
    const said = `set k 0 0 9999999\r\n${'x'.repeat(9_999_999)}\r\nget k\r\n`;
    expect(new Talk(store).say(bytesOf(said))).toBe(`${REFUSED}VALUE k 0 1\r\n5\r\nEND\r\n`);
  });

  it('goes on reading', () => {
    const { store } = refusing();
    expect(new Talk(store).say(bytesOf('get k\r\nmg k v\r\nmn\r\n'))).toBe(
      'VALUE k 0 1\r\n5\r\nEND\r\nVA 1\r\n5\r\nMN\r\n',
    );
  });

  it('says nothing to who wants to hear nothing, and changes nothing', () => {
    const { store } = refusing();
    const said = 'set k 0 0 1 noreply\r\n6\r\ndelete k noreply\r\nincr k 1 noreply\r\nget k\r\n';
    expect(new Talk(store).say(bytesOf(said))).toBe('VALUE k 0 1\r\n5\r\nEND\r\n');
  });

  it('writes again as soon as it may', () => {
    const { store } = refusing();
    const talk = new Talk(store);
    expect(talk.say(bytesOf('set k 0 0 1\r\n6\r\n'))).toBe(REFUSED);
    store.refusesWrites = false;
    expect(talk.say(bytesOf('set k 0 0 1\r\n6\r\n'))).toBe('STORED\r\n');
  });
});

describe('the binary protocol', () => {
  const touch = { key: 'k', extras: u32(100) };
  const requests: [name: string, request: Buffer][] = [
    ...[0x01, 0x02, 0x03, 0x11, 0x12, 0x13].map((opcode) => storing(opcode, 'k', '6')),
    ...[0x0e, 0x0f, 0x19, 0x1a].map((opcode) => packet({ opcode, key: 'k', value: '6' })),
    ...[0x05, 0x06, 0x15, 0x16].map((opcode) => counting(opcode, 'k', 1n)),
    ...[0x04, 0x14].map((opcode) => packet({ opcode, key: 'k' })),
    ...[0x1c, 0x1d, 0x1e, 0x23, 0x24].map((opcode) => packet({ opcode, ...touch })),
    ...[0x08, 0x18].map((opcode) => packet({ opcode })),
  ].map((request) => [`opcode 0x${request[1].toString(16)}`, request]);

  it.each(requests)('refuses %s', (_name, request) => {
    const { store, log } = refusing();
    const talk = new BytesTalk(store);
    const noop = packet({ opcode: 0x0a });
    for (const pieces of [
      [request, noop],
      Array.from(Buffer.concat([request, noop]), (byte) => Uint8Array.of(byte)),
    ]) {
      const [refusal, next] = readReplies(talk.say(...pieces));
      expect(refusal).toMatchObject({ opcode: request[1], status: TEMPORARY_FAILURE });
      expect(refusal.value.toString()).toBe('No peer in sync');
      expect(next).toMatchObject({ opcode: 0x0a, status: 0 });
    }
    expect(log.changes).toEqual([]);
    expect(read(store, 'k')).toBe('5');
  });

  it('goes on reading', () => {
    const { store } = refusing();
    const [reply] = readReplies(new BytesTalk(store).say(packet({ opcode: 0x00, key: 'k' })));
    expect(reply.value.toString()).toBe('5');
  });
});
