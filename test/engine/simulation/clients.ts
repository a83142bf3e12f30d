// What the clients of both nodes do, and what they are told.

import type { History, Incarnation } from './history.js';
import { otherSide, type Side } from './network.js';
import type { SimNode } from './node.js';
import type { Pair } from './pair.js';
import { LOCAL_KEY_PREFIX, type Plan } from './plan.js';
import type { Random } from './random.js';
import type { Scheduler } from './scheduler.js';
import type { Tally } from './tally.js';

/** For so long a session is asked for, often on both nodes; then it is left as it is. */
const SESSION_MS = 250;
/** Keys that are written once, and again by `divert` only. */
const RARE_KEYS = 30;
/** Of these, what `divert` writes a second time, to expire at once. */
const BRIEF_KEYS = 15;
const RARE_FILLING = 'r'.repeat(1_000);
/** Now and then many operations at once, as a pipelining client sends them: more than a small change log holds. */
const BURST_OPERATIONS = 100;
const FLUSH_DELAY_SEC = 2;
/** Enough for a full copy to take many sends; where memory is small, more than it holds. */
const FILL_KEYS = 100;
const FILL_KEYS_SMALL = 500;
const FILLING = 'f'.repeat(9_000);
const LARGE_VALUE = 'v'.repeat(100_000);

export class Clients {
  operations = 0;
  #areGone = false;
  readonly #plan: Plan;
  readonly #random: Random;
  readonly #scheduler: Scheduler;
  readonly #pair: Pair;
  readonly #history: History;
  readonly #tally: Tally;

  constructor(plan: Plan, random: Random, scheduler: Scheduler, pair: Pair, history: History, tally: Tally) {
    this.#plan = plan;
    this.#random = random;
    this.#scheduler = scheduler;
    this.#pair = pair;
    this.#history = history;
    this.#tally = tally;
  }

  /** @param troubleMs how long they go on */
  start(troubleMs: number): void {
    for (const side of [0, 1] as const) this.#operateLater(side);
    this.#scheduler.in(1_000, () => this.#writeRare(this.#pair.nodes[0]));
    if (this.#plan.fills) this.#scheduler.in(1_500, () => this.#fill());
    // Once more towards the end: what a node that crashed had evicted can't be asked for any more.
    if (this.#plan.mayEvict) this.#scheduler.in(troubleMs - 2_000, () => this.#fill());
  }

  leave(): void {
    this.#areGone = true;
  }

  #operateLater(side: Side): void {
    this.#scheduler.in(this.#random.between(0, this.#plan.operationMs * 2), () => {
      if (this.#areGone) return;
      for (let left = this.#random.chance(0.005) ? BURST_OPERATIONS : 1; left > 0; left--) {
        if (this.#pair.nodes[side].takesClients) this.#operate(this.#pair.nodes[side]);
      }
      this.#operateLater(side);
    });
  }

  #operate(node: SimNode): void {
    const random = this.#random;
    const number = random.int(1, this.#plan.keyCount);
    this.operations += 1;
    const dice = random.next();
    if (dice < 0.4) {
      const key = `k${number}`;
      const value = `${this.operations}-${random.chance(0.01) ? LARGE_VALUE : 'v'.repeat(random.int(0, 60))}`;
      if (node.set(key, value, random.int(0, 9), 0)) this.#wrote(node, key, value);
    } else if (dice < 0.5) {
      this.#setToExpire(node, `e${number}`);
    } else if (dice < 0.54) {
      const key = `k${number}`;
      const after = node.append(key, '+') ? node.read(key) : null;
      if (after !== null) this.#wrote(node, key, after.value);
    } else if (dice < 0.56) {
      this.#writeLocally(node, `${LOCAL_KEY_PREFIX}${number}`);
    } else if (dice < 0.66) {
      this.#logIn(node, `s${Math.floor(this.#scheduler.nowMs / SESSION_MS)}`);
    } else if (dice < 0.82) {
      const key = random.chance(0.8) ? `k${number}` : `e${number}`;
      if (node.remove(key)) this.#wrote(node, key, null);
    } else if (dice < 0.88) {
      const key = `k${number}`;
      if (!node.isProvisional(key)) this.#pair.watch.onRead(node, key, node.versionOf(key));
    } else if (dice < 0.99 || !this.#plan.flushes) {
      this.#touch(node, `e${number}`);
    } else if (random.chance(0.4)) {
      this.#flushBoth(node);
    } else {
      this.#flush(node);
    }
  }

  #setToExpire(node: SimNode, key: string): void {
    const value = `${this.operations}`;
    const isSoon = this.#random.chance(0.5);
    this.#history.expiring.add(key);
    if (isSoon) this.#tally.count('expiry');
    const ttlSec = isSoon ? this.#random.int(1, 4) : this.#random.int(1_000, 2_000);
    if (node.set(key, value, 0, Math.floor(node.nowMs / 1_000) + ttlSec)) this.#wrote(node, key, value);
  }

  /** Often on both nodes at the same moment: a touch keeps the version, so these meet as ties. */
  #touch(node: SimNode, key: string): void {
    const other = this.#pair.nodes[otherSide(node.side)];
    for (const each of this.#random.chance(0.5) && other.takesClients ? [node, other] : [node]) {
      each.touch(key, Math.floor(each.nowMs / 1_000) + this.#random.int(1_000, 2_000));
    }
  }

  /** A session is written, or asked for as strict PHP does it: by an add, which succeeds where there is none. */
  #logIn(node: SimNode, key: string): void {
    const value = `${this.operations}`;
    if (this.#random.chance(0.3)) {
      if (node.set(key, value, 0, 0)) this.#wrote(node, key, value);
    } else if (node.add(key, value)) {
      const isProvisional = node.isProvisional(key);
      if (isProvisional) this.#tally.count('strayAdd');
      this.#wrote(node, key, value, isProvisional);
    }
  }

  #writeLocally(node: SimNode, key: string): void {
    const value = `${this.operations}`;
    if (this.#random.chance(0.2)) {
      if (node.remove(key)) this.#wrote(node, key, null);
    } else if (node.set(key, value, 0, 0)) {
      this.#wrote(node, key, value);
    }
  }

  #flush(node: SimNode): void {
    const delaySec = this.#random.chance(0.5) ? 0 : FLUSH_DELAY_SEC;
    if (!node.flushAll(delaySec)) return;
    if (this.#plan.flushesAlone) {
      this.#flushedAlone(node, delaySec);
    } else if (delaySec === 0) {
      this.#pair.awaitReply(node, '', this.#history.flushed(this.#by(node), node));
      this.#tally.count('flush');
    } else {
      this.#history.flushesLater(this.#by(node), node, delaySec);
      this.#tally.count('delayedFlush');
    }
  }

  #flushedAlone(node: SimNode, delaySec: number): void {
    const peer = this.#pair.nodes[otherSide(node.side)];
    this.#history.flushedAlone(this.#by(node), this.#by(peer), peer.versions(), delaySec);
    this.#tally.count('loneFlush');
    if (delaySec === 0) this.#pair.watch.onFlushedAlone(node);
  }

  /** One node flushes while the other writes, and perhaps flushes as well, before they can have heard of each other. */
  #flushBoth(node: SimNode): void {
    const other = this.#pair.nodes[otherSide(node.side)];
    if (!other.takesClients) return;
    this.#tally.count('flushRace');
    const value = `${this.operations}`;
    for (const key of ['k1', 'k2']) if (other.set(key, value, 0, 0)) this.#wrote(other, key, value);
    this.#flush(node);
    if (this.#random.chance(0.5)) this.#flush(other);
    for (const key of ['k2', 'k3']) if (other.set(key, value, 0, 0)) this.#wrote(other, key, value);
  }

  /**
   * While the nodes are apart, one of them replaces values by others, by some that expire before they meet again, and,
   * where memory is small, by some that are evicted.
   */
  divert(node: SimNode): void {
    this.#writeRare(node);
    for (let number = 0; node.takesClients && number < BRIEF_KEYS; number++) {
      const expiresSec = Math.floor(node.nowMs / 1_000) + 1;
      // By the end of the run it is as good as deleted.
      if (node.set(`r${number}`, 'brief', 0, expiresSec)) this.#wrote(node, `r${number}`, null);
    }
    if (this.#plan.isSmall[node.side]) this.#fillNode(node);
  }

  #writeRare(node: SimNode): void {
    for (let number = 0; node.takesClients && number < RARE_KEYS; number++) {
      const value = `${this.operations++}-${RARE_FILLING}`;
      if (node.set(`r${number}`, value, 0, 0)) this.#wrote(node, `r${number}`, value);
    }
  }

  #fill(): void {
    const [a, b] = this.#pair.nodes;
    this.#fillNode(a.takesClients ? a : b);
  }

  #fillNode(node: SimNode): void {
    if (!node.takesClients) return;
    for (let i = 0; i < (this.#plan.mayEvict ? FILL_KEYS_SMALL : FILL_KEYS); i++) {
      const value = `${i}${FILLING}`;
      if (node.set(`f${i}`, value, i, 0)) this.#wrote(node, `f${i}`, value);
    }
  }

  #wrote(node: SimNode, key: string, value: string | null, isProvisional = false): void {
    const write = this.#history.wrote(this.#by(node), node, key, value, isProvisional);
    this.#pair.watch.onWrite(node, key, write.version, isProvisional);
    if (!key.startsWith(LOCAL_KEY_PREFIX)) this.#pair.awaitReply(node, key, write);
  }

  #by(node: SimNode): Incarnation {
    return this.#pair.incarnations[node.side];
  }
}
