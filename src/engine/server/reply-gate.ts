// --repl-ack: where a connection that wrote waits until the peer has what it wrote. One gate for each thread.
import type { RingChangeLog } from '../replication/change-log.js';
import type { AckBoard } from './ack-board.js';
import { type AckMode, nodeAckMode } from './ack-modes.js';
import type { NodeState } from './node-state.js';

/** Who waits; it carries its own place in the queue, so that waiting costs no memory. */
export interface Waiter {
  /** The gate's: what is waited for, and who came next. */
  awaitedSeq: number;
  nextWaiter: Waiter | undefined;
  /** The wait is over. Without leave the reply must not be given: nobody knows whether the peer has the write. */
  letGo(mayAnswer: boolean): void;
}

/** `cut`: the reply must not be given at all. */
export type Verdict = 'pass' | 'wait' | 'cut';

export interface ReplyGateOptions {
  readonly changeLog: Pick<RingChangeLog, 'appendedSeq'>;
  readonly board: AckBoard;
  readonly mode: Exclude<AckMode, 'none'>;
  /** Whether another thread replicates: then the gate looks by itself, whenever that one has news. */
  readonly opensByItself: boolean;
}

export class ReplyGate {
  readonly #options: ReplyGateOptions;
  /** A queue: who wrote later waits for more. */
  #first: Waiter | undefined;
  #last: Waiter | undefined;
  /** From before the last look at the board. */
  #ticket = 0;
  #awaitsNews = false;

  constructor(options: ReplyGateOptions) {
    this.#options = options;
  }

  /** The last entry of this thread in the change log: differs after a batch of requests if one of them wrote. */
  get writtenSeq(): number {
    return this.#options.changeLog.appendedSeq;
  }

  /** What is to become of the replies to a batch that wrote. */
  judge(): Verdict {
    const { board, mode } = this.#options;
    this.#ticket = board.ticket;
    if (this.writtenSeq <= board.ackedSeq) return 'pass';
    if (board.awaitsPeer) return 'wait';
    return mode === 'strict' ? 'cut' : 'pass';
  }

  /** Queues who was judged to wait. */
  hold(waiter: Waiter): void {
    waiter.awaitedSeq = this.writtenSeq;
    if (this.#last === undefined) this.#first = waiter;
    else this.#last.nextWaiter = waiter;
    this.#last = waiter;
    if (this.#options.opensByItself && !this.#awaitsNews) this.#awaitNews();
  }

  /** Lets go all whose writes the peer has; and everybody, when it is no longer waited for. */
  open(): void {
    const { board, mode } = this.#options;
    for (let first = this.#first; first !== undefined; first = this.#first) {
      // Looked at anew each time: who is let go may write on, and wait again.
      const isAcked = first.awaitedSeq <= board.ackedSeq;
      if (!isAcked && board.awaitsPeer) return;
      this.#first = first.nextWaiter;
      if (this.#first === undefined) this.#last = undefined;
      first.nextWaiter = undefined;
      first.letGo(isAcked || mode === 'peer');
    }
  }

  #awaitNews(): void {
    this.#awaitsNews = true;
    this.#options.board.change(this.#ticket).then(this.#onNews);
  }

  readonly #onNews = (): void => {
    this.#ticket = this.#options.board.ticket;
    this.open();
    this.#awaitsNews = false;
    if (this.#first !== undefined) this.#awaitNews();
  };
}

/** The gate of a thread; undefined where replies never wait. */
export function replyGateOf(
  { options, replication }: NodeState,
  opensByItself: boolean,
): ReplyGate | undefined {
  const nodeMode = nodeAckMode(options);
  if (replication === undefined || nodeMode === 'none') return undefined;
  const mode = nodeMode === 'strict' ? 'strict' : 'peer';
  const { changeLog, acks } = replication;
  return new ReplyGate({ changeLog, board: acks, mode, opensByItself });
}
