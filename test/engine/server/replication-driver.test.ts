// The driver of the replication core, between a scripted core and sockets that take what the test lets them take.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type {
  ReplicationEffect,
  ReplicationEvent,
  ReplicationMachine,
} from '../../../src/engine/replication/types.js';
import type {
  DialTarget,
  ListenAddress,
  Net,
  Stream,
  StreamHandlers,
} from '../../../src/engine/server/net.js';
import { ReplicationDriver } from '../../../src/engine/server/replication-driver.js';

/** Answers each kind of event as the test scripts it, and keeps what it was told but for ticks. */
class ScriptedMachine implements ReplicationMachine {
  hasOutgoing = false;
  awaitsChanges = false;
  isInSync = false;
  ackedSeq = 0;
  readonly told: ReplicationEvent[] = [];
  answers: Partial<Record<ReplicationEvent['kind'], readonly ReplicationEffect[]>> = {};

  step(event: ReplicationEvent): readonly ReplicationEffect[] {
    if (event.kind !== 'tick') this.told.push(event);
    const effects = this.answers[event.kind] ?? [];
    // Once each: a script is no loop.
    this.answers[event.kind] = [];
    return effects;
  }

  stats(): never {
    throw new Error('not asked for here');
  }

  get kinds(): string[] {
    return this.told.map((event) => event.kind);
  }
}

class NarrowStream implements Stream {
  readonly peerAddress = '127.0.0.1:9';
  roomBytes = Number.POSITIVE_INFINITY;
  taken = '';
  ending: 'open' | 'ended' | 'terminated' = 'open';

  write(bytes: Uint8Array, byteOffset: number, byteLength: number): number {
    const count = Math.min(byteLength, this.roomBytes);
    this.taken += Buffer.from(bytes).toString('latin1', byteOffset, byteOffset + count);
    this.roomBytes -= count;
    return count;
  }

  end(): void {
    this.ending = 'ended';
  }

  terminate(): void {
    this.ending = 'terminated';
  }

  pause(): void {}
  resume(): void {}
  release(): void {}
  noticeLoss(): void {}
  boundInput(): void {}
}

/** The network as one listener and one dial, played by the test. */
class ScriptedNet implements Net {
  accept: (stream: Stream) => void = () => {};
  answerDial: (stream: Stream) => void = () => {};
  failDial: (code: string) => void = () => {};
  finishSending: () => void = () => {};
  receive: (text: string) => void = () => {};
  lose: () => void = () => {};
  isListening = false;

  listen<T>(_address: ListenAddress, handlers: StreamHandlers<T>): { stop(): void } {
    this.isListening = true;
    this.accept = (stream) => this.#connect(stream, handlers);
    return {
      stop: () => {
        this.isListening = false;
      },
    };
  }

  listenDatagrams(): never {
    throw new Error('replication needs no datagrams');
  }

  dial<T>(
    _target: DialTarget,
    _timeoutMs: number,
    handlers: StreamHandlers<T>,
    failed: (code: string) => void,
  ): void {
    this.answerDial = (stream) => this.#connect(stream, handlers);
    this.failDial = failed;
  }

  #connect<T>(stream: Stream, handlers: StreamHandlers<T>): void {
    const connection = handlers.open(stream);
    this.finishSending = () => handlers.drain(connection);
    this.receive = (text) => handlers.data(connection, Buffer.from(text));
    this.lose = () => handlers.close(connection);
  }
}

let machine: ScriptedMachine;
let net: ScriptedNet;
let driver: ReplicationDriver;
let said: string[];
/** Rings for another thread; undefined while the driver does not wait for it. */
let ring: (() => void) | undefined;

beforeEach(() => {
  machine = new ScriptedMachine();
  net = new ScriptedNet();
  said = [];
  ring = undefined;
  driver = new ReplicationDriver({
    machine,
    net,
    listen: { host: '127.0.0.1', port: 1 },
    peer: { host: '127.0.0.1', port: 2 },
    nowMs: () => 0,
    log: (line) => said.push(line),
    onReady: () => said.push('ready'),
    onStopped: () => said.push('stopped'),
    nextChange: () =>
      new Promise<void>((resolve) => {
        ring = () => {
          ring = undefined;
          resolve();
        };
      }),
  });
  driver.listen();
  driver.start();
});

afterEach(() => {
  machine.answers.stop = [{ kind: 'stopped' }];
  driver.stop();
  expect(net.isListening).toBe(false);
});

const hello = (link = 1): ReplicationEffect => ({ kind: 'send', link, bytes: Buffer.from('hello') });

describe('ReplicationDriver', () => {
  it('carries out effects in order', () => {
    machine.answers.accepted = [
      { kind: 'log', line: 'one' },
      { kind: 'ready' },
      { kind: 'log', line: 'two' },
    ];
    net.accept(new NarrowStream());
    expect(said).toEqual(['one', 'ready', 'two']);
    expect(machine.told.at(-1)).toEqual({
      kind: 'accepted',
      link: 1,
      address: '127.0.0.1:9',
      isFromPeer: true,
    });
  });

  it('tells that a send is out in the next turn, once', async () => {
    const stream = new NarrowStream();
    machine.answers.accepted = [hello()];
    net.accept(stream);
    expect(stream.taken).toBe('hello');
    expect(machine.kinds).toEqual(['start', 'accepted']);
    await nextTurn();
    await nextTurn();
    expect(machine.kinds).toEqual(['start', 'accepted', 'writable']);
  });

  it('goes on with a send as the kernel takes it', async () => {
    const stream = new NarrowStream();
    stream.roomBytes = 2;
    machine.answers.accepted = [hello()];
    net.accept(stream);
    await nextTurn();
    stream.roomBytes = 2;
    net.finishSending();
    expect(machine.kinds).not.toContain('writable');
    stream.roomBytes = 2;
    net.finishSending();
    expect(stream.taken).toBe('hello');
    expect(machine.told.at(-1)).toEqual({ kind: 'writable', link: 1 });
  });

  it('says no more of a link that it closed', async () => {
    const stream = new NarrowStream();
    machine.answers.accepted = [hello(), { kind: 'close', link: 1 }];
    net.accept(stream);
    net.receive('late');
    net.lose();
    await nextTurn();
    expect(stream).toMatchObject({ taken: 'hello', ending: 'ended' });
    expect(machine.kinds).toEqual(['start', 'accepted']);
  });

  it('cuts off a peer that takes nothing', () => {
    const stream = new NarrowStream();
    stream.roomBytes = 1;
    machine.answers.accepted = [hello(), { kind: 'close', link: 1 }];
    net.accept(stream);
    expect(stream.ending).toBe('terminated');
  });

  it.each([
    ['ECONNREFUSED', 'refused'],
    ['ETIMEDOUT', 'failed'],
    ['EHOSTUNREACH', 'failed'],
    ['ENOTFOUND', 'failed'],
  ])('reports a dial that ends with %s as %s', (code, failure) => {
    machine.answers.accepted = [{ kind: 'dial' }];
    net.accept(new NarrowStream());
    net.failDial(code);
    expect(machine.told.at(-1)).toEqual({ kind: 'dialFailed', failure });
  });

  it('numbers links across both kinds and reports bytes and ends', () => {
    machine.answers.accepted = [{ kind: 'dial' }];
    net.accept(new NarrowStream());
    net.answerDial(new NarrowStream());
    net.receive('x');
    net.lose();
    expect(machine.told.slice(-3)).toEqual([
      { kind: 'dialed', link: 2, address: '127.0.0.1:9' },
      { kind: 'received', link: 2, bytes: Buffer.from('x') },
      { kind: 'closed', link: 2 },
    ]);
  });

  it('asks for outgoing bytes once a turn, and only when there are some', async () => {
    driver.noteClientInput();
    await nextTurn();
    expect(machine.kinds).toEqual(['start']);
    machine.hasOutgoing = true;
    for (let batch = 0; batch < 10; batch += 1) driver.noteClientInput();
    await nextTurn();
    expect(machine.kinds).toEqual(['start', 'pump']);
  });

  it('waits for other threads only when there is nothing left to tell', async () => {
    net.accept(new NarrowStream());
    expect(ring).toBeUndefined();
    machine.awaitsChanges = true;
    net.receive('all is told');
    expect(ring).toBeDefined();
    machine.awaitsChanges = false;
    machine.hasOutgoing = true;
    ring?.();
    await nextTurn();
    await nextTurn();
    expect(machine.kinds.at(-1)).toBe('pump');
    expect(ring).toBeUndefined();
    machine.awaitsChanges = true;
    net.receive('told again');
    expect(ring).toBeDefined();
  });

  it('sends what was written just before it began to wait', async () => {
    net.accept(new NarrowStream());
    machine.awaitsChanges = true;
    machine.hasOutgoing = true;
    net.receive('all is told, it seems');
    await nextTurn();
    expect(machine.kinds.at(-1)).toBe('pump');
  });
});
