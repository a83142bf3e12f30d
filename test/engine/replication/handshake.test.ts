// Who is let in: secrets that are being changed on one host after the other, and the TLS session that a proof is for.

import { describe, expect, it } from 'vitest';
import {
  makeProofs,
  PROOF_BYTES,
  provenSecrets,
  type Transcript,
} from '../../../src/engine/replication/handshake.js';
import { authenticatorOf, carry, connect, End, type EndOptions } from './wire-pair.js';

const [OLD, NEW, OTHER] = ['old', 'new', 'other'].map(authenticatorOf);
const HELLOS = { dialerHello: new Uint8Array([1, 2]), acceptorHello: new Uint8Array([3, 4]) };
const IN_CLEAR: Transcript = { ...HELLOS, channelBinding: null };

function inTls(fill: number): Transcript {
  return { ...HELLOS, channelBinding: new Uint8Array(32).fill(fill) };
}

describe('provenSecrets', () => {
  it('takes a proof of any secret of ours, at either place', () => {
    const both = makeProofs([NEW, OLD], 'dialer', IN_CLEAR);
    expect(both.length).toBe(2 * PROOF_BYTES);
    expect(provenSecrets([OLD], 'dialer', IN_CLEAR, both)).toEqual([OLD]);
    expect(provenSecrets([NEW], 'dialer', IN_CLEAR, both)).toEqual([NEW]);
    expect(provenSecrets([NEW, OLD], 'dialer', IN_CLEAR, both)).toEqual([NEW, OLD]);
    expect(provenSecrets([OTHER, OLD], 'dialer', IN_CLEAR, makeProofs([OLD], 'dialer', IN_CLEAR))).toEqual([
      OLD,
    ]);
    expect(provenSecrets([OTHER], 'dialer', IN_CLEAR, both)).toBe(null);
  });

  it('takes nothing that is no proof of this role, these greetings and this TLS session', () => {
    const proof = makeProofs([OLD], 'dialer', inTls(1));
    expect(provenSecrets([OLD], 'dialer', inTls(1), proof)).toEqual([OLD]);
    expect(provenSecrets([OLD], 'acceptor', inTls(1), proof)).toBe(null);
    expect(provenSecrets([OLD], 'dialer', inTls(2), proof)).toBe(null);
    expect(provenSecrets([OLD], 'dialer', IN_CLEAR, proof)).toBe(null);
    const reflected = { ...inTls(1), dialerHello: HELLOS.acceptorHello, acceptorHello: HELLOS.dialerHello };
    expect(provenSecrets([OLD], 'dialer', reflected, proof)).toBe(null);
  });

  it('takes no bytes that are not one or two proofs', () => {
    const proof = makeProofs([OLD], 'dialer', IN_CLEAR);
    for (const bytes of [
      proof.subarray(1),
      new Uint8Array(0),
      new Uint8Array([...proof, 0]),
      new Uint8Array([...proof, ...proof, ...proof]),
    ]) {
      expect(provenSecrets([OLD], 'dialer', IN_CLEAR, bytes)).toBe(null);
    }
  });

  it('wants none where there is no secret, and no bytes either', () => {
    expect(provenSecrets([], 'dialer', IN_CLEAR, new Uint8Array(0))).toEqual([]);
    expect(provenSecrets([], 'dialer', IN_CLEAR, makeProofs([OLD], 'dialer', IN_CLEAR))).toBe(null);
  });
});

describe('a secret that is being changed', () => {
  const link = (dialer: EndOptions, acceptor: EndOptions): [End, End] => {
    const a = new End({ nodeId: 1, dials: true, ...dialer });
    const b = new End({ nodeId: 2, dials: true, ...acceptor });
    a.set('k', 'v');
    connect(a, b);
    carry(a, b);
    return [a, b];
  };

  it.each([
    [['new', 'old'], ['old']],
    [['old'], ['new', 'old']],
    [
      ['new', 'old'],
      ['new', 'old'],
    ],
    [['new', 'old'], ['new']],
    [['new'], ['new', 'old']],
    [
      ['old', 'new'],
      ['new', 'old'],
    ],
  ])('links %j with %j, whoever dials', (dialer, acceptor) => {
    const [a, b] = link({ secrets: dialer }, { secrets: acceptor });
    expect([a.stats().repl_state, b.stats().repl_state, b.get('k')]).toEqual(['synced', 'synced', 'v']);
    expect(a.stats().repl_secrets).toBe(dialer.length);
  });

  it.each([
    [['new'], ['old']],
    [['new', 'old'], ['other']],
    [['other'], ['new', 'old']],
  ])('does not link %j with %j', (dialer, acceptor) => {
    const [a, b] = link({ secrets: dialer }, { secrets: acceptor });
    expect(b.get('k')).toBe(null);
    expect([...a.lines, ...b.lines].join('\n')).toMatch(/it has another secret/);
  });

  it('is taken without a cut, and counts for the next link', () => {
    const [a, b] = link({ secrets: ['old'] }, { secrets: ['old'] });
    const change = (end: End, secrets: string[]): void =>
      end.step({ kind: 'secretsChanged', secrets: secrets.map(authenticatorOf) });
    for (const secrets of [['new', 'old'], ['new']]) {
      for (const end of [a, b]) change(end, secrets);
      expect([a.stats().repl_secrets, b.stats().repl_secrets]).toEqual([secrets.length, secrets.length]);
    }
    expect([...a.closed, ...b.closed]).toEqual([]);
    expect(a.stats().repl_state).toBe('synced');

    const late = new End({ nodeId: 3, dials: true, secrets: ['old'] });
    connect(late, a, 7);
    carry(late, a);
    expect(late.lines.at(-1)).toMatch(/it has another secret/);
  });
});

describe('a link in TLS', () => {
  const secrets = ['swordfish'];
  const secured = (end: End, fill: number): void =>
    end.step({ kind: 'secured', link: 1, channelBinding: new Uint8Array(32).fill(fill) });
  const ends = (): [End, End] => {
    const a = new End({ nodeId: 1, dials: true, secrets });
    const b = new End({ nodeId: 2, dials: true, secrets });
    connect(a, b);
    return [a, b];
  };

  it('forms when both ends see the same session, and says that it is in TLS', () => {
    const [a, b] = ends();
    for (const end of [a, b]) secured(end, 1);
    carry(a, b);
    expect([a.stats().repl_state, a.stats().repl_tls, b.stats().repl_tls]).toEqual(['synced', 1, 1]);
  });

  it('does not form through somebody in the middle, who has a session with either end', () => {
    const [a, b] = ends();
    secured(a, 1);
    secured(b, 2);
    carry(a, b);
    expect(a.stats().repl_state).not.toBe('synced');
    expect(b.lines).toEqual([expect.stringMatching(/it has another secret/)]);
  });

  it('is refused in one line where the other end has no TLS, or none that is good', () => {
    const [a, b] = ends();
    a.step({ kind: 'unsecured', link: 1, failure: { kind: 'notTls' } });
    b.step({ kind: 'unsecured', link: 1, failure: { kind: 'failed', reason: 'unknown authority' } });
    expect(a.lines).toEqual([
      'refused the peer from 127.0.0.1:2: it does not speak TLS and this node does: give both --repl-tls',
    ]);
    expect(b.lines).toEqual([
      'refused a connection from 127.0.0.1:1: TLS with it failed (unknown authority)',
    ]);
    expect([a.closed, b.closed]).toEqual([[1], [1]]);
    const { dials } = a;
    for (let i = 0; i < 40; i++) a.tick(50);
    expect(a.dials).toBeGreaterThan(dials);
  });

  it.each([0x15, 0x16])('is recognised by a node without TLS, by a record of type %i', (type) => {
    const node = new End({ nodeId: 1, secrets });
    node.step({ kind: 'accepted', link: 1, address: '127.0.0.1:9', isFromPeer: false });
    node.step({ kind: 'received', link: 1, bytes: new Uint8Array([type, 3, 1, 2, 0, 1]) });
    expect(node.closed).toEqual([1]);
    expect(node.lines).toEqual([expect.stringMatching(/it speaks TLS and this node does not/)]);
  });
});
