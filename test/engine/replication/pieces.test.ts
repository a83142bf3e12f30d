// The small parts of the core: clock, change log, clock offset, back-off, exposure, arbitration.

import { describe, expect, it } from 'vitest';
import { arbitrate } from '../../../src/engine/replication/arbitration.js';
import { Backoff } from '../../../src/engine/replication/backoff.js';
import { RingChangeLog } from '../../../src/engine/replication/change-log.js';
import { HybridClock, MAX_FORWARD_DRIFT_MS } from '../../../src/engine/replication/clock.js';
import { ClockOffset } from '../../../src/engine/replication/clock-offset.js';
import { exposureRefusal } from '../../../src/engine/replication/exposure.js';
import { Lag } from '../../../src/engine/replication/lag.js';
import { RateLimit } from '../../../src/engine/replication/rate-limit.js';
import { CHANGE_ITEM, CHANGE_TOMBSTONE } from '../../../src/engine/store/change-log.js';
import { compareVersions, versionHiOfMs, versionLoOfMs } from '../../../src/engine/store/version.js';

const NOW_MS = 1_800_000_000_000;

describe('HybridClock', () => {
  it('goes up at every tick, also when time goes back and when the counter is full', () => {
    const clock = new HybridClock(1);
    let hi = 0;
    let lo = 0;
    let faults = 0;
    for (let i = 0; i < 100_000; i++) {
      clock.tick(NOW_MS - i);
      // One comparison that is made for all of them: an expect for each would take seconds.
      if (compareVersions(clock.hi, clock.lo, hi, lo) <= 0 || (clock.lo & 1) !== 1) faults += 1;
      hi = clock.hi;
      lo = clock.lo;
    }
    expect(faults).toBe(0);
    expect(clock.latestMs).toBe(NOW_MS + 3);
  });

  it('passes what it observed, but not what is more than an hour ahead', () => {
    const clock = new HybridClock(0);
    const aheadMs = NOW_MS + MAX_FORWARD_DRIFT_MS;
    expect(clock.observe(versionHiOfMs(aheadMs + 1), versionLoOfMs(aheadMs + 1), NOW_MS)).toBe(false);
    expect(clock.observe(versionHiOfMs(aheadMs), versionLoOfMs(aheadMs) | 1, NOW_MS)).toBe(true);
    clock.tick(NOW_MS);
    const order = compareVersions(clock.hi, clock.lo, versionHiOfMs(aheadMs), versionLoOfMs(aheadMs) | 1);
    expect(order).toBeGreaterThan(0);
  });
});

describe('RingChangeLog', () => {
  it('forgets the oldest and says so', () => {
    const log = new RingChangeLog(4);
    for (let i = 1; i <= 6; i++) log.append(i, i, i * 2, i, i % 2 === 0 ? CHANGE_TOMBSTONE : CHANGE_ITEM);
    expect([log.headSeq, log.oldestSeq]).toEqual([6, 3]);
    expect([log.refAt(6), log.versionHiAt(6), log.versionLoAt(6), log.touchSeqAt(6), log.kindAt(6)]).toEqual([
      6,
      6,
      12,
      6,
      CHANGE_TOMBSTONE,
    ]);
    expect(() => new RingChangeLog(3)).toThrow(/power of two/);
  });

  it('knows what the peer may not know', () => {
    const log = new RingChangeLog(4);
    expect(log.mayBeUnknownToPeer(1, 0)).toBe(true);
    log.beginLink(0, 0, 0);
    log.peerKnows(5, 0);
    log.peerIsSynced();
    expect([
      log.mayBeUnknownToPeer(5, 0),
      log.mayBeUnknownToPeer(5, 2),
      log.mayBeUnknownToPeer(9, 1),
    ]).toEqual([false, true, false]);
    log.peerKnows(3, 0);
    expect(log.mayBeUnknownToPeer(5, 0)).toBe(false);
  });

  it('trusts no node bit while the bits have changed sides', () => {
    const log = new RingChangeLog(4);
    log.beginLink(0, 0, 0);
    log.peerIsSynced();
    log.beginLink(1, 9, 0);
    expect([log.mayBeUnknownToPeer(9, 0), log.mayBeUnknownToPeer(9, 1)]).toEqual([true, true]);
    expect([log.isUnacknowledged(9, 0), log.isUnacknowledged(9, 1)]).toEqual([true, true]);
    log.peerIsSynced();
    expect([log.mayBeUnknownToPeer(9, 0), log.mayBeUnknownToPeer(9, 1)]).toEqual([false, true]);
  });

  it('takes for its own, and unacknowledged, what may be from before the bits changed sides; nothing later', () => {
    const log = new RingChangeLog(4);
    log.beginLink(0, 0, 0);
    log.beginLink(1, 9, 4);
    log.peerKnows(7, 0);
    expect([log.isUnacknowledged(7, 0), log.isUnacknowledged(9, 4)]).toEqual([false, true]);
    log.append(1, 9, 7, 0, CHANGE_ITEM);
    expect([log.isUnacknowledged(9, 6), log.isUnacknowledged(9, 7)]).toEqual([false, true]);
    log.beginLink(1, 20, 0);
    expect(log.isUnacknowledged(12, 0)).toBe(false);
  });
});

describe("RingChangeLog beside a peer whose bit was this node's", () => {
  it('takes for its own nothing that it has not made', () => {
    const log = new RingChangeLog(4);
    // Before there was a link, all that is here is this node's own.
    expect(log.isUnacknowledged(9, 1)).toBe(true);
    log.beginLink(1, 5, 0);
    log.peerKnows(5, 1);
    // The peer had this bit until a moment ago.
    expect(log.isUnacknowledged(9, 1)).toBe(false);
    log.append(1, 12, 1, 0, CHANGE_ITEM);
    expect(log.isUnacknowledged(12, 1)).toBe(true);
  });
});

describe('RateLimit', () => {
  it('lets out no more than its rate, and a quarter of a second at once', () => {
    const rate = new RateLimit(1_000);
    rate.refill(0);
    rate.spend(250);
    expect(rate.isSpent).toBe(true);
    rate.refill(100);
    expect(rate.isSpent).toBe(false);
    // An entry goes whole: what it takes too much is waited for.
    rate.spend(600);
    rate.refill(599);
    expect(rate.isSpent).toBe(true);
    rate.refill(601);
    expect(rate.isSpent).toBe(false);
    rate.refill(60_000);
    rate.spend(250);
    expect(rate.isSpent).toBe(true);
  });

  it('need not limit anything', () => {
    const rate = new RateLimit(Number.POSITIVE_INFINITY);
    rate.spend(1e12);
    rate.refill(1);
    expect(rate.isSpent).toBe(false);
  });
});

describe('Lag', () => {
  it('measures from a change to its acknowledgement', () => {
    const lag = new Lag();
    expect([lag.quantileMs(0.99), lag.oldestMs(5)]).toEqual([0, 0]);
    for (let i = 1; i <= 100; i++) {
      lag.note(i, i * 10);
      lag.acknowledged(i, i * 10 + (i <= 98 ? 1 : 50));
    }
    expect(lag.quantileMs(0.5)).toBeGreaterThanOrEqual(1);
    expect(lag.quantileMs(0.5)).toBeLessThan(1.2);
    expect(lag.quantileMs(0.99)).toBeGreaterThanOrEqual(50);
    expect(lag.quantileMs(0.99)).toBeLessThan(60);
    lag.note(101, 2_000);
    expect(lag.oldestMs(2_700)).toBe(700);
  });

  it('follows what has waited longest when too much waits, and forgets what is long past', () => {
    const lag = new Lag();
    for (let i = 1; i <= 10_000; i++) lag.note(i, i * 10);
    expect(lag.oldestMs(100_000)).toBe(99_990);
    lag.acknowledged(10_000, 100_000);
    expect([lag.oldestMs(100_000), lag.quantileMs(0.5) > 90_000]).toEqual([0, true]);
    for (let i = 1; i <= 150; i++) {
      lag.note(10_000 + i, 100_000 + i * 100);
      lag.acknowledged(10_000 + i, 100_000 + i * 100 + 1);
    }
    expect(lag.quantileMs(0.999)).toBeLessThan(1.2);
  });

  it('tells nothing of before a pause', () => {
    const lag = new Lag();
    lag.note(1, 0);
    lag.acknowledged(1, 100);
    lag.note(2, 60_000);
    lag.acknowledged(2, 60_001);
    expect(lag.quantileMs(1)).toBeLessThan(1.2);
  });
});

describe('ClockOffset', () => {
  it('is not made up of a slow first round trip', () => {
    const offset = new ClockOffset();
    // The answer took 7 s: the clocks may agree, or differ by that.
    offset.sample(0, 500, 7_000);
    expect([offset.estimateMs, offset.correctionSec]).toEqual([0, 0]);
  });

  it('is not moved by a slow round trip that the estimate fits into', () => {
    const offset = new ClockOffset();
    offset.sample(1_000, 6_005, 1_010);
    expect(offset.estimateMs).toBe(5_000);
    offset.sample(2_000, 7_900, 4_000);
    expect([offset.estimateMs, offset.correctionSec]).toEqual([5_000, -5]);
    offset.sample(5_000, 5_005, 5_010);
    expect([offset.estimateMs, offset.correctionSec]).toEqual([5, 0]);
  });

  it('is moved by a slow round trip no further than that rules it out', () => {
    const offset = new ClockOffset();
    // The clocks were 2 ms apart, and drift.
    offset.sample(0, -2, 0);
    expect(offset.estimateMs).toBe(-2);
    // This node was paused: the answer lay here for 8 s.
    offset.sample(1_000, 1_001, 9_000);
    expect([offset.estimateMs, offset.correctionSec]).toEqual([-2, 0]);
    // The peer was paused before it answered, and its answer came at once.
    offset.sample(10_000, 18_000, 18_000);
    expect([offset.estimateMs, offset.correctionSec]).toEqual([0, 0]);
  });
});

it('backs off from 50 ms to 2 s, with jitter downwards', () => {
  const backoff = new Backoff(() => 0);
  expect(Array.from({ length: 8 }, () => backoff.next())).toEqual([
    50, 100, 200, 400, 800, 1_600, 2_000, 2_000,
  ]);
  backoff.reset();
  expect(backoff.next()).toBe(50);
  expect(new Backoff(() => 0.999).next()).toBeGreaterThan(25);
});

it('refuses to be reachable without a secret', () => {
  expect(exposureRefusal('127.0.0.1', false, false)).toBe(null);
  expect(exposureRefusal('::1', false, false)).toBe(null);
  expect(exposureRefusal('192.168.37.17', true, false)).toBe(null);
  expect(exposureRefusal('0.0.0.0', false, true)).toBe(null);
  expect(exposureRefusal('0.0.0.0', false, false)).toMatch(/--repl-secret-file/);
});

it('lets both nodes drop the same one of two links', () => {
  const contest = { samePeer: true, presentSilentMs: 0 } as const;
  const atLower = arbitrate({ ...contest, ownIdIsLower: true, presentRole: 'acceptor', newRole: 'dialer' });
  const atHigher = arbitrate({ ...contest, ownIdIsLower: false, presentRole: 'acceptor', newRole: 'dialer' });
  expect([atLower, atHigher]).toEqual(['replace', 'keep']);
});
