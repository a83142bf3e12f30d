// Keeps the promise of --repl-ack peer and strict, and of addresses with ack[peer]: who got a reply to a write has it on
// both nodes. Says when that can't be. It is always in one of three states:
//
// - degraded: no peer is in sync, and so it begins. With `peer`, replies do not wait: better one node than none. With
//   `strict`, writes are refused.
// - regaining: a peer is in sync and replies wait for it, but some that left while it was not there speak of writes
//   that it may not have yet.
// - kept: the peer has every write that was answered.
import type { ReplicationMachine } from '../replication/types.js';
import type { AckBoard } from './ack-board.js';
import type { NodeAckMode } from './ack-modes.js';

type State = 'degraded' | 'regaining' | 'kept';

export interface AckKeeperOptions {
  readonly mode: Exclude<NodeAckMode, 'none'>;
  readonly board: AckBoard;
  readonly machine: Pick<ReplicationMachine, 'isInSync' | 'ackedSeq'>;
  readonly changeLog: { readonly headSeq: number };
  readonly store: { refusesWrites: boolean };
  readonly nowMs: () => number;
  readonly log: (line: string) => void;
}

export class AckKeeper {
  readonly #options: AckKeeperOptions;
  #state: State = 'degraded';
  #degradedSinceMs = 0;
  /** While regaining: once the peer has acknowledged this, it has all that was answered. */
  #answeredSeq = 0;

  constructor(options: AckKeeperOptions) {
    this.#options = options;
    this.#enter('degraded');
  }

  /** Call after each step of the core. */
  update(): void {
    const { board, machine, changeLog } = this.#options;
    const { isInSync, ackedSeq } = machine;
    if (!isInSync && this.#state !== 'degraded') {
      board.countDegradation();
      this.#enter('degraded');
    }
    board.publish(isInSync, ackedSeq);
    if (isInSync && this.#state === 'degraded') {
      // Only now: whatever any thread writes from here on waits for the peer.
      this.#answeredSeq = changeLog.headSeq;
      this.#enter('regaining');
    }
    if (this.#state === 'regaining' && ackedSeq >= this.#answeredSeq) this.#enter('kept');
  }

  #enter(state: State): void {
    const { mode, board, store, nowMs, log } = this.#options;
    this.#state = state;
    store.refusesWrites = mode === 'strict' && state === 'degraded';
    if (state === 'regaining') return;
    if (state === 'degraded') {
      this.#degradedSinceMs = nowMs();
      board.noteDegraded(this.#degradedSinceMs);
      log(DEGRADED_LINE[mode]);
      return;
    }
    board.noteDegraded(undefined);
    log(`${KEPT_LINE[mode]} (after ${((nowMs() - this.#degradedSinceMs) / 1000).toFixed(1)} s without)`);
  }
}

const DEGRADED_LINE = {
  mixed: 'acknowledgement degraded: no peer is in sync, replies do not wait for one on any address',
  peer: 'acknowledgement degraded: no peer is in sync, replies do not wait for one',
  strict: 'no peer is in sync: writes are refused',
} as const;

const KEPT_LINE = {
  mixed: 'acknowledgement works: replies to writes wait for the peer on those addresses where they are to',
  peer: 'acknowledgement works: replies to writes wait for the peer',
  strict: 'the peer is in sync: writes are taken, and their replies wait for it',
} as const;
