// The link of a legacy pair as the kernel's tables of sockets show it, and what heal makes of a pair.
import { describe, expect, it } from 'vitest';
import { judge } from '../../../src/pair/legacy/heal.js';
import { legacyLinkFrom } from '../../../src/pair/legacy/link.js';
import type { NodeReport, PairStatus } from '../../../src/pair/status.js';

const PLACE = {
  name: 'a',
  peerAddress: '192.168.37.27',
  replicationPort: 16000,
  peerReplicationPort: 16000,
} as const;
const PEER = '1B25A8C0';
const OWN = '1125A8C0';
const ANY = '00000000';

const line = (local: string, remote: string, state: string): string =>
  `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0`;

describe('the link', () => {
  it.each([
    ['linked', 'the peer dialled us', line(`${OWN}:3E80`, `${PEER}:C350`, '01')],
    ['linked', 'we dialled the peer', line(`${OWN}:C350`, `${PEER}:3E80`, '01')],
    [
      'linked',
      'by an IPv4 address in an IPv6 socket',
      line(`${ANY.repeat(2)}FFFF0000${OWN}:3E80`, `${ANY.repeat(2)}FFFF0000${PEER}:C350`, '01'),
    ],
    ['listening', 'nobody dials', line(`${ANY}:3E80`, `${ANY}:0000`, '0A')],
    [
      'listening',
      'an old connection is closing',
      `${line(`${OWN}:3E80`, `${PEER}:C350`, '06')}\n${line(`${ANY}:3E80`, `${ANY}:0000`, '0A')}`,
    ],
    ['stranger', 'somebody else took the place', line(`${OWN}:3E80`, `0100A8C0:C350`, '01')],
    ['closed', 'it dials still', line(`${OWN}:C350`, `${PEER}:3E80`, '02')],
    ['closed', 'only clients are there', line(`${OWN}:2BCB`, `${PEER}:C350`, '01')],
    ['closed', 'there is nothing', ''],
  ])('is %s when %s', (expected, _, table) => {
    expect(legacyLinkFrom(`  sl  local_address rem_address   st\n${table}\n`, PLACE)).toBe(expected);
  });
});

describe('heal', () => {
  it('keeps the fuller node, the named one, or the only one', () => {
    expect(judge(status(10, 20), undefined)).toMatchObject({ needed: true, keep: 'b' });
    expect(judge(status(10, 10), undefined)).toMatchObject({ needed: true, keep: 'a' });
    expect(judge(status(10, 20), 'a')).toMatchObject({ keep: 'a', why: 'a has 10 items, b has 20' });
    expect(judge(status(undefined, 1), undefined)).toMatchObject({ keep: 'b', why: 'only b serves' });
  });

  it('does nothing to a pair that is linked', () => {
    expect(judge({ ...status(1, 1), ok: true }, undefined).needed).toBe(false);
  });

  it('refuses to keep what is not there', () => {
    expect(() => judge(status(undefined, 1), 'a')).toThrow('a does not answer');
    expect(() => judge(status(undefined, undefined), undefined)).toThrow('neither node answers');
  });
});

function status(a: number | undefined, b: number | undefined): PairStatus {
  const report = (node: 'a' | 'b', items: number | undefined): NodeReport => ({
    node,
    label: node,
    ...(items !== undefined && {
      server: {
        version: '1.2.8',
        uptimeSec: 1,
        items,
        bytes: 0,
        limitBytes: 0,
        connections: 1,
        evictions: 0,
      },
    }),
  });
  return { ok: false, verdict: '', nodes: { a: report('a', a), b: report('b', b) } };
}
