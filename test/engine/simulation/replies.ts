// --repl-ack of a simulated node: the board, the keeper and the gate of the real one, and the clients that wait.

import { AckBoard } from '../../../src/engine/server/ack-board.js';
import { AckKeeper, type AckKeeperOptions } from '../../../src/engine/server/ack-keeper.js';
import type { AckMode } from '../../../src/engine/server/ack-modes.js';
import type { ReplyGate, ReplyGateOptions, Waiter } from '../../../src/engine/server/reply-gate.js';
import { SharedMemory } from '../../../src/engine/store/shared-memory.js';

/** Is told whether the client was answered, and whether the peer had said by then that it has the write. */
export type OnDecided = (isGiven: boolean, isBacked: boolean) => void;

/** The reply to what one client wrote: given, held until it is, or never. */
export class Reply implements Waiter {
  awaitedSeq = 0;
  nextWaiter: Waiter | undefined;
  readonly #board: AckBoard;
  #isDecided = false;
  #isGiven = false;
  #isBacked = false;
  #onDecided: OnDecided = () => {};

  constructor(board: AckBoard, writtenSeq: number) {
    this.#board = board;
    this.awaitedSeq = writtenSeq;
  }

  get isHeld(): boolean {
    return !this.#isDecided;
  }

  letGo(mayAnswer: boolean): void {
    this.#isDecided = true;
    this.#isGiven = mayAnswer;
    this.#isBacked = this.awaitedSeq <= this.#board.ackedSeq;
    this.#onDecided(this.#isGiven, this.#isBacked);
  }

  /** At once, if it is decided. */
  whenDecided(onDecided: OnDecided): void {
    this.#onDecided = onDecided;
    if (this.#isDecided) onDecided(this.#isGiven, this.#isBacked);
  }
}

export interface RepliesOptions extends Omit<AckKeeperOptions, 'mode' | 'board'> {
  readonly mode: AckMode;
  readonly changeLog: AckKeeperOptions['changeLog'] & ReplyGateOptions['changeLog'];
  readonly makeGate: (options: ReplyGateOptions) => ReplyGate;
  /** Everything that was answered is with the peer again. */
  readonly onKept: () => void;
}

export class Replies {
  readonly #options: RepliesOptions;
  readonly #board = new AckBoard(new SharedMemory());
  readonly #gate: ReplyGate | undefined;
  readonly #keeper: AckKeeper | undefined;
  #held: Reply[] = [];
  #isDegraded = true;

  constructor(options: RepliesOptions) {
    const { mode, changeLog, makeGate } = options;
    const board = this.#board;
    this.#options = options;
    if (mode === 'none') return;
    this.#gate = makeGate({ changeLog, board, mode, opensByItself: false });
    this.#keeper = new AckKeeper({ ...options, mode, board });
  }

  /** How many clients wait. */
  get heldCount(): number {
    return this.#held.length;
  }

  /** The reply to a client that has just written. */
  replyToWrite(): Reply {
    const reply = new Reply(this.#board, this.#options.changeLog.appendedSeq);
    const verdict = this.#gate?.judge() ?? 'pass';
    if (verdict === 'wait') {
      this.#gate!.hold(reply);
      this.#held.push(reply);
    } else reply.letGo(verdict === 'pass');
    return reply;
  }

  /** After each step of the core. */
  update(): void {
    this.#keeper?.update();
    this.#gate?.open();
    if (this.#held.length > 0) this.#held = this.#held.filter(({ isHeld }) => isHeld);
    const { mode, nowMs, onKept } = this.#options;
    if (mode === 'none') return;
    const wasDegraded = this.#isDegraded;
    this.#isDegraded = this.#board.stats(mode, nowMs()).repl_ack_degraded === 1;
    if (wasDegraded && !this.#isDegraded) onKept();
  }
}
