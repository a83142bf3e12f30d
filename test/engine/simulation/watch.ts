// The invariants that hold at every moment, looked at while a run goes on.

import type { LinkId } from '../../../src/engine/replication/types.js';
import type { History } from './history.js';
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
      if (ours !== null ? ours >= theirs : this.#mayLack(node, peer, key, theirs)) continue;
      const what = ours === null ? 'nothing' : versionText(ours);
      this.#violated(
        'a node that comes back serves nothing older than its peer had',
        node,
        `${key}: ${what}, the peer had ${versionText(theirs)}`,
      );
    }
  }

  #mayLack(node: SimNode, peer: SimNode, key: string, theirs: Version): boolean {
    // Evicted there before it was sent.
    if (this.#plan.isSmall[peer.side] && peer.versionOf(key) !== theirs) return true;
    if (this.#plan.isSmall[node.side] || this.#history.expiring.has(key)) return true;
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
