// Reports as the tests of their renderers need them: everything in them is fixed.
import type { CheckResult } from '../../../src/pair/check-result.js';
import type { DrillReport } from '../../../src/pair/drill/report.js';
import type { PairStatus } from '../../../src/pair/status.js';
import type { VerifyReport } from '../../../src/pair/verify/report.js';

const NODES = { a: '192.168.37.17:11211', b: '192.168.37.27:11211' };
const LAG = { samples: 200, minMs: 0.31, p50Ms: 0.4, p95Ms: 1.25, p99Ms: 12.5, maxMs: 130, pollMs: 0.2 };

function ok(id: string, title: string, more: Partial<CheckResult> = {}): CheckResult {
  return { id, title, outcome: 'ok', ms: 1.5, ...more };
}

const PREFLIGHT = [
  ok('answers-a', 'a answers', { detail: 'version 0.1.0' }),
  ok('link', 'the link is up and in sync'),
];

const FAILED_CAS: CheckResult = {
  id: 'cas',
  title: "cas; uniques are equal, and each node's works on the other",
  outcome: 'failed',
  ms: 5012,
  expected: 'unique 1874919349 on b as on a',
  seen: '17',
  remedy: 'both nodes must run repcached: CAS uniques of other servers differ from node to node',
};

export const VERIFY_OK: VerifyReport = {
  ok: true,
  nodes: NODES,
  startedAt: '2025-01-02T03:04:05.000Z',
  ms: 8123,
  preflight: PREFLIGHT,
  directions: [
    {
      from: 'a',
      to: 'b',
      checks: [
        ok('set', 'set, and set again', { visibleMs: 0.42 }),
        ok('large', 'the largest value accepted', { visibleMs: 14.2, detail: '1048512 bytes' }),
      ],
      lag: LAG,
    },
  ],
  agreement: [ok('clocks', "the nodes' clocks agree", { detail: '3 ms apart' })],
};

export const VERIFY_FAILED: VerifyReport = {
  ...VERIFY_OK,
  ok: false,
  directions: [
    {
      from: 'a',
      to: 'b',
      checks: [
        FAILED_CAS,
        { id: 'incr', title: 'incr', outcome: 'skipped', ms: 0, detail: 'the connection to b was lost' },
      ],
    },
  ],
  agreement: [],
};

export const DRILL: DrillReport = {
  ok: true,
  nodes: NODES,
  startedAt: '2025-01-02T03:04:05.000Z',
  ms: 17_300,
  preflight: PREFLIGHT,
  rounds: [
    {
      victim: 'b',
      survivor: 'a',
      ok: true,
      checks: [ok('baseline', 'keys written through both nodes are on both', { detail: '1000 keys' })],
      ackedWrites: 1204,
      ackedByVictim: 201,
      lost: [{ key: 'repcache:drill:0123456789ab:load:1:99', kind: 'set', beforeKillMs: 0.6 }],
      lossWindowMs: 0.6,
      clientErrors: 2,
      errorSamples: ['the connection to b (192.168.37.27:11211) was closed'],
      longestGapMs: 44,
      portOpenMs: 612,
      resyncMs: 655,
      timeline: [
        { atMs: 61, what: 'load begins' },
        { atMs: 12_064, what: 'b is killed' },
      ],
    },
  ],
};

const REPLICATION = {
  state: 'synced' as const,
  peer: '192.168.37.27:16000',
  linkUptimeSec: 90_061,
  logSeq: 10,
  ackedSeq: 10,
  unacked: 0,
  conflicts: 0,
  tombstones: 1,
  fullCopiesSent: 1,
  fullCopiesReceived: 1,
  lastSyncItems: 1500,
  lastSyncMs: 41,
  clockOffsetMs: -3,
  ack: { mode: 'peer', degradedSec: 75 },
};

export const DEGRADED: PairStatus = {
  ok: false,
  verdict: 'degraded: b is down (exit status 71)',
  remedy: 'see `repcachectl logs`, then `repcachectl start`',
  nodes: {
    a: {
      node: 'a',
      label: 'a (192.168.37.17:11211)',
      service: { state: 'running', pid: 812, uptimeSec: 93_784, releaseId: '0.1.0-0123456789ab' },
      server: {
        version: '0.1.0',
        uptimeSec: 93_784,
        items: 1500,
        bytes: 1_572_864,
        limitBytes: 1_073_741_824,
        connections: 12,
        evictions: 0,
        hitRatio: 0.9871,
      },
      replication: { ...REPLICATION, state: 'alone', linkUptimeSec: 0 },
    },
    b: {
      node: 'b',
      label: 'b (192.168.37.27:11211)',
      service: { state: 'failed', detail: 'exit status 71' },
      problem:
        'b has failed (exit status 71); b: cannot connect to 192.168.37.27:11211: connect ECONNREFUSED',
      remedy: 'see `repcachectl logs`, then `repcachectl start`',
    },
  },
};
