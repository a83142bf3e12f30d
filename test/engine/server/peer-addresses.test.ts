// Which connections come from where the peer is.
import { describe, expect, it, vi } from 'vitest';
import { PeerAddresses } from '../../../src/engine/server/peer-addresses.js';

describe('the addresses of the peer', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1:4711', true],
    ['192.0.2.1', '192.0.2.11:4711', false],
    ['192.0.2.1', '192.0.2.2:4711', false],
    ['2001:db8::1', '[2001:db8::1]:4711', true],
    ['2001:db8::1', '[2001:db8::2]:4711', false],
    ['2001:db8:0:0::1', '[2001:DB8::1]:4711', true],
    ['::ffff:192.0.2.1', '192.0.2.1:4711', true],
    ['192.0.2.1', '[::ffff:192.0.2.1]:4711', true],
    ['192.0.2.1', 'gone already', false],
  ])('of -x %s: from %s is %s', (peer, address, isPeer) => {
    expect(new PeerAddresses(peer).include(address)).toBe(isPeer);
  });

  it('are those of its name', async () => {
    const addresses = new PeerAddresses('localhost');
    await vi.waitFor(() => expect(addresses.include('127.0.0.1:4711')).toBe(true));
    expect(addresses.include('192.0.2.1:4711')).toBe(false);
  });

  it('are looked up again for one that is not known, once a second at most', async () => {
    let nowMs = 0;
    let lookUps = 0;
    const answers = [['192.0.2.1', '192.0.2.2'], ['192.0.2.3']];
    const addresses = new PeerAddresses(
      'peer.example',
      async () => answers[lookUps++],
      () => nowMs,
    );
    await vi.waitFor(() => expect(addresses.include('192.0.2.2:1')).toBe(true));
    expect(addresses.include('192.0.2.1:1')).toBe(true);
    for (let port = 1; port <= 100; port++) expect(addresses.include(`192.0.2.3:${port}`)).toBe(false);
    expect(lookUps).toBe(1);
    nowMs = 1_000;
    expect(addresses.include('192.0.2.3:1')).toBe(false);
    await vi.waitFor(() => expect(addresses.include('192.0.2.3:2')).toBe(true));
    expect(addresses.include('192.0.2.1:1')).toBe(false);
    expect(lookUps).toBe(2);
  });

  it('are none for a name that nobody knows, and the next look-up is awaited by nobody', () => {
    expect(new PeerAddresses('no-such-host.invalid').include('127.0.0.1:4711')).toBe(false);
  });
});
