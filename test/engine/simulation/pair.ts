// The two nodes of a run: they come up, stop, crash and come back, with what their hosts have kept.

import type { LinkId, ReplicationEvent } from '../../../src/engine/replication/types.js';
import { type Incarnation, newIncarnation, type Write } from './history.js';
import { type Image, keepImage } from './image.js';
import { type Network, otherSide, type Side } from './network.js';
import { type NodeObserver, type NodeParts, SimNode } from './node.js';
import type { Plan } from './plan.js';
import type { Random } from './random.js';
import type { Scheduler } from './scheduler.js';
import type { Tally } from './tally.js';
import type { Watch } from './watch.js';

/** A drift above this adds up to more than the time of a message within a run. */
const NOTABLE_DRIFT = 1e-3;

export class Pair implements NodeObserver {
  readonly nodes: [SimNode, SimNode];
  readonly incarnations: [Incarnation, Incarnation] = [newIncarnation(0, 0), newIncarnation(1, 0)];
  readonly watch: Watch;
  /** When the last node came up. */
  startedMs = 0;
  /** Whether a host's clock was set while items lay in its memory file: they expire by the old one. */
  expiryIsVague = false;
  /** What the nodes said, with their virtual ms. */
  readonly lines: string[] = [];
  readonly #plan: Plan;
  readonly #parts: NodeParts;
  readonly #random: Random;
  readonly #scheduler: Scheduler;
  readonly #network: Network;
  readonly #tally: Tally;
  /** What the stopped processes of each host have kept, and whether the next one is given it. */
  readonly #images: [Image[], Image[]] = [[], []];
  readonly #keepsImage: [boolean, boolean] = [false, false];
  readonly #downMs: [number, number] = [0, 0];
  readonly #wasSynced: [boolean, boolean] = [false, false];
  readonly #clocks: { offsetMs: number; rate: number }[];

  constructor(
    plan: Plan,
    parts: NodeParts,
    random: Random,
    scheduler: Scheduler,
    network: Network,
    watch: Watch,
    tally: Tally,
  ) {
    this.#plan = plan;
    this.#parts = parts;
    this.#random = random;
    this.#scheduler = scheduler;
    this.#network = network;
    this.watch = watch;
    this.#tally = tally;
    this.#clocks = [this.#newClock(), this.#newClock()];
    this.nodes = [this.#makeNode(0, false), this.#makeNode(1, false)];
  }

  start(): void {
    for (const side of [0, 1] as const) {
      this.#scheduler.in(this.#random.between(0, 300), () => this.nodes[side].start([]));
    }
  }

  /** Whether both have told each other everything, and nothing is to be freed or looked for any more. */
  get isQuiet(): boolean {
    return this.nodes.every(({ machine, store, log, isServing }) => {
      const isDone = machine.ackedSeq === log.headSeq && store.tombstoneCount === 0;
      return isServing && machine.isInSync && isDone && !store.lostWrites.isPending;
    });
  }

  get isInSync(): boolean {
    return this.nodes.every(
      ({ machine, isServing, isRunning }) => isRunning && isServing && machine.isInSync,
    );
  }

  /** What the client of a write (of no key: a flush) is told, now or later. */
  awaitReply(node: SimNode, key: string, write: Write): void {
    const { reply } = node;
    if (reply === null) return;
    const side = otherSide(node.side);
    const [peer, peerIncarnation] = [this.nodes[side], this.incarnations[side]];
    write.isAnswered = false;
    if (reply.isHeld) this.#tally.count('heldReply');
    reply.whenDecided((isGiven, isBacked) => {
      this.#tally.count(
        isGiven ? 'degradedReply' : 'cutReply',
        isBacked || node.settings.ackMode === 'none' ? 0 : 1,
      );
      write.isAnswered = isGiven;
      if (!isGiven) return;
      if (!isBacked) this.watch.onUnbacked(node, key, write);
      else if (this.watch.onBacked(node, peer, key, write)) write.backedBy = peerIncarnation;
    });
  }

  // ── Ends of nodes ──────────────────────────────────────────────────────────────────────────────────────────

  /** The process dies, alone or with its host's power. */
  crash(side: Side, downMs: number, isPowerLoss: boolean): void {
    const node = this.nodes[side];
    if (!node.isRunning) return;
    this.#tally.count(isPowerLoss ? 'powerLoss' : 'crash');
    // It may have been about to stop.
    this.#keepsImage[side] = false;
    this.#end(node, !isPowerLoss);
    this.#network.isHostDown[side] = isPowerLoss;
    this.#restartLater(side, downMs, this.#random.chance(0.1));
  }

  /** @param keepsImage whether what it holds is kept for the next process (-e) */
  stop(side: Side, downMs: number, keepsImage: boolean): void {
    const node = this.nodes[side];
    if (!node.isRunning || node.isPaused || node.isStopping) return;
    this.#tally.count('stop');
    node.isStopping = true;
    this.#keepsImage[side] = keepsImage;
    this.#downMs[side] = downMs;
    this.#wasSynced[side] = node.machine.isInSync;
    node.deliver({ kind: 'stop' });
  }

  onStopped(node: SimNode): void {
    const { side, log, store, machine } = node;
    const incarnation = this.incarnations[side];
    const heir = this.incarnations[otherSide(side)];
    // Handed over is what the peer acknowledged, if both have room for all that they are given.
    const isHandedOver =
      this.#wasSynced[side] && machine.ackedSeq === log.headSeq && !store.lostWrites.isPending;
    if (isHandedOver && !this.#plan.mayEvict && !heir.isLost) incarnation.heirs.push(heir);
    if (this.#keepsImage[side]) this.#images[side].push(keepImage(node));
    this.#end(node, true);
    this.#restartLater(side, this.#downMs[side], false);
  }

  #end(node: SimNode, saysSo: boolean): void {
    const { side } = node;
    const incarnation = this.incarnations[side];
    incarnation.isLost = true;
    node.isRunning = false;
    this.#network.processEnded(node, saysSo);
    this.retire(node);
  }

  #restartLater(side: Side, downMs: number, isOtherRelease: boolean): void {
    this.#scheduler.in(downMs, () => {
      const before = this.incarnations[side];
      this.#network.isHostDown[side] = false;
      this.incarnations[side] = newIncarnation(side, this.#scheduler.nowMs);
      const isWarm = this.#keepsImage[side];
      this.#setClock(side, isWarm);
      const node = this.#makeNode(side, isOtherRelease);
      this.nodes[side] = node;
      this.startedMs = this.#scheduler.nowMs;
      node.start(isWarm ? this.#images[side] : []);
      if (isWarm) {
        this.#keepsImage[side] = false;
        this.#tally.count('warmStart');
        if (!this.#plan.isSmall[side]) before.heirs.push(this.incarnations[side]);
      }
      this.#network.kick();
      // Nobody runs two releases for long.
      if (isOtherRelease) this.#scheduler.in(this.#random.between(500, 3_000), () => this.#upgrade(node));
    });
  }

  #upgrade(node: SimNode): void {
    if (!node.isRunning) return;
    this.#end(node, true);
    this.#restartLater(node.side, 100, false);
  }

  /** With every process, a host may be another one, or have had its clock set. */
  #setClock(side: Side, isWarm: boolean): void {
    const before = this.#clocks[side].offsetMs;
    if (this.#random.chance(0.6)) this.#clocks[side] = this.#newClock();
    if (this.#clocks[side].offsetMs === before) return;
    this.#tally.count('clockStep');
    if (isWarm) this.expiryIsVague = true;
  }

  #newClock(): { offsetMs: number; rate: number } {
    const clock = {
      offsetMs: this.#plan.clockOffsetMs(this.#random),
      rate: this.#plan.clockRate(this.#random),
    };
    if (Math.abs(clock.rate - 1) > NOTABLE_DRIFT) this.#tally.count('clockDrift');
    return clock;
  }

  #makeNode(side: Side, isOtherRelease: boolean): SimNode {
    const { offsetMs, rate } = this.#clocks[side];
    const settings = this.#plan.settings(side, offsetMs, rate, isOtherRelease);
    const peer = () => this.nodes[otherSide(side)];
    return new SimNode(side, settings, this.#parts, this.#random, this.#scheduler, this.#network, peer, this);
  }

  /** Notes what became of a node, whose part in the run is over. */
  retire(node: SimNode): void {
    const name = node.side === 0 ? 'a' : 'b';
    for (const line of node.lines) {
      this.lines.push(`${name} ${line}`);
      if (line.includes('more changes than the change log holds')) this.#tally.count('logOverflow');
      if (line.includes('another version of the replication protocol')) this.#tally.count('otherRelease');
    }
    const stats = node.machine.stats(node.nowMs);
    this.#tally.count('eviction', node.store.counters.read('evictions'));
    this.#tally.count('conflict', stats.repl_conflicts);
    this.#tally.count('partialSync', stats.repl_partial_syncs_sent);
    this.#tally.count('digestSync', stats.repl_digest_syncs_sent);
    this.#tally.count('fullSync', stats.repl_full_copies_sent);
    this.#tally.count('loss', node.store.lostWrites.count);
    this.#tally.count('refusedWrite', node.refusals);
    this.#tally.count('tombstoneOverflow', node.store.lostWrites.deleteCount);
  }

  // ── What nodes do ──────────────────────────────────────────────────────────────────────────────────────────

  onStep(node: SimNode): void {
    this.watch.onStep(node);
  }

  /** With the next words of the peer it may be another process already. */
  onKept(node: SimNode): void {
    const side = otherSide(node.side);
    const peer = this.incarnations[side];
    if (peer.bornMs < node.linkedMs) this.watch.onKept(node, this.incarnations[node.side], this.nodes[side]);
  }

  onReady(node: SimNode, cause: ReplicationEvent['kind']): void {
    this.watch.onReady(node, this.nodes[otherSide(node.side)], cause === 'received');
  }

  onSyncBegin(node: SimNode, link: LinkId): void {
    this.watch.onSyncBegin(node, link);
  }

  onSend(node: SimNode, sizeBytes: number): void {
    this.watch.onSend(node, sizeBytes);
  }

  onTick(node: SimNode, isReaching: boolean): void {
    this.watch.onTick(node, isReaching);
  }
}
