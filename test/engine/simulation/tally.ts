// What can go wrong in a run, and how often it did.

/** Each is seen in the runs of `npm test`. */
export const FAULTS = [
  /** The network. */
  'cut',
  'longCut',
  'oneWayCut',
  'flap',
  'delay',
  'slowReader',
  'split',
  'cutInFrame',
  'duplicateLink',
  'halfOpen',
  /** Processes and their hosts. */
  'crash',
  'powerLoss',
  'stop',
  'warmStart',
  'pause',
  'clockStep',
  'clockDrift',
  /** Others at the replication port. */
  'otherRelease',
  'stranger',
  'strangers',
  /** What clients do, and bounds that they meet. */
  'logOverflow',
  'eviction',
  'tombstoneOverflow',
  'loss',
  'expiry',
  'conflict',
  'strayAdd',
  'flush',
  'delayedFlush',
  'flushRace',
  'loneFlush',
  /** Replies that wait for the peer, that do without it, that are never given; writes that are refused. */
  'heldReply',
  'degradedReply',
  'cutReply',
  'refusedWrite',
  /** Each way to catch up. */
  'partialSync',
  'digestSync',
  'fullSync',
] as const;

export type FaultName = (typeof FAULTS)[number];

export class Tally {
  readonly counts = new Map<FaultName, number>();

  count(fault: FaultName, times = 1): void {
    if (times > 0) this.counts.set(fault, (this.counts.get(fault) ?? 0) + times);
  }
}
