// The simulated network between the two nodes: TCP as it behaves when cables, hosts and kernels misbehave.

import type { LinkId, ReplicationEvent } from '../../../src/engine/replication/types.js';
import type { Random } from './random.js';
import type { Scheduler } from './scheduler.js';

/** A process on a host, as the network sees it. A restarted one is another process. */
export interface Process {
  readonly side: Side;
  readonly isRunning: boolean;
  /** Whether what it dials from is where the peer of whom it dials is awaited. */
  readonly isAtPeerAddress: boolean;
  deliver(event: ReplicationEvent): void;
}

export type Side = 0 | 1;

export function otherSide(side: Side): Side {
  return side === 0 ? 1 : 0;
}

const DIAL_TIMEOUT_MS = 2_000;
/** What the kernels hold of one direction of a connection. */
const WINDOW_BYTES = 65_536;
/** A slow reader takes no more than this at a time, and then rests. */
const SLOW_READ_BYTES = 2_000;
const SLOW_READ_REST_MS = 10;
/** A frame begins with its length, which is no part of it. */
const LENGTH_BYTES = 4;

interface Message {
  /** Null: the connection ends here (FIN). */
  readonly bytes: Uint8Array | null;
  readyAtMs: number;
}

/** One end of a connection. Each has a pipe towards the other. */
interface End {
  readonly process: Process;
  readonly link: LinkId;
  readonly other: () => End;
  isOpen: boolean;
  /** Whether its process has been told of it: nothing arrives before. */
  isKnown: boolean;
  /** On its way to the other end. */
  readonly pipe: Message[];
  inFlightBytes: number;
  /** Handed over by `send`, not yet taken by the kernel: read only then, so a buffer used too early shows. */
  offered: Uint8Array | null;
  isMoving: boolean;
}

export class Network {
  /** cut[from]: nothing that this side sends arrives. What was sent waits, as TCP would send it again. */
  readonly cut: [boolean, boolean] = [false, false];
  /** Hosts without power answer nothing, and leave their connections half open on the other side. */
  readonly isHostDown: [boolean, boolean] = [false, false];
  maxDelayMs = 5;
  /** Sides whose process takes what comes in bit by bit. */
  readonly readsSlowly: [boolean, boolean] = [false, false];
  /** breaksInFrame[from]: the next connection on which something comes from there breaks inside a frame. */
  readonly breaksInFrame: [boolean, boolean] = [false, false];
  /** How often it happened, on all connections. */
  bytesSplit = 0;
  halfOpen = 0;
  slowReads = 0;
  brokenInFrame = 0;
  duplicateLinks = 0;
  readonly #random: Random;
  readonly #scheduler: Scheduler;
  readonly #ends = new Map<Process, Map<LinkId, End>>();
  #nextLink: LinkId = 1;

  constructor(random: Random, scheduler: Scheduler) {
    this.#random = random;
    this.#scheduler = scheduler;
  }

  /** @param peer what runs on the other side at the moment the SYN arrives */
  dial(dialer: Process, peer: () => Process): void {
    const { side } = dialer;
    const other = otherSide(side);
    let answered = false;
    const fail = (failure: 'refused' | 'failed') => {
      if (answered) return;
      answered = true;
      dialer.deliver({ kind: 'dialFailed', failure });
    };
    this.#scheduler.in(DIAL_TIMEOUT_MS, () => fail('failed'));
    this.#scheduler.in(this.#delay(), () => {
      if (this.cut[side] || this.isHostDown[other]) return;
      const acceptor = peer();
      if (!acceptor.isRunning) {
        this.#scheduler.in(this.#delay(), () => {
          if (!this.cut[other]) fail('refused');
        });
        return;
      }
      const [near, far] = this.#connect(dialer, acceptor);
      // The SYN-ACK is on its way; the acceptor may already speak.
      this.#scheduler.in(this.#delay(), () => {
        if (answered || this.cut[other] || !dialer.isRunning) {
          near.isOpen = false;
          this.halfOpen += 1;
          return;
        }
        if (!near.isOpen) {
          fail('failed');
          return;
        }
        answered = true;
        near.isKnown = true;
        dialer.deliver({ kind: 'dialed', link: near.link, address: `side-${other}` });
        this.#move(far);
      });
      acceptor.deliver({
        kind: 'accepted',
        link: far.link,
        address: `side-${side}`,
        isFromPeer: dialer.isAtPeerAddress,
      });
    });
  }

  /** The `send` effect. `writable` follows once the kernel has taken all of it. */
  send(process: Process, link: LinkId, bytes: Uint8Array): void {
    const end = this.#ends.get(process)?.get(link);
    if (end === undefined || !end.isOpen) return;
    if (end.offered !== null) throw new Error(`link ${link}: a second send before writable`);
    end.offered = bytes;
    this.#scheduler.in(this.#random.between(0, 1), () => this.#takeOffered(end));
  }

  /** The `close` effect. */
  close(process: Process, link: LinkId): void {
    const end = this.#ends.get(process)?.get(link);
    if (end === undefined || !end.isOpen) return;
    if (end.offered !== null) this.#enqueue(end);
    this.#end(end);
  }

  /** The process is gone. A kernel that lives on says so to the other ends; a host without power does not. */
  processEnded(process: Process, saysSo: boolean): void {
    for (const end of this.#ends.get(process)?.values() ?? []) {
      if (!end.isOpen) continue;
      if (saysSo) this.#end(end);
      else {
        end.isOpen = false;
        this.halfOpen += 1;
      }
    }
    this.#ends.delete(process);
  }

  /** Something that held bytes back is over: let them move again. */
  kick(): void {
    for (const ends of this.#ends.values()) for (const end of ends.values()) this.#move(end);
  }

  /** Whether a process has a connection, as far as its kernel knows. */
  hasLink(process: Process): boolean {
    for (const end of this.#ends.get(process)?.values() ?? []) if (end.isOpen) return true;
    return false;
  }

  /** Every connection breaks, and both ends hear of it at once. */
  reset(): void {
    for (const ends of [...this.#ends.values()]) for (const end of [...ends.values()]) this.#gone(end);
  }

  #connect(dialer: Process, acceptor: Process): [End, End] {
    for (const end of this.#ends.get(dialer)?.values() ?? []) {
      if (end.isOpen && end.other().isOpen && end.other().process === acceptor) this.duplicateLinks += 1;
    }
    const near: End = this.#makeEnd(dialer, false, () => far);
    const far: End = this.#makeEnd(acceptor, true, () => near);
    return [near, far];
  }

  #makeEnd(process: Process, isKnown: boolean, other: () => End): End {
    const link = this.#nextLink++;
    const end: End = {
      process,
      link,
      other,
      isOpen: true,
      isKnown,
      pipe: [],
      inFlightBytes: 0,
      offered: null,
      isMoving: false,
    };
    let ends = this.#ends.get(process);
    if (ends === undefined) {
      ends = new Map();
      this.#ends.set(process, ends);
    }
    ends.set(link, end);
    return end;
  }

  #takeOffered(end: End): void {
    if (!end.isOpen || end.offered === null) return;
    if (end.inFlightBytes > WINDOW_BYTES) return; // Taken when the other end has read some.
    this.#enqueue(end);
    end.process.deliver({ kind: 'writable', link: end.link });
  }

  #enqueue(end: End): void {
    const bytes = end.offered!.slice();
    end.offered = null;
    end.inFlightBytes += bytes.length;
    end.pipe.push({ bytes, readyAtMs: this.#scheduler.nowMs + this.#delay() });
    this.#move(end);
  }

  /** Closes an end: FIN behind what it sent, or RST in its stead. */
  #end(end: End): void {
    end.isOpen = false;
    end.offered = null;
    if (this.#random.chance(0.3)) end.pipe.length = 0;
    end.pipe.push({ bytes: null, readyAtMs: this.#scheduler.nowMs + this.#delay() });
    this.#move(end);
  }

  /** Keeps the pipe of an end moving while nothing is in its way. */
  #move(end: End): void {
    if (end.isMoving || end.pipe.length === 0 || this.#isHeld(end)) return;
    end.isMoving = true;
    this.#scheduler.in(Math.max(0, end.pipe[0].readyAtMs - this.#scheduler.nowMs), () => {
      end.isMoving = false;
      if (end.pipe.length === 0 || this.#isHeld(end)) return;
      this.#arrive(end, end.pipe.shift()!);
      this.#move(end);
    });
  }

  #isHeld(end: End): boolean {
    const { side } = end.process;
    if (!end.other().isKnown) return true;
    return this.cut[side] || this.isHostDown[side] || this.isHostDown[otherSide(side)];
  }

  #arrive(from: End, message: Message): void {
    const to = from.other();
    if (!to.isOpen) {
      // Nobody there: RST comes back.
      if (message.bytes !== null && from.isOpen) {
        this.#scheduler.in(this.#delay(), () => this.#gone(from));
      }
      from.pipe.length = 0;
      return;
    }
    if (message.bytes === null) {
      this.#gone(to);
      return;
    }
    const { bytes } = message;
    const { side } = from.process;
    if (this.breaksInFrame[side] && bytes.length > LENGTH_BYTES) {
      this.#breakInFrame(from, to, bytes);
      return;
    }
    const isSlow = this.readsSlowly[to.process.side] && bytes.length > SLOW_READ_BYTES;
    const most = isSlow ? SLOW_READ_BYTES : bytes.length;
    const cutAt = this.#random.chance(0.3) ? this.#random.int(1, most) : most;
    if (isSlow) this.slowReads += 1;
    if (cutAt < bytes.length) {
      this.bytesSplit += 1;
      const restMs = isSlow ? SLOW_READ_REST_MS : this.#random.between(0, 2);
      from.pipe.unshift({ bytes: bytes.subarray(cutAt), readyAtMs: this.#scheduler.nowMs + restMs });
    }
    from.inFlightBytes -= cutAt;
    to.process.deliver({ kind: 'received', link: to.link, bytes: bytes.slice(0, cutAt) });
    if (from.offered !== null) this.#takeOffered(from);
  }

  /** The first frame that is on its way arrives but for its end. Whole frames are sent, so one begins there, or goes on. */
  #breakInFrame(from: End, to: End, bytes: Uint8Array): void {
    this.breaksInFrame[from.process.side] = false;
    this.brokenInFrame += 1;
    const part = bytes.slice(0, this.#random.int(1, LENGTH_BYTES));
    to.process.deliver({ kind: 'received', link: to.link, bytes: part });
    this.#gone(from);
    this.#gone(to);
  }

  #gone(end: End): void {
    if (!end.isOpen) return;
    end.isOpen = false;
    end.pipe.length = 0;
    end.process.deliver({ kind: 'closed', link: end.link });
  }

  #delay(): number {
    return this.#random.between(0.05, this.maxDelayMs);
  }
}
