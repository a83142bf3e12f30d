// What the threads of a node tell each other through shared memory: counts, the replication figures, the bell.
import { describe, expect, it } from 'vitest';
import { RingChangeLog } from '../../../src/engine/replication/change-log.js';
import type { ReplicationStats } from '../../../src/engine/replication/types.js';
import { ChangeBell } from '../../../src/engine/server/change-bell.js';
import { ProcessCounters } from '../../../src/engine/server/process-counters.js';
import { ReplicationBoard } from '../../../src/engine/server/replication-board.js';
import { CHANGE_ITEM } from '../../../src/engine/store/change-log.js';
import { SharedMemory } from '../../../src/engine/store/shared-memory.js';
import { newStore, put } from '../store/new-store.js';

describe('ProcessCounters', () => {
  it('adds up the threads, and counts from the last reset', () => {
    const memory = new SharedMemory();
    const counters = new ProcessCounters(memory, 2);
    const other = new ProcessCounters(new SharedMemory(memory.handles), 2);
    const [first, second] = [counters.ofThread(0), other.ofThread(1)];
    first.bytesRead += 10;
    second.bytesRead += 5;
    expect([counters.bytesRead, other.bytesRead]).toEqual([15, 15]);
    other.reset(Date.now());
    expect(counters.bytesRead).toBe(0);
    first.bytesRead += 1;
    expect(other.bytesRead).toBe(1);
  });

  it('tells every thread how often and how long no connection was accepted, the present time with it', () => {
    const memory = new SharedMemory();
    const counters = new ProcessCounters(memory, 2);
    const other = new ProcessCounters(new SharedMemory(memory.handles), 2);
    const seen = (nowMs: number): unknown[] => [
      other.isListenDisabled,
      other.listenDisabledCount,
      other.listenDisabledUs(nowMs),
    ];
    expect(seen(1_000)).toEqual([false, 0, 0]);
    counters.noteListenDisabled(1_000);
    expect(seen(1_500)).toEqual([true, 1, 500_000]);
    counters.noteListenEnabled(3_000);
    expect(seen(9_000)).toEqual([false, 1, 2_000_000]);
    counters.noteListenDisabled(10_000);
    expect(seen(10_001)).toEqual([true, 2, 2_001_000]);
    other.reset(11_000);
    expect(seen(11_500)).toEqual([true, 0, 500_000]);
    counters.noteListenEnabled(12_000);
    expect(seen(20_000)).toEqual([false, 0, 1_000_000]);
  });

  it('lets in so many connections and no more, whoever asks', () => {
    const counters = new ProcessCounters(new SharedMemory(), 2);
    const [first, second] = [counters.ofThread(0), counters.ofThread(1)];
    expect([first.connect(2), second.connect(2), first.connect(2)]).toEqual([true, true, false]);
    second.disconnect();
    expect(first.connect(2)).toBe(true);
    expect(counters).toMatchObject({ openConnections: 2, totalConnections: 3, rejectedConnections: 1 });
  });
});

describe('ReplicationBoard', () => {
  it('shows what was published, and what was written here since', () => {
    const memory = new SharedMemory();
    const changeLog = new RingChangeLog(16, memory);
    const store = newStore({ memory, changeLog });
    put(store, 'k', 'v');
    const stats: ReplicationStats = {
      repl_protocol: 'legacy',
      repl_state: 'synced',
      repl_peer: '127.0.0.1:16001',
      repl_node_id: '0123456789abcdef',
      repl_node_bit: 1,
      repl_link_uptime_sec: 2,
      repl_log_seq: 1,
      repl_acked_seq: 1,
      repl_unacked: 0,
      repl_received: 5,
      repl_applied: 6,
      repl_ignored: 7,
      repl_conflicts: 8,
      repl_tombstones: 0,
      repl_full_copies_sent: 9,
      repl_full_copies_received: 10,
      repl_last_sync_items: 11,
      repl_last_sync_ms: 12,
      repl_clock_offset_ms: -13,
      repl_secrets: 2,
      repl_tls: 1,
      repl_unsendable: 19,
      repl_serving: 1,
      repl_link_role: 'acceptor',
      repl_reconnects: 21,
      repl_bytes_sent: 22,
      repl_bytes_received: 23,
      repl_conflicts_won: 24,
      repl_conflicts_lost: 25,
      repl_log_capacity: 26,
      repl_log_unsent: 27,
      repl_losses_pending: 1,
      repl_partial_syncs_sent: 29,
      repl_partial_syncs_received: 30,
      repl_digest_syncs_sent: 31,
      repl_digest_syncs_received: 32,
      repl_last_sync_kind: 'digest',
      repl_last_sync_bytes: 34,
      repl_lag_p50_ms: 35,
      repl_lag_p99_ms: 36,
      repl_lag_oldest_ms: 37,
    };
    const board = new ReplicationBoard(memory, store, changeLog);
    board.publish(stats);
    expect(board.read()).toEqual(stats);
    expect(Object.keys(board.read())).toEqual(Object.keys(stats));
    put(store, 'k', 'w');
    expect(board.read()).toMatchObject({ repl_log_seq: 2, repl_acked_seq: 1, repl_unacked: 1 });
  });
});

describe('ChangeBell', () => {
  it('rings once for all that is written while somebody sleeps', async () => {
    const memory = new SharedMemory();
    const log = new RingChangeLog(16, memory);
    const sleeper = new ChangeBell(memory, log);
    const writer = new ChangeBell(new SharedMemory(memory.handles), log);
    let rings = 0;
    const rung = sleeper.await().then(() => {
      rings += 1;
    });
    writer.ring();
    expect(await Promise.race([rung.then(() => 'rung'), Promise.resolve('silent')])).toBe('silent');
    log.append(8, 1, 2, 0, CHANGE_ITEM);
    writer.ring();
    log.append(8, 1, 4, 0, CHANGE_ITEM);
    writer.ring();
    await rung;
    expect(rings).toBe(1);
    const again = sleeper.await();
    log.append(8, 1, 6, 0, CHANGE_ITEM);
    writer.ring();
    await again;
  });
});
