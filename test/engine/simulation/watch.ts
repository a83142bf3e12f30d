// The invariants that hold at every moment, looked at while a run goes on.

import type { LinkId } from '../../../src/engine/replication/types.js';
import type { History, Incarnation, Write } from './history.js';
import type { Side } from './network.js';
import type { SimNode } from './node.js';
import { LOCAL_KEY_PREFIX, type Plan } from './plan.js';
import type { Scheduler } from './scheduler.js';
import { type Version, versionText } from './version.js';

/** Back-off ends at 2 s; ticks come every 50 ms, and a slow clock stretches it a little. */
const REACHING_WITHIN_MS = 2_200;
/** A send may hold 256 KiB, and above that what is in one bucket of the index, or one value. */
const SEND_MAX_BYTES = 1_048_576;

export const WATCHED_INVARIANTS = [
  'a node that comes back serves nothing older than its peer had',
  'what a client reads never goes back',
  'what is held for the link is bounded',
  'memory stays within its limit',
  'a node without a link dials again within 2 s',
  'what is acknowledged as on both nodes is on both',
  'with --repl-ack none nothing waits',
  'with --repl-ack strict no write succeeds without the peer',
  'nobody waits for a peer that is not in sync',
  'once acknowledgement works, the peer has all that was answered',
  'a flush of one node alone empties it',
] as const;

type WatchedInvariant = (typeof WATCHED_INVARIANTS)[number];

export class Watch {
  readonly problems: string[] = [];
  readonly #plan: Plan;
  readonly #history: History;
  readonly #scheduler: Scheduler;
  /**
   * For each side, what its last process that began a sync towards a starting peer had then, and on which link. What it
   * sent may arrive after its end.
   */
  readonly #promised = new Map<Side, { link: LinkId; versions: ReadonlyMap<string, Version> }>();
  /** The newest that was read or written of each key. */
  readonly #seen = new WeakMap<SimNode, Map<string, Version>>();
  readonly #reachingMs = new WeakMap<SimNode, number>();

  constructor(plan: Plan, history: History, scheduler: Scheduler) {
    this.#plan = plan;
    this.#history = history;
    this.#scheduler = scheduler;
  }

  /** A node begins a sync towards one that does not serve yet. */
  onSyncBegin(node: SimNode, link: LinkId): void {
    if (this.#promised.get(node.side)?.link === link) return;
    this.#promised.set(node.side, { link, versions: node.versions() });
  }

  /** @param isFromPeer whether it opens because of what its peer said; else it is alone, or has waited long enough */
  onReady(node: SimNode, peer: SimNode, isFromPeer: boolean): void {
    if (!isFromPeer) return;
    const promised = this.#promised.get(peer.side);
    if (promised === undefined) {
      this.#violated('a node that comes back serves nothing older than its peer had', node, 'no sync began');
      return;
    }
    for (const [key, theirs] of promised.versions) {
      if (key.startsWith(LOCAL_KEY_PREFIX)) continue;
      const ours = node.versionOf(key);
      if (this.#wasForgotten(peer, key, theirs)) continue;
      if (ours !== null ? ours >= theirs : this.#mayLack(node, key, theirs)) continue;
      const what = ours === null ? 'nothing' : versionText(ours);
      this.#violated(
        'a node that comes back serves nothing older than its peer had',
        node,
        `${key}: ${what}, the peer had ${versionText(theirs)}`,
      );
    }
  }

  /** Before it was sent, or flushed there alone: what is older here is looked for later. */
  #wasForgotten(peer: SimNode, key: string, theirs: Version): boolean {
    const mayForget = this.#plan.isSmall[peer.side] || this.#plan.flushesAlone;
    return mayForget && peer.versionOf(key) !== theirs;
  }

  #mayLack(node: SimNode, key: string, theirs: Version): boolean {
    if (this.#plan.isSmall[node.side] || this.#history.expiring.has(key)) return true;
    if (this.#history.hasFlushedAlone(node.side, 0)) return true;
    const write = this.#history.writesTo(key).find(({ version }) => version === theirs);
    // What an add was overruled by has a version that no client was told.
    return write === undefined || this.#history.isUndone(key, write);
  }

  /** A client read an item, or (null) nothing. */
  onRead(node: SimNode, key: string, version: Version | null): void {
    if (version === null || this.#plan.mayEvict || this.#history.expiring.has(key)) return;
    const seen = this.#seen.get(node)?.get(key);
    if (seen !== undefined && version < seen) {
      this.#violated(
        'what a client reads never goes back',
        node,
        `${key} at ${versionText(version)}, after ${versionText(seen)}`,
      );
    }
    this.#note(node, key, version);
  }

  /** A client wrote or deleted. What is provisional may give way. */
  onWrite(node: SimNode, key: string, version: Version, isProvisional: boolean): void {
    if (!isProvisional) this.#note(node, key, version);
  }

  #note(node: SimNode, key: string, version: Version): void {
    let seen = this.#seen.get(node);
    if (seen === undefined) {
      seen = new Map();
      this.#seen.set(node, seen);
    }
    seen.set(key, version);
  }

  /** A client is told that its write is done, and the peer has not said that it has it. */
  onUnbacked(node: SimNode, key: string, write: Write): void {
    if (node.settings.ackMode !== 'strict') return;
    const what = `${key} at ${versionText(write.version)}`;
    this.#violated('with --repl-ack strict no write succeeds without the peer', node, what);
  }

  /**
   * A client is told that its write is done, on both nodes.
   * @returns whether the peer must have it
   */
  onBacked(node: SimNode, peer: SimNode, key: string, write: Write): boolean {
    if (this.#mayHaveForgotten(node, write)) return false;
    if (!this.#isWith(peer, key, write)) {
      const what = `${key} at ${versionText(write.version)} is not on the peer`;
      this.#violated('what is acknowledged as on both nodes is on both', node, what);
    }
    return true;
  }

  /** Whether a write may have been evicted, or flushed on its node alone, before anybody else had it. */
  #mayHaveForgotten(node: SimNode, write: Write): boolean {
    return this.#plan.isSmall[node.side] || this.#history.hasFlushedAlone(node.side, write.atMs);
  }

  /** The node says that the peer has everything that was answered. */
  onKept(node: SimNode, by: Incarnation, peer: SimNode): void {
    for (const key of this.#history.keys) {
      if (key.startsWith(LOCAL_KEY_PREFIX)) continue;
      const write = this.#history.writesTo(key).findLast((each) => each.by === by && each.isAnswered);
      if (write === undefined || this.#mayHaveForgotten(node, write)) continue;
      if (this.#isWith(peer, key, write)) continue;
      const what = `${key} at ${versionText(write.version)} is not on the peer`;
      this.#violated('once acknowledgement works, the peer has all that was answered', node, what);
    }
  }

  /** Whether a node has what was written, or what counts instead. */
  #isWith(peer: SimNode, key: string, write: Write): boolean {
    if (key === '') return peer.hasFlushed(write.version);
    const held = peer.versionOf(key);
    if (held !== null ? held >= write.version : write.value === null) return true;
    if (held !== null) return this.#history.isUndone(key, write) && this.#isWrittenAfter(key, held, write);
    if (this.#plan.isSmall[peer.side] || this.#history.expiring.has(key)) return true;
    const hasForgotten = this.#history.hasFlushedAlone(peer.side, write.atMs);
    return hasForgotten || this.#history.isUndone(key, write) || this.#isReplaced(key, write);
  }

  /** Whether what is held was written after it all the same: by a process that came up empty and behind in time. */
  #isWrittenAfter(key: string, held: Version, write: Write): boolean {
    return this.#history.writesTo(key).some(({ version, atMs }) => version === held && atMs > write.atMs);
  }

  /** Whether a node wrote the key again and then forgot it by itself: nothing older is taken then. */
  #isReplaced(key: string, write: Write): boolean {
    if (!this.#plan.mayForget) return false;
    return this.#history.writesTo(key).some(({ version }) => version > write.version);
  }

  onStep(node: SimNode): void {
    const { heldCount } = node.replies;
    if (heldCount === 0) return;
    if (node.settings.ackMode === 'none') {
      this.#violated('with --repl-ack none nothing waits', node, `${heldCount} clients`);
    } else if (!node.machine.isInSync) {
      this.#violated('nobody waits for a peer that is not in sync', node, `${heldCount} clients`);
    }
  }

  /** At this moment, and for itself. */
  onFlushedAlone(node: SimNode): void {
    const { size } = node.versions();
    if (size > 0) this.#violated('a flush of one node alone empties it', node, `${size} items are left`);
  }

  onSend(node: SimNode, sizeBytes: number): void {
    if (sizeBytes > SEND_MAX_BYTES) {
      this.#violated('what is held for the link is bounded', node, `${sizeBytes} bytes in a send`);
    }
  }

  onTick(node: SimNode, isReaching: boolean): void {
    const { store } = node;
    if (store.memoryUsedBytes > store.memoryLimitBytes) {
      this.#violated('memory stays within its limit', node, `${store.memoryUsedBytes} bytes`);
    }
    const nowMs = this.#scheduler.nowMs;
    const lastMs = this.#reachingMs.get(node);
    if (isReaching || node.isStopping || lastMs === undefined) this.#reachingMs.set(node, nowMs);
    else if (nowMs - lastMs > REACHING_WITHIN_MS) {
      this.#violated('a node without a link dials again within 2 s', node, `idle since ${lastMs.toFixed(0)}`);
      this.#reachingMs.set(node, nowMs);
    }
  }

  /** What a node that was stopped (SIGSTOP) missed is not its fault. */
  onResume(node: SimNode): void {
    this.#reachingMs.set(node, this.#scheduler.nowMs);
  }

  #violated(invariant: WatchedInvariant, node: SimNode, what: string): void {
    const name = node.side === 0 ? 'a' : 'b';
    this.problems.push(`${invariant}: ${name} at ${this.#scheduler.nowMs.toFixed(0)} ms: ${what}`);
  }
}
