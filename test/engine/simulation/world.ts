// One simulated run: two nodes, clients on both, and everything that can go wrong between them, from one seed.

import { Network } from './network.js';
import { type NodeParts, type NodeSettings, SimNode, SOUND_PARTS } from './node.js';
import { type Incarnation, Oracle } from './oracle.js';
import { Random } from './random.js';
import { Scheduler } from './scheduler.js';

/** Keys that stay on their node; on the other one as well, if it is configured alike. */
const LOCAL_KEY_PREFIX = 'l';
/** For so long a session is asked for, often on both nodes; then it is left as it is. */
const SESSION_MS = 250;
const TROUBLE_MS = 15_000;
/** Longer than a link may be silent. */
const LONG_CUT_MS = 4_000;
const RARE_KEYS = 50;
/** Long enough for silence, back-off, time limits, syncs (two after losses), and for what expires soon to be gone. */
const QUIET_MS = 25_000;
const MEMORY_BYTES = 12 * 1024 * 1024;
const SMALL_MEMORY_BYTES = 5 * 1024 * 1024;

export type FaultName =
  | 'cut'
  | 'longCut'
  | 'oneWayCut'
  | 'crash'
  | 'powerLoss'
  | 'stop'
  | 'pause'
  | 'clockStep'
  | 'flush'
  | 'delayedFlush'
  | 'strayAdd'
  | 'eviction'
  | 'logOverflow'
  | 'halfOpen'
  | 'split'
  | 'conflict'
  | 'expiry'
  | 'loss'
  | 'partialSync'
  | 'digestSync'
  | 'fullSync';

export interface RunResult {
  readonly seed: number;
  /** Violated invariants; none if all is well. */
  readonly problems: readonly string[];
  readonly faults: ReadonlyMap<FaultName, number>;
  /** The log lines of both nodes, with their virtual ms. */
  readonly lines: readonly string[];
  readonly operations: number;
}

/** Runs a seed to its end. The same seed and parts give the same run, to the byte. */
export function simulate(seed: number, parts: NodeParts = SOUND_PARTS): RunResult {
  return new World(seed, parts).run();
}

class World {
  readonly #seed: number;
  readonly #parts: NodeParts;
  readonly #random: Random;
  readonly #scheduler = new Scheduler();
  readonly #network: Network;
  readonly #oracle = new Oracle(LOCAL_KEY_PREFIX);
  readonly #faults = new Map<FaultName, number>();
  readonly #lines: string[] = [];
  readonly #nodes: [SimNode, SimNode];
  readonly #incarnations: [Incarnation, Incarnation];
  readonly #isSmall: readonly [boolean, boolean];
  readonly #logCapacity: number;
  readonly #hasSecret: boolean;
  readonly #keyCount: number;
  readonly #operationMs: number;
  readonly #clockSpreadMs: number;
  readonly #flushes: boolean;
  readonly #localKeys: readonly [readonly string[], readonly string[]];
  #operations = 0;
  #isTrouble = true;

  constructor(seed: number, parts: NodeParts) {
    const random = new Random(seed);
    this.#seed = seed;
    this.#parts = parts;
    this.#random = random;
    this.#network = new Network(random, this.#scheduler);
    this.#network.maxDelayMs = random.pick([1, 5, 50]);
    const isSmallPair = random.chance(0.15);
    this.#isSmall = [isSmallPair && random.chance(0.3), isSmallPair];
    this.#logCapacity = random.pick([8, 64, 1024, 65_536]);
    this.#hasSecret = random.chance(0.7);
    this.#keyCount = random.pick([3, 20, 200]);
    this.#operationMs = random.pick([8, 20, 60]);
    this.#clockSpreadMs = random.pick([0, 1_000, 30_000]);
    this.#flushes = random.chance(0.3);
    const localKeys = [`${LOCAL_KEY_PREFIX}*`];
    this.#localKeys = [localKeys, random.chance(0.5) ? localKeys : []];
    this.#incarnations = [newIncarnation(0), newIncarnation(1)];
    this.#nodes = [this.#makeNode(0), this.#makeNode(1)];
  }

  run(): RunResult {
    for (const side of [0, 1] as const) {
      this.#scheduler.in(this.#random.between(0, 300), () => this.#nodes[side].start());
      this.#operateLater(side);
    }
    if (this.#isSmall[1] || this.#random.chance(0.3)) this.#scheduler.in(1_500, () => this.#fill());
    this.#scheduler.in(1_000, () => this.#writeRare(this.#nodes[0]));
    // Where memory is small there is something to lose.
    if (this.#isSmall[1]) this.#scheduler.in(5_000, () => this.#cut(LONG_CUT_MS));
    // Once more towards the end: what a node that crashed had evicted can't be asked for any more.
    if (this.#isSmall[1]) this.#scheduler.in(TROUBLE_MS - 2_000, () => this.#fill());
    this.#troubleLater();
    this.#scheduler.runUntil(TROUBLE_MS);
    this.#isTrouble = false;
    this.#heal();
    this.#scheduler.runUntil(TROUBLE_MS + QUIET_MS);
    const [a, b] = this.#nodes;
    const problems = this.#oracle.judge(a, b, this.#isSmall);
    for (const node of this.#nodes) this.#retire(node);
    this.#count('split', this.#network.bytesSplit);
    this.#count('halfOpen', this.#network.halfOpen);
    return {
      seed: this.#seed,
      problems,
      faults: this.#faults,
      lines: this.#lines,
      operations: this.#operations,
    };
  }

  #makeNode(side: 0 | 1): SimNode {
    const random = this.#random;
    const settings: NodeSettings = {
      memoryBytes: this.#isSmall[side] ? SMALL_MEMORY_BYTES : MEMORY_BYTES,
      logCapacity: this.#logCapacity,
      hasSecret: this.#hasSecret,
      localKeys: this.#localKeys[side],
      clockOffsetMs: random.between(-this.#clockSpreadMs, this.#clockSpreadMs),
      clockRate: 1 + random.between(-1e-4, 1e-4),
    };
    const peer = () => this.#nodes[side === 0 ? 1 : 0];
    return new SimNode(side, settings, this.#parts, random, this.#scheduler, this.#network, peer);
  }

  // ── Clients ────────────────────────────────────────────────────────────────────────────────────────────────

  #operateLater(side: 0 | 1): void {
    this.#scheduler.in(this.#random.between(0, this.#operationMs * 2), () => {
      if (!this.#isTrouble) return;
      // Now and then many at once, as a pipelining client sends them: more than a small change log holds.
      for (let left = this.#random.chance(0.005) ? 100 : 1; left > 0; left--) {
        if (this.#nodes[side].takesClients) this.#operate(this.#nodes[side]);
      }
      this.#operateLater(side);
    });
  }

  #operate(node: SimNode): void {
    const random = this.#random;
    const by = this.#incarnations[node.side];
    const number = random.int(1, this.#keyCount);
    this.#operations += 1;
    const dice = random.next();
    if (dice < 0.45) {
      const key = `k${number}`;
      const value = `${this.#operations}-${'v'.repeat(random.chance(0.02) ? 100_000 : random.int(0, 60))}`;
      if (node.set(key, value, random.int(0, 9), 0)) this.#oracle.wrote(by, node, key, value);
    } else if (dice < 0.55) {
      const key = `e${number}`;
      const value = `${this.#operations}`;
      const isSoon = random.chance(0.5);
      this.#oracle.expires(key);
      if (isSoon) this.#count('expiry');
      const exptimeSec =
        Math.floor(node.nowMs / 1_000) + (isSoon ? random.int(1, 4) : random.int(1_000, 2_000));
      if (node.set(key, value, 0, exptimeSec)) this.#oracle.wrote(by, node, key, value);
    } else if (dice < 0.59) {
      const key = `k${number}`;
      const after = node.append(key, '+') ? node.read(key) : null;
      if (after !== null) this.#oracle.wrote(by, node, key, after.value);
    } else if (dice < 0.61) {
      this.#writeLocally(node, by, `${LOCAL_KEY_PREFIX}${number}`);
    } else if (dice < 0.71) {
      this.#logIn(node, by, `s${Math.floor(this.#scheduler.nowMs / SESSION_MS)}`);
    } else if (dice < 0.9) {
      const key = random.chance(0.8) ? `k${number}` : `e${number}`;
      if (node.remove(key)) this.#oracle.wrote(by, node, key, null);
    } else if (dice < 0.999 || !this.#flushes) {
      // Often on both nodes at the same moment: a touch keeps the version, so these meet as ties.
      const other = this.#nodes[node.side === 0 ? 1 : 0];
      for (const each of random.chance(0.5) && other.takesClients ? [node, other] : [node]) {
        each.touch(`e${number}`, Math.floor(each.nowMs / 1_000) + random.int(1_000, 2_000));
      }
    } else {
      this.#flush(node, by);
    }
  }

  /** A session is written, or asked for as strict PHP does it: by an add, which succeeds where there is none. */
  #logIn(node: SimNode, by: Incarnation, key: string): void {
    const value = `${this.#operations}`;
    if (this.#random.chance(0.3)) {
      if (node.set(key, value, 0, 0)) this.#oracle.wrote(by, node, key, value);
    } else if (node.add(key, value)) {
      const isProvisional = node.isProvisional(key);
      if (isProvisional) this.#count('strayAdd');
      this.#oracle.wrote(by, node, key, value, isProvisional);
    }
  }

  #writeLocally(node: SimNode, by: Incarnation, key: string): void {
    const value = `${this.#operations}`;
    if (this.#random.chance(0.2)) {
      if (node.remove(key)) this.#oracle.wrote(by, node, key, null);
    } else if (node.set(key, value, 0, 0)) {
      this.#oracle.wrote(by, node, key, value);
    }
  }

  #flush(node: SimNode, by: Incarnation): void {
    if (this.#random.chance(0.5)) {
      node.flushAll(0);
      this.#oracle.flushed(by, node);
      this.#count('flush');
      return;
    }
    node.flushAll(2);
    this.#oracle.flushesLater(by, node);
    this.#count('delayedFlush');
  }

  /** Enough for a full copy to take many sends; where memory is small, more than it holds. */
  #fill(): void {
    this.#fillNode(this.#nodes[0].takesClients ? this.#nodes[0] : this.#nodes[1]);
  }

  #fillNode(node: SimNode): void {
    if (!node.takesClients) return;
    const by = this.#incarnations[node.side];
    for (let i = 0; i < (this.#isSmall[1] ? 4_000 : 1_000); i++) {
      const key = `f${i}`;
      const value = `${i}${'f'.repeat(1_000)}`;
      if (node.set(key, value, i, 0)) this.#oracle.wrote(by, node, key, value);
    }
  }

  // ── Trouble ────────────────────────────────────────────────────────────────────────────────────────────────

  #troubleLater(): void {
    this.#scheduler.in(this.#random.between(100, 3_000), () => {
      if (!this.#isTrouble) return;
      this.#trouble();
      this.#troubleLater();
    });
  }

  #trouble(): void {
    const random = this.#random;
    const side = random.int(0, 1) as 0 | 1;
    const node = this.#nodes[side];
    const durationMs = random.pick([50, 1_000, 5_000]) * random.between(0.5, 1.5);
    const dice = random.next();
    if (dice < 0.25) {
      this.#cut(durationMs);
    } else if (dice < 0.4) {
      this.#count('oneWayCut');
      this.#network.cut[side] = true;
      this.#scheduler.in(durationMs, () => this.#mend());
    } else if (dice < 0.6) {
      if (!node.isRunning || node.isPaused) return;
      this.#count('pause');
      node.pause();
      this.#scheduler.in(durationMs, () => node.resume());
    } else if (dice < 0.75) {
      this.#crash(side, durationMs);
    } else if (dice < 0.85) {
      this.#stop(side, durationMs);
    }
  }

  #cut(durationMs: number): void {
    this.#count('cut');
    this.#network.cut.fill(true);
    this.#scheduler.in(durationMs, () => this.#mend());
    if (durationMs >= LONG_CUT_MS) this.#endureLongCut(durationMs);
  }

  /**
   * The link goes down, and comes back to nodes that differ in what is hard to tell: values that were replaced by some
   * that have expired since, and, where memory is small, by some that were evicted.
   */
  #endureLongCut(durationMs: number): void {
    this.#count('longCut');
    const node = this.#nodes[1];
    this.#scheduler.in(durationMs * 0.5, () => {
      this.#replaceBriefly(node);
      this.#writeRare(node);
      if (this.#isSmall[1]) this.#fillNode(node);
    });
  }

  /** Keys that nobody else writes. */
  #writeRare(node: SimNode): void {
    for (let i = 0; node.takesClients && i < RARE_KEYS; i++) {
      const key = `r${i}`;
      const value = `${this.#operations++}-${'r'.repeat(1_000)}`;
      if (node.set(key, value, 0, 0)) this.#oracle.wrote(this.#incarnations[node.side], node, key, value);
    }
  }

  /** What the other node holds for long is gone in a second. */
  #replaceBriefly(node: SimNode): void {
    for (let i = 1; node.takesClients && i <= this.#keyCount; i++) {
      const key = `e${i}`;
      this.#oracle.expires(key);
      const value = `${this.#operations++}`;
      const exptimeSec = Math.floor(node.nowMs / 1_000) + 1;
      if (node.set(key, value, 0, exptimeSec)) {
        this.#oracle.wrote(this.#incarnations[node.side], node, key, value);
      }
    }
  }

  #mend(): void {
    this.#network.cut.fill(false);
    this.#network.kick();
  }

  /** The process dies, alone or with its host's power, and comes back empty. */
  #crash(side: 0 | 1, downMs: number): void {
    const node = this.#nodes[side];
    if (!node.isRunning) return;
    const isPowerLoss = this.#random.chance(0.4);
    this.#count(isPowerLoss ? 'powerLoss' : 'crash');
    this.#incarnations[side].isLost = true;
    node.isRunning = false;
    this.#network.isHostDown[side] = isPowerLoss;
    this.#network.processEnded(node, !isPowerLoss);
    this.#restartLater(side, node, downMs);
  }

  #stop(side: 0 | 1, downMs: number): void {
    const node = this.#nodes[side];
    const peer = this.#nodes[side === 0 ? 1 : 0];
    if (!node.isRunning || node.isPaused || node.isStopping) return;
    this.#count('stop');
    node.isStopping = true;
    const incarnation = this.#incarnations[side];
    const heir = this.#incarnations[peer.side];
    node.onStopped = () => {
      const { repl_log_seq, repl_acked_seq } = node.machine.stats(node.nowMs);
      incarnation.isLost = true;
      // Handed over is what the peer acknowledged, if it is the same peer still and has room for it.
      const isHandedOver =
        wasSynced &&
        repl_acked_seq === repl_log_seq &&
        !this.#isSmall[peer.side] &&
        !node.store.lostWrites.isPending;
      if (isHandedOver && this.#incarnations[peer.side] === heir) incarnation.handedTo = heir;
      node.isRunning = false;
      this.#network.processEnded(node, true);
      this.#restartLater(side, node, downMs);
    };
    const wasSynced = node.machine.stats(node.nowMs).repl_state === 'synced';
    node.deliver({ kind: 'stop' });
  }

  #restartLater(side: 0 | 1, dead: SimNode, downMs: number): void {
    this.#retire(dead);
    this.#scheduler.in(downMs, () => {
      this.#network.isHostDown[side] = false;
      this.#incarnations[side] = newIncarnation(side);
      const node = this.#makeNode(side);
      if (node.settings.clockOffsetMs !== dead.settings.clockOffsetMs) this.#count('clockStep');
      this.#nodes[side] = node;
      node.start();
      this.#network.kick();
    });
  }

  /** Everything is mended; a node that is down comes back by itself. */
  #heal(): void {
    this.#mend();
    for (const node of this.#nodes) node.resume();
  }

  #retire(node: SimNode): void {
    const name = node.side === 0 ? 'a' : 'b';
    for (const line of node.lines) {
      this.#lines.push(`${name} ${line}`);
      if (line.includes('more changes than the change log holds')) this.#count('logOverflow');
    }
    this.#count('eviction', node.store.counters.read('evictions'));
    const stats = node.machine.stats(node.nowMs);
    this.#count('conflict', stats.repl_conflicts);
    this.#count('loss', node.store.lostWrites.count);
    this.#count('partialSync', stats.repl_partial_syncs_sent);
    this.#count('digestSync', stats.repl_digest_syncs_sent);
    this.#count('fullSync', stats.repl_full_copies_sent);
  }

  #count(fault: FaultName, times = 1): void {
    if (times > 0) this.#faults.set(fault, (this.#faults.get(fault) ?? 0) + times);
  }
}

function newIncarnation(side: 0 | 1): Incarnation {
  return { side, isLost: false, handedTo: null };
}
