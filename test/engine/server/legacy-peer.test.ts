// Whose connections a node that speaks the legacy protocol takes.
import { describe, expect, it, vi } from 'vitest';
import { PeerAddresses } from '../../../src/engine/server/legacy-peer.js';

describe('the addresses of the peer', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1:4711', true],
    ['192.0.2.1', '192.0.2.11:4711', false],
    ['192.0.2.1', '192.0.2.2:4711', false],
    ['2001:db8::1', '[2001:db8::1]:4711', true],
    ['2001:db8::1', '[2001:db8::2]:4711', false],
    ['192.0.2.1', 'gone already', false],
  ])('of -x %s: from %s is %s', (peer, address, isPeer) => {
    expect(new PeerAddresses(peer).include(address)).toBe(isPeer);
  });

  it('are those of its name', async () => {
    const addresses = new PeerAddresses('localhost');
    await vi.waitFor(() => expect(addresses.include('127.0.0.1:4711')).toBe(true));
    expect(addresses.include('192.0.2.1:4711')).toBe(false);
  });

  it('are none for a name that nobody knows, and the next look-up is awaited by nobody', () => {
    expect(new PeerAddresses('no-such-host.invalid').include('127.0.0.1:4711')).toBe(false);
  });
});
