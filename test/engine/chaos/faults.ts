// What is done to a pair while clients write to both of its nodes: each fault ends with both nodes up and the cable whole.
import { setTimeout as sleep } from 'node:timers/promises';
import type { CableState } from '../../helpers/forwarder.js';
import type { Random } from '../simulation/random.js';
import type { ChaosNode } from './chaos-node.js';

export interface Pair {
  /** The one that it happens to; which of the two is left to chance. */
  readonly victim: ChaosNode;
  readonly other: ChaosNode;
  readonly random: Random;
}

/** @returns what was seen to be wrong at once */
type Fault = (pair: Pair) => Promise<string[]>;

/** Longer than the silence after which a link is given up. */
const LONG_SILENCE_MS = 3_600;

export const FAULTS = {
  async 'kill -9'({ victim, other, random }) {
    await victim.kill(other);
    await sleep(random.int(0, 300));
    return await victim.startNotBehind();
  },

  async 'kill -9 twice'({ victim, other, random }) {
    await victim.kill(other);
    const launched = victim.node.launch();
    await sleep(random.int(0, 150));
    await launched.end('SIGKILL');
    return await victim.startNotBehind();
  },

  async 'stop in good order'({ victim, other, random }) {
    await victim.stop(other);
    await sleep(random.int(0, 300));
    return await victim.startNotBehind();
  },

  async 'both die in turn'({ victim, other }) {
    await victim.kill(other);
    const problems = await victim.startNotBehind();
    await victim.settle(other);
    await other.kill(victim);
    return [...problems, ...(await other.startNotBehind())];
  },

  async 'freeze for 1 s'({ victim }) {
    victim.freeze();
    await sleep(1_000);
    victim.thaw();
    return [];
  },

  async 'freeze for 5 s'({ victim }) {
    victim.freeze();
    await sleep(5_000);
    victim.thaw();
    return [];
  },

  async cut(pair) {
    setCables(pair, 'cut');
    await sleep(pair.random.int(0, 1_200));
    setCables(pair, 'whole');
    return [];
  },

  async flap(pair) {
    for (let times = 0; times < 5; times += 1) {
      setCables(pair, 'cut');
      await sleep(pair.random.int(0, 50));
      setCables(pair, 'whole');
      await sleep(pair.random.int(0, 200));
    }
    return [];
  },

  async 'half-open'(pair) {
    setCables(pair, 'stalled');
    await sleep(LONG_SILENCE_MS);
    setCables(pair, 'whole');
    return [];
  },

  async 'half-open, then cut'(pair) {
    setCables(pair, 'stalled');
    await sleep(pair.random.int(200, 1_500));
    setCables(pair, 'cut');
    setCables(pair, 'whole');
    return [];
  },

  /** What a node has sent before it dies usually arrives: not if the cable dies with it. */
  async 'kill -9, and what was under way is lost'(pair) {
    setCables(pair, 'stalled');
    await sleep(pair.random.int(200, 600));
    await pair.victim.kill(pair.other);
    setCables(pair, 'cut');
    setCables(pair, 'whole');
    return await pair.victim.startNotBehind();
  },

  async 'kill -9 while cut'(pair) {
    setCables(pair, 'cut');
    await pair.victim.kill(pair.other);
    await pair.victim.start();
    await sleep(pair.random.int(100, 500));
    setCables(pair, 'whole');
    return [];
  },

  async 'stop while cut'(pair) {
    setCables(pair, 'cut');
    await pair.victim.stop(pair.other);
    await pair.victim.start();
    await sleep(pair.random.int(100, 500));
    setCables(pair, 'whole');
    return [];
  },

  async flush_all({ victim }) {
    await victim.flush();
    return [];
  },
} as const satisfies Readonly<Record<string, Fault>>;

export type FaultName = keyof typeof FAULTS;

export const FAULT_NAMES = Object.keys(FAULTS) as FaultName[];

function setCables({ victim, other }: Pair, state: CableState): void {
  victim.cable.state = state;
  other.cable.state = state;
}
