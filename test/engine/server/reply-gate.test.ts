// Connections that wait for the peer, on streams that take as much as the test lets them, and a board that it writes.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { ReplyBuffer } from '../../../src/engine/protocol/reply-buffer.js';
import { ClientSession } from '../../../src/engine/protocol/session.js';
import { RingChangeLog } from '../../../src/engine/replication/change-log.js';
import { AckBoard } from '../../../src/engine/server/ack-board.js';
import { ClientConnection, type ClientContext } from '../../../src/engine/server/client-connection.js';
import type { Stream } from '../../../src/engine/server/net.js';
import { ReplyGate } from '../../../src/engine/server/reply-gate.js';
import { SharedMemory } from '../../../src/engine/store/shared-memory.js';
import { FixedFacts } from '../protocol/talk.js';
import { newStore, put } from '../store/new-store.js';

const SET = 'set k 0 0 1\r\n1\r\n';
const GET = 'get k\r\n';
const VALUE = 'VALUE k 0 1\r\n1\r\nEND\r\n';

class NarrowStream implements Stream {
  readonly peerAddress = 'test:1';
  roomBytes = Number.POSITIVE_INFINITY;
  taken = '';
  ended = false;
  isPaused = false;

  write(bytes: Uint8Array, byteOffset: number, byteLength: number): number {
    const count = Math.min(byteLength, this.roomBytes);
    this.taken += Buffer.from(bytes).toString('latin1', byteOffset, byteOffset + count);
    this.roomBytes -= count;
    return count;
  }

  end(): void {
    this.ended = true;
  }

  terminate(): void {}

  noticeLoss(): void {}
  boundInput(): void {}

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  release(bytes: Uint8Array): void {
    structuredClone(bytes.buffer, { transfer: [bytes.buffer as ArrayBuffer] });
  }
}

let memory: SharedMemory;
let log: RingChangeLog;
let board: AckBoard;
let gate: ReplyGate;
let nowMs: number;
let context: ClientContext;

function start(mode: 'peer' | 'strict', opensByItself = false): void {
  memory = new SharedMemory();
  log = new RingChangeLog(64, memory);
  board = new AckBoard(memory);
  gate = new ReplyGate({ changeLog: log, board, mode, opensByItself });
  nowMs = 1_700_000_000_000;
  context = {
    store: newStore({ memory, changeLog: log }),
    reply: new ReplyBuffer(),
    traffic: { bytesRead: 0, bytesWritten: 0, yields: 0 },
    nowMs: () => nowMs,
    onServed() {},
    gate,
  };
  board.publish(true, 0);
}

function connect(): { connection: ClientConnection; stream: NarrowStream; say(text: string): void } {
  const stream = new NarrowStream();
  const session = new ClientSession(context.store, new FixedFacts(), {
    protocols: 'auto',
    credentials: undefined,
  });
  const connection = new ClientConnection(context, { leaving() {} }, stream, session);
  // In memory of its own, as it comes from a socket.
  return {
    connection,
    stream,
    say: (text) => connection.receive(new Uint8Array(Buffer.from(text, 'latin1'))),
  };
}

/** The peer has so much. */
function acknowledge(seq: number): void {
  board.publish(true, seq);
  gate.open();
}

function losePeer(): void {
  board.publish(false, board.ackedSeq);
  gate.open();
}

describe('a connection that wrote', () => {
  beforeEach(() => start('peer'));

  it('is answered when the peer has its last write, and others at once', () => {
    const [writer, other] = [connect(), connect()];
    writer.say(SET + SET + GET);
    other.say(GET);
    acknowledge(1);
    expect(writer.stream.taken).toBe('');
    expect(other.stream.taken).toBe(VALUE);
    acknowledge(2);
    expect(writer.stream.taken).toBe(`STORED\r\nSTORED\r\n${VALUE}`);
  });

  it('is not made to wait for what others wrote', () => {
    const [writer, other] = [connect(), connect()];
    writer.say(SET);
    other.say('add k 0 0 1\r\n2\r\n');
    expect(other.stream.taken).toBe('NOT_STORED\r\n');
    acknowledge(1);
    expect(writer.stream.taken).toBe('STORED\r\n');
  });

  it('is answered in turn, however many wait', () => {
    const writers = Array.from({ length: 5 }, connect);
    for (const { say } of writers) say(SET);
    acknowledge(3);
    expect(writers.map(({ stream }) => stream.taken)).toEqual([...Array(3).fill('STORED\r\n'), '', '']);
    writers[0].say(SET);
    acknowledge(5);
    expect(writers[4].stream.taken).toBe('STORED\r\n');
    expect(writers[0].stream.taken).toBe('STORED\r\n');
    acknowledge(6);
    expect(writers[0].stream.taken).toBe('STORED\r\nSTORED\r\n');
  });

  it('has nothing more read until then, and is answered in order', async () => {
    const { stream, say } = connect();
    say(SET);
    expect(stream.isPaused).toBe(false);
    say(GET.slice(0, 3));
    expect(stream.isPaused).toBe(true);
    say(`${GET.slice(3)}delete k\r\n`);
    expect(log.headSeq).toBe(1);
    acknowledge(1);
    expect(stream.taken).toBe('STORED\r\n');
    await nextTurn();
    expect(log.headSeq).toBe(2);
    acknowledge(2);
    expect(stream.taken).toBe(`STORED\r\n${VALUE}DELETED\r\n`);
    expect(stream.isPaused).toBe(false);
  });

  it('waits for a write of which it wants to hear nothing', () => {
    const { stream, say } = connect();
    say('set k 0 0 1 noreply\r\n1\r\n');
    say(GET);
    expect(stream.taken).toBe('');
    acknowledge(1);
    return nextTurn().then(() => expect(stream.taken).toBe(VALUE));
  });

  it('may read slowly', () => {
    const { connection, stream, say } = connect();
    stream.roomBytes = 3;
    say(SET);
    acknowledge(1);
    expect(stream.taken).toBe('STO');
    say(GET);
    stream.roomBytes = 100;
    connection.drained();
    expect(stream.taken).toBe(`STORED\r\n${VALUE}`);
  });

  it('is not taken for one whose kernel takes bytes again', () => {
    const { connection, stream, say } = connect();
    say(SET);
    say(GET);
    connection.drained();
    expect(stream.taken).toBe('');
  });

  it.each([
    ['quit', (say: (text: string) => void) => say(`${SET}quit\r\n`)],
    [
      'the end of its input',
      (say: (text: string) => void, connection: ClientConnection) => {
        say(SET);
        connection.finish();
      },
    ],
  ])('is answered before %s closes it', (_how, leave) => {
    const { connection, stream, say } = connect();
    leave(say, connection);
    expect(stream.ended).toBe(false);
    acknowledge(1);
    expect(stream).toMatchObject({ taken: 'STORED\r\n', ended: true });
  });

  it('is not idle', () => {
    const { connection, say } = connect();
    say(SET);
    nowMs += 10_000;
    expect(connection.isIdleSince(nowMs - 1_000)).toBe(false);
    acknowledge(1);
    expect(connection.isIdleSince(nowMs - 1_000)).toBe(false);
    nowMs += 10_000;
    expect(connection.isIdleSince(nowMs - 1_000)).toBe(true);
  });

  it('may be gone when its turn comes', () => {
    const [gone, next] = [connect(), connect()];
    gone.say(SET);
    next.say(SET);
    gone.connection.closed();
    acknowledge(2);
    expect([gone.stream.taken, next.stream.taken]).toEqual(['', 'STORED\r\n']);
  });

  it('may be told more than it reads, by a command of which nothing is left to read', async () => {
    const { connection, stream, say } = connect();
    say(`set large 0 0 200000\r\n${'x'.repeat(200_000)}\r\n`);
    acknowledge(1);
    await nextTurn();
    await nextTurn();
    await nextTurn();
    await nextTurn();
    stream.taken = '';
    stream.roomBytes = 0;
    say('get large large');
    say(' large large large large\r\n');
    for (let drain = 0; drain < 10; drain++) {
      stream.roomBytes = 300_000;
      connection.drained();
      await nextTurn();
    }
    expect(stream.taken.length).toBe(
      6 * (200_000 + 'VALUE large 0 200000\r\n\r\n'.length) + 'END\r\n'.length,
    );
  });

  it('may have long replies, again and again', () => {
    const { stream, say } = connect();
    const large = 'x'.repeat(50_000);
    for (let round = 1; round <= 3; round++) {
      stream.taken = '';
      say(`set large 0 0 50000\r\n${large}\r\nget large\r\n`);
      acknowledge(round);
      expect(stream.taken).toBe(`STORED\r\nVALUE large 0 50000\r\n${large}\r\nEND\r\n`);
    }
  });

  it('is let go when the peer is lost, and not held while there is none', () => {
    const { stream, say } = connect();
    say(SET);
    losePeer();
    expect(stream.taken).toBe('STORED\r\n');
    say(SET);
    expect(stream.taken).toBe('STORED\r\nSTORED\r\n');
  });
});

describe('with strict, a connection that wrote', () => {
  beforeEach(() => start('strict'));

  it('is closed without a word when the peer is lost, unless the peer had it', () => {
    const [known, unknown] = [connect(), connect()];
    known.say(SET);
    unknown.say(SET + GET);
    unknown.say('delete k\r\n');
    board.publish(false, 1);
    gate.open();
    expect(known.stream).toMatchObject({ taken: 'STORED\r\n', ended: false });
    expect(unknown.stream).toMatchObject({ taken: '', ended: true });
    // What it still says is not heard.
    unknown.say('delete k\r\n');
    expect(log.headSeq).toBe(2);
  });

  it('is closed as well when the peer was lost while its value was on the way', () => {
    const { stream, say } = connect();
    say('set k 0 0 1\r\n');
    losePeer();
    say('1\r\n');
    expect(stream).toMatchObject({ taken: '', ended: true });
  });
});

describe('a gate on a thread that does not replicate', () => {
  it('opens by itself whenever there is news', async () => {
    start('peer', true);
    const otherThread = new AckBoard(new SharedMemory(memory.handles));
    const writers = Array.from({ length: 3 }, connect);
    for (const { say } of writers) say(SET);
    otherThread.publish(true, 1);
    await expect.poll(() => writers.map(({ stream }) => stream.taken)).toEqual(['STORED\r\n', '', '']);
    writers[0].say(SET);
    otherThread.publish(true, 2);
    otherThread.publish(true, 4);
    await expect.poll(() => writers[0].stream.taken).toBe('STORED\r\nSTORED\r\n');
    expect(writers[2].stream.taken).toBe('STORED\r\n');
  });

  it('takes no heed of writes that are not its own', () => {
    start('peer', true);
    const other = newStore({
      memory: new SharedMemory(memory.handles),
      changeLog: new RingChangeLog(64, memory),
    });
    put(other, 'k', '1');
    const { stream, say } = connect();
    say(GET);
    expect(log.headSeq).toBe(1);
    expect(stream.taken).toBe(VALUE);
  });
});
