// The send helper, on a stream that takes as much as the test lets it.
import { describe, expect, it } from 'vitest';
import type { Stream } from '../../../src/engine/server/net.js';
import { Outbox } from '../../../src/engine/server/outbox.js';

/** A kernel with room for `roomBytes` more; -1 = the connection is gone. */
class NarrowStream implements Stream {
  readonly peerAddress = 'test:1';
  roomBytes = 0;
  taken = '';
  ended = false;

  write(bytes: Uint8Array, byteOffset: number, byteLength: number): number {
    if (this.roomBytes < 0) return -1;
    const count = Math.min(byteLength, this.roomBytes);
    this.taken += Buffer.from(bytes).toString('latin1', byteOffset, byteOffset + count);
    this.roomBytes -= count;
    return count;
  }

  end(): void {
    this.ended = true;
  }

  terminate(): void {}
  pause(): void {}
  resume(): void {}
  release(): void {}
  noticeLoss(): void {}
  boundInput(): void {}
}

function outboxWithRoom(roomBytes: number): {
  outbox: Outbox;
  stream: NarrowStream;
  send(text: string): boolean;
} {
  const stream = new NarrowStream();
  stream.roomBytes = roomBytes;
  const outbox = new Outbox(stream, { ending() {} });
  return { outbox, stream, send: (text) => outbox.send(Buffer.from(`${text}junk`), text.length) };
}

describe('Outbox', () => {
  it('sends at once what fits', () => {
    const { outbox, stream, send } = outboxWithRoom(100);
    expect(send('hello')).toBe(true);
    expect(stream.taken).toBe('hello');
    expect(outbox.isBlocked).toBe(false);
  });

  it.each([0, 1, 4])('keeps the rest when %i of 5 bytes fit, and copies it', (roomBytes) => {
    const { outbox, stream } = outboxWithRoom(roomBytes);
    const memory = Buffer.from('hello');
    expect(outbox.send(memory, 5)).toBe(false);
    memory.fill('!');
    stream.roomBytes = 100;
    expect(outbox.flush()).toBe(true);
    expect(stream.taken).toBe('hello');
  });

  it('keeps the order over many small drains', () => {
    const { outbox, stream, send } = outboxWithRoom(2);
    send('abcdef');
    send('ghi');
    do stream.roomBytes = 2;
    while (!outbox.flush());
    expect(stream.taken).toBe('abcdefghi');
    expect(outbox.isBlocked).toBe(false);
  });

  it('closes at once when nothing waits, else once it is out', () => {
    const idle = outboxWithRoom(10);
    idle.outbox.closeWhenSent();
    expect(idle.stream.ended).toBe(true);

    const { outbox, stream, send } = outboxWithRoom(1);
    send('bye');
    outbox.closeWhenSent();
    expect(stream.ended).toBe(false);
    stream.roomBytes = 10;
    outbox.flush();
    expect(stream).toMatchObject({ taken: 'bye', ended: true });
  });

  it('lets everything go when the connection is gone', () => {
    const { outbox, stream, send } = outboxWithRoom(1);
    send('bye');
    stream.roomBytes = -1;
    expect(outbox.flush()).toBe(true);
    expect(send('more')).toBe(true);
  });
});
