// What the keeper of --repl-ack promises and says as the peer comes and goes.
import { beforeEach, describe, expect, it } from 'vitest';
import { AckBoard } from '../../../src/engine/server/ack-board.js';
import { AckKeeper } from '../../../src/engine/server/ack-keeper.js';
import { SharedMemory } from '../../../src/engine/store/shared-memory.js';

let board: AckBoard;
let said: string[];
let nowMs: number;
const machine = { isInSync: false, ackedSeq: 0 };
const changeLog = { headSeq: 0 };
const store = { refusesWrites: false };

function keeperOf(mode: 'peer' | 'strict' | 'mixed'): AckKeeper {
  return new AckKeeper({
    mode,
    board,
    machine,
    changeLog,
    store,
    nowMs: () => nowMs,
    log: (line) => said.push(line),
  });
}

function isDegraded(): boolean {
  return board.stats('peer', nowMs).repl_ack_degraded === 1;
}

beforeEach(() => {
  board = new AckBoard(new SharedMemory());
  said = [];
  nowMs = 1_000;
  Object.assign(machine, { isInSync: false, ackedSeq: 0 });
  changeLog.headSeq = 0;
  store.refusesWrites = false;
});

describe('peer', () => {
  it('begins degraded, and promises once the peer has all that was answered', () => {
    const keeper = keeperOf('peer');
    expect([board.awaitsPeer, isDegraded()]).toEqual([false, true]);
    changeLog.headSeq = 10;
    Object.assign(machine, { isInSync: true, ackedSeq: 8 });
    nowMs += 2_500;
    keeper.update();
    // New replies wait already, but two answered writes are still on their way.
    expect([board.awaitsPeer, isDegraded()]).toEqual([true, true]);
    changeLog.headSeq = 12;
    machine.ackedSeq = 9;
    keeper.update();
    expect(isDegraded()).toBe(true);
    machine.ackedSeq = 10;
    keeper.update();
    expect([board.awaitsPeer, isDegraded()]).toEqual([true, false]);
    expect(said).toEqual([
      'acknowledgement degraded: no peer is in sync, replies do not wait for one',
      'acknowledgement works: replies to writes wait for the peer (after 2.5 s without)',
    ]);
    expect(store.refusesWrites).toBe(false);
  });

  it('says so once each time the peer is lost, and counts', () => {
    const keeper = keeperOf('peer');
    for (let round = 0; round < 2; round++) {
      machine.isInSync = true;
      keeper.update();
      keeper.update();
      machine.isInSync = false;
      keeper.update();
      keeper.update();
    }
    nowMs += 7_900;
    expect(said).toHaveLength(5);
    expect(board.stats('peer', nowMs)).toEqual({
      repl_ack_mode: 'peer',
      repl_ack_degraded: 1,
      repl_ack_degraded_sec: 7,
      repl_ack_degradations: 2,
    });
  });

  it('is not at peace when the peer is lost again before it had everything', () => {
    const keeper = keeperOf('peer');
    changeLog.headSeq = 5;
    machine.isInSync = true;
    keeper.update();
    machine.isInSync = false;
    keeper.update();
    expect([board.awaitsPeer, isDegraded()]).toEqual([false, true]);
    expect(said.filter((line) => line.includes('works'))).toEqual([]);
  });
});

describe('mixed', () => {
  it('promises as peer does, and says that it is not about all addresses', () => {
    const keeper = keeperOf('mixed');
    expect([board.awaitsPeer, isDegraded(), store.refusesWrites]).toEqual([false, true, false]);
    machine.isInSync = true;
    keeper.update();
    expect([board.awaitsPeer, isDegraded(), store.refusesWrites]).toEqual([true, false, false]);
    expect(said).toEqual([
      'acknowledgement degraded: no peer is in sync, replies do not wait for one on any address',
      'acknowledgement works: replies to writes wait for the peer on those addresses where they are to (after 0.0 s without)',
    ]);
    expect(board.stats('mixed', nowMs).repl_ack_mode).toBe('mixed');
  });
});

describe('strict', () => {
  it('refuses writes whenever there is no peer in sync', () => {
    const keeper = keeperOf('strict');
    expect(store.refusesWrites).toBe(true);
    machine.isInSync = true;
    keeper.update();
    expect(store.refusesWrites).toBe(false);
    machine.isInSync = false;
    keeper.update();
    expect([store.refusesWrites, board.awaitsPeer]).toEqual([true, false]);
  });
});
