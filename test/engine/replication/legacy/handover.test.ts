// The node that speaks legacy until its peer speaks our own protocol.
import { describe, expect, it } from 'vitest';
import { RingChangeLog } from '../../../../src/engine/replication/change-log.js';
import { HybridClock } from '../../../../src/engine/replication/clock.js';
import { encodeHello, opensWithHello } from '../../../../src/engine/replication/handshake.js';
import { LegacyHandover } from '../../../../src/engine/replication/legacy/handover.js';
import { LegacyReplicator } from '../../../../src/engine/replication/legacy/legacy-replicator.js';
import { Replicator } from '../../../../src/engine/replication/replicator.js';
import type { ReplicationEffect, ReplicationEvent } from '../../../../src/engine/replication/types.js';
import { Store } from '../../../../src/engine/store/store.js';
import { authenticatorOf, carryFrom, End, START_MS } from '../wire-pair.js';

const SECRETS = ['one secret of both nodes'];
const PEER = '127.0.0.1:40000';
const STRANGER = '127.0.0.2:40000';

/** The node under test. What it sends lies in `outbox`, as that of an `End` does. */
class Node {
  readonly clock = new HybridClock(0);
  readonly log = new RingChangeLog(1024);
  readonly store = new Store({
    memoryBytes: 16 * 1024 * 1024,
    hashSeed: 1,
    clock: this.clock,
    changeLog: this.log,
  });
  readonly machine: LegacyHandover;
  readonly outbox: { link: number; bytes: Uint8Array }[] = [];
  readonly effects: ReplicationEffect['kind'][] = [];
  readonly closed: number[] = [];
  /** Whether the machine asked to be stepped again. */
  hasMore = false;
  nowMs = START_MS;

  constructor() {
    const shared = { store: this.store, changeLog: this.log, clock: this.clock, dials: true };
    const more = { random: () => 0.5, maxValueBytes: 1_048_576 };
    const accepts = (address: string): boolean => address.startsWith('127.0.0.1:');
    this.machine = new LegacyHandover({
      accepts,
      legacy: new LegacyReplicator({ ...shared, ...more, accepts, nodeId: new Uint8Array(8).fill(7) }),
      successor: () =>
        new Replicator({
          ...shared,
          ...more,
          nodeId: new Uint8Array(8).fill(8),
          pairId: '',
          secrets: SECRETS.map(authenticatorOf),
          randomBytes: (sizeBytes) => new Uint8Array(sizeBytes).fill(8),
        }),
    });
    this.step({ kind: 'start' });
  }

  step(event: ReplicationEvent): void {
    for (const effect of this.machine.step(event, this.nowMs)) {
      this.effects.push(effect.kind);
      if (effect.kind === 'send') this.outbox.push({ link: effect.link, bytes: effect.bytes.slice() });
      if (effect.kind === 'close') this.closed.push(effect.link);
      if (effect.kind === 'continue') this.hasMore = true;
    }
  }

  /** The next turn of the event loop. */
  goOn(): void {
    this.hasMore = false;
    this.step({ kind: 'pump' });
  }

  pass(ms: number): void {
    for (let left = ms; left > 0; left -= 50) {
      this.nowMs += 50;
      this.step({ kind: 'tick' });
    }
  }

  accepted(link: number, address = PEER): void {
    this.step({ kind: 'accepted', link, address, isFromPeer: false });
  }

  hear(link: number, bytes: Uint8Array | string): void {
    this.step({ kind: 'received', link, bytes: typeof bytes === 'string' ? Buffer.from(bytes) : bytes });
  }

  /** All that was sent on a link until now; the kernel takes it. */
  sent(link: number): string {
    let text = '';
    for (let next = this.outbox.shift(); next !== undefined; next = this.outbox.shift()) {
      if (next.link === link) text += Buffer.from(next.bytes).toString('latin1');
      this.step({ kind: 'writable', link: next.link });
    }
    return text;
  }

  holds(key: string): boolean {
    const bytes = Buffer.from(key);
    return this.store.find(bytes, 0, bytes.length) !== 0;
  }

  get protocol(): string {
    return this.machine.stats(this.nowMs).repl_protocol;
  }
}

/** A legacy node copied one item to us, and is gone. */
function widowed(): Node {
  const node = new Node();
  node.step({ kind: 'dialed', link: 1, address: '127.0.0.1:16000' });
  node.hear(1, 'rep k 7 0 5 1\r\nvalue\r\nmarugoto_end\r\n');
  node.sent(1);
  node.step({ kind: 'closed', link: 1 });
  expect(node.effects.filter((kind) => kind === 'ready')).toHaveLength(1);
  return node;
}

function carryAll(peer: End, node: Node, splitBytes?: number): void {
  const other = node as unknown as End;
  while (peer.outbox.length > 0 || node.outbox.length > 0 || peer.hasMore || node.hasMore) {
    carryFrom(peer, other, splitBytes);
    carryFrom(other, peer, splitBytes);
    peer.goOn();
    node.goOn();
  }
}

describe('a node between the protocols', () => {
  it.each([1, 3, 1000])('hands over to a peer that greets as ours, in pieces of %s bytes', (splitBytes) => {
    const node = widowed();
    const peer = new End({ nodeId: 1, secrets: SECRETS });
    node.accepted(2);
    peer.step({ kind: 'dialed', link: 2, address: '127.0.0.1:16000' });
    carryAll(peer, node, splitBytes);
    expect(peer.get('k')).toBe('value');
    expect(peer.stats().repl_state).toBe('synced');
    expect(node.protocol).toBe('own');
    expect(node.machine.isInSync).toBe(true);
    peer.set('back', 'again');
    peer.step({ kind: 'pump' });
    carryAll(peer, node);
    expect(node.holds('back')).toBe(true);
    // The client port is open since the legacy node's copy.
    expect(node.effects.filter((kind) => kind === 'ready')).toHaveLength(1);
  });

  it('hands over when it has dialled such a peer', () => {
    const node = widowed();
    const peer = new End({ nodeId: 1, secrets: SECRETS });
    peer.step({ kind: 'accepted', link: 2, address: PEER, isFromPeer: false });
    node.step({ kind: 'dialed', link: 2, address: '127.0.0.1:16000' });
    carryAll(peer, node);
    expect(peer.get('k')).toBe('value');
  });

  it('never has two dials under way', () => {
    const node = widowed();
    node.pass(5000);
    const dials = node.effects.filter((kind) => kind === 'dial').length;
    node.accepted(2);
    node.hear(2, hello());
    node.pass(1000);
    expect(node.protocol).toBe('own');
    expect(node.effects.filter((kind) => kind === 'dial')).toHaveLength(dials);
    node.step({ kind: 'dialFailed', failure: 'failed' });
    node.pass(5000);
    expect(node.effects.filter((kind) => kind === 'dial')).toHaveLength(dials + 1);
  });

  it('copies to a legacy node, which says nothing, after a moment', () => {
    const node = widowed();
    node.accepted(2);
    expect(node.sent(2)).toBe('');
    node.pass(250);
    expect(node.sent(2)).toMatch(/rep k 7 0 5 \d+\r\nvalue\r\nmarugoto_end\r\n/);
    expect(node.protocol).toBe('legacy');
  });

  it('takes at once what the legacy node that it dialled copies', () => {
    const node = new Node();
    node.step({ kind: 'dialed', link: 1, address: '127.0.0.1:16000' });
    node.hear(1, 'r');
    node.hear(1, 'ep k 0 0 1 1\r\nv\r\nmarugoto_end\r\n');
    expect(node.effects).toContain('ready');
    expect(node.holds('k')).toBe(true);
  });

  it('stays with a legacy node to which it has a link, whoever greets', () => {
    const node = new Node();
    node.step({ kind: 'dialed', link: 1, address: '127.0.0.1:16000' });
    node.hear(1, 'marugoto_end\r\n');
    node.accepted(2);
    node.hear(2, hello());
    node.pass(3500);
    expect(node.protocol).toBe('legacy');
    expect(node.closed).toContain(2);
    expect(node.closed).not.toContain(1);
  });

  it('lets nobody but the peer change it', () => {
    const node = widowed();
    node.accepted(2, STRANGER);
    node.hear(2, hello());
    expect(node.closed).toContain(2);
    expect(node.protocol).toBe('legacy');
  });

  it('dials again when whom it dialled hangs up without a word', () => {
    const node = widowed();
    node.pass(5000);
    const dials = node.effects.filter((kind) => kind === 'dial').length;
    node.step({ kind: 'dialed', link: 3, address: '127.0.0.1:16000' });
    node.step({ kind: 'closed', link: 3 });
    node.pass(5000);
    expect(node.effects.filter((kind) => kind === 'dial')).toHaveLength(dials + 1);
  });

  it('stops with a newcomer that has not spoken', () => {
    const node = widowed();
    node.accepted(2);
    node.step({ kind: 'stop' });
    expect(node.closed).toContain(2);
    expect(node.effects).toContain('stopped');
  });
});

describe('the beginning of a connection', () => {
  it('is a greeting of ours, is not, or is not clear yet', () => {
    const frame = hello();
    expect(opensWithHello(frame)).toBe(true);
    expect(opensWithHello(frame.subarray(0, 8))).toBeUndefined();
    expect(opensWithHello(new Uint8Array(0))).toBeUndefined();
    expect(opensWithHello(Buffer.from('version\r\n'))).toBe(false);
    frame[4] = 2;
    expect(opensWithHello(frame)).toBe(false);
  });
});

function hello(): Uint8Array {
  const payload = encodeHello({
    nodeId: new Uint8Array(8).fill(1),
    pairId: '',
    hasSecret: true,
    nonce: new Uint8Array(32),
    nowMs: START_MS,
    clockMs: START_MS,
    maxItemBytes: 1_048_576,
  });
  const frame = new Uint8Array(payload.length + 5);
  frame[0] = payload.length + 1;
  frame[4] = 1;
  frame.set(payload, 5);
  return frame;
}
