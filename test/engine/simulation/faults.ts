// What goes wrong between the nodes, on their hosts and around them, and when; and how all of it ends.

import type { Clients } from './clients.js';
import { type Network, otherSide, type Side } from './network.js';
import type { Pair } from './pair.js';
import type { Plan } from './plan.js';
import type { Random } from './random.js';
import type { Scheduler } from './scheduler.js';
import { MANNERS, Stranger } from './strangers.js';
import type { FaultName, Tally } from './tally.js';

/** Longer than a link may be silent. */
const LONG_CUT_MS = 4_000;
const FLAPS = 6;
/** More than are listened to at a time. */
const CROWD = 12;
const CROWD_STAYS_MS = 1_500;
const SLOW_DELAY_MS = 700;

/** How often each is chosen, of all of these together. */
const WEIGHTS: Readonly<Partial<Record<FaultName, number>>> = {
  cut: 20,
  oneWayCut: 12,
  flap: 6,
  delay: 6,
  slowReader: 6,
  cutInFrame: 8,
  pause: 16,
  crash: 10,
  powerLoss: 6,
  stop: 5,
  warmStart: 8,
  stranger: 5,
  strangers: 3,
};

const DECK = Object.entries(WEIGHTS).flatMap(([fault, weight]) =>
  Array<FaultName>(weight).fill(fault as FaultName),
);

export class Faults {
  #isOver = false;
  readonly #plan: Plan;
  readonly #random: Random;
  readonly #scheduler: Scheduler;
  readonly #network: Network;
  readonly #pair: Pair;
  readonly #clients: Clients;
  readonly #tally: Tally;
  readonly #strangers = new Set<Stranger>();

  constructor(
    plan: Plan,
    random: Random,
    scheduler: Scheduler,
    network: Network,
    pair: Pair,
    clients: Clients,
    tally: Tally,
  ) {
    this.#plan = plan;
    this.#random = random;
    this.#scheduler = scheduler;
    this.#network = network;
    this.#pair = pair;
    this.#clients = clients;
    this.#tally = tally;
  }

  start(): void {
    // Where memory is small there is something to lose meanwhile.
    if (this.#plan.mayEvict) this.#scheduler.in(5_000, () => this.#cut(LONG_CUT_MS));
    this.#troubleLater();
  }

  #troubleLater(): void {
    this.#scheduler.in(this.#random.between(100, 2_500), () => {
      if (this.#isOver) return;
      this.#trouble();
      this.#troubleLater();
    });
  }

  /** Everything is mended; a node that is down comes back by itself. */
  end(): void {
    this.#isOver = true;
    this.#mend();
    this.#network.readsSlowly.fill(false);
    this.#network.breaksInFrame.fill(false);
    this.#network.maxDelayMs = this.#plan.maxDelayMs;
    for (const node of this.#pair.nodes) {
      node.resume();
      this.#pair.watch.onResume(node);
    }
    for (const stranger of this.#strangers) stranger.leave();
    this.#strangers.clear();
  }

  #trouble(): void {
    const random = this.#random;
    const side = random.int(0, 1) as Side;
    const durationMs = random.pick([50, 1_000, 5_000]) * random.between(0.5, 1.5);
    const fault = random.pick(DECK);
    switch (fault) {
      case 'crash':
      case 'powerLoss':
        this.#pair.crash(side, durationMs, fault === 'powerLoss');
        return;
      case 'stop':
      case 'warmStart':
        this.#pair.stop(side, durationMs, fault === 'warmStart');
        return;
      case 'pause':
        this.#pause(side, durationMs);
        return;
      case 'cut':
        this.#cut(durationMs);
        return;
      case 'cutInFrame':
        this.#network.breaksInFrame[side] = true;
        return;
    }
    // The network counts how often it was really read slowly.
    if (fault !== 'slowReader') this.#tally.count(fault);
    switch (fault) {
      case 'oneWayCut':
        this.#network.cut[side] = true;
        this.#scheduler.in(durationMs, () => this.#mend());
        return;
      case 'flap':
        this.#flapLater(FLAPS);
        return;
      case 'delay':
        this.#network.maxDelayMs = SLOW_DELAY_MS;
        this.#scheduler.in(durationMs, () => {
          this.#network.maxDelayMs = this.#plan.maxDelayMs;
        });
        return;
      case 'slowReader':
        this.#network.readsSlowly[side] = true;
        this.#scheduler.in(durationMs, () => {
          this.#network.readsSlowly[side] = false;
        });
        return;
      case 'stranger':
        this.#visit(side, durationMs);
        return;
      case 'strangers':
        for (let i = 0; i < CROWD; i++) this.#visit(side, CROWD_STAYS_MS);
    }
  }

  /** If it is long, the nodes differ in what is hard to tell when they meet again. */
  #cut(durationMs: number): void {
    this.#tally.count('cut');
    this.#network.cut.fill(true);
    this.#scheduler.in(durationMs, () => this.#mend());
    if (durationMs < LONG_CUT_MS) return;
    this.#tally.count('longCut');
    this.#scheduler.in(durationMs / 2, () => this.#clients.divert(this.#pair.nodes[1]));
  }

  #mend(): void {
    this.#network.cut.fill(false);
    this.#network.kick();
  }

  #flapLater(left: number): void {
    if (left === 0 || this.#isOver) return;
    this.#network.reset();
    this.#scheduler.in(this.#random.between(20, 400), () => this.#flapLater(left - 1));
  }

  #pause(side: Side, durationMs: number): void {
    const node = this.#pair.nodes[side];
    if (!node.isRunning || node.isPaused) return;
    this.#tally.count('pause');
    node.pause();
    this.#scheduler.in(durationMs, () => {
      node.resume();
      this.#pair.watch.onResume(node);
    });
  }

  /** Somebody connects to the node of a side, and stays for a while. */
  #visit(side: Side, stayMs: number): void {
    const manner = this.#random.pick(MANNERS);
    const stranger = new Stranger(otherSide(side), manner, this.#random, this.#network);
    this.#strangers.add(stranger);
    this.#network.dial(stranger, () => this.#pair.nodes[side]);
    this.#scheduler.in(stayMs, () => {
      if (this.#strangers.delete(stranger)) stranger.leave();
    });
  }
}
