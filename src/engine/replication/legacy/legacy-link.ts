// One connection to the legacy peer: its state, and what it still has to say.

import type { Role } from '../handshake.js';
import type { LinkId } from '../types.js';
import { LegacyDecoder } from './legacy-decoder.js';
import { LegacyWriter } from './legacy-writer.js';

/**
 * - `waiting`: accepted while there is another link. A legacy node dials once, as it starts, so the other link should
 *   be dead: if that shows within a short time this one takes its place, else it is closed.
 * - `receiving`: we dialled, so the peer's copy comes first. Nothing of ours goes out meanwhile: an old value of the
 *   copy could overtake it.
 * - `pushing`: our copy goes out, the changes made meanwhile in between.
 * - `streaming`: changes go as they are made. A change log that overflowed leads back to `pushing`.
 * - `closed`: whatever still comes for it is ignored.
 */
export type LegacyLinkState = 'waiting' | 'receiving' | 'pushing' | 'streaming' | 'closed';

const NEXT: Readonly<Record<LegacyLinkState, readonly LegacyLinkState[]>> = {
  waiting: ['pushing', 'closed'],
  receiving: ['pushing', 'closed'],
  pushing: ['streaming', 'closed'],
  streaming: ['pushing', 'closed'],
  closed: [],
};

export class LegacyLink {
  readonly id: LinkId;
  readonly role: Role;
  /** `host:port`. */
  readonly address: string;
  readonly sinceMs: number;
  readonly decoder: LegacyDecoder;
  readonly writer = new LegacyWriter();
  /** The last time that anything came in; null: nothing has. */
  heardMs: number | null = null;
  /** The last time that anything went out. */
  sentMs = Number.NEGATIVE_INFINITY;
  /** A `send` is out and its `writable` has not come: the writer's memory is not ours. */
  awaitingWritable = false;
  /** The peer says that it is there, which no legacy node does: it is one of ours, and will say so again. */
  isOurs = false;
  #state: LegacyLinkState;

  constructor(
    id: LinkId,
    role: Role,
    address: string,
    nowMs: number,
    maxValueBytes: number,
    state: 'waiting' | 'receiving' | 'pushing',
  ) {
    this.id = id;
    this.role = role;
    this.address = address;
    this.sinceMs = nowMs;
    this.decoder = new LegacyDecoder(maxValueBytes);
    this.#state = state;
  }

  get state(): LegacyLinkState {
    return this.#state;
  }

  /** The only way from one state to another. */
  enter(state: LegacyLinkState): void {
    if (!NEXT[this.#state].includes(state)) throw new Error(`link cannot go from ${this.#state} to ${state}`);
    this.#state = state;
  }

  /** Whether items may go out on it. */
  get carriesData(): boolean {
    return this.#state === 'pushing' || this.#state === 'streaming';
  }
}
