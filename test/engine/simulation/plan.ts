// What a seed decides before anything happens: how the pair is set up, and how much its clients do.

import type { AckMode } from '../../../src/engine/server/ack-modes.js';
import type { FlushPolicy } from '../../../src/engine/server/options.js';
import type { Side } from './network.js';
import type { NodeSettings } from './node.js';
import type { Random } from './random.js';

/** Keys that stay on their node; on the other one as well, if it is configured alike. */
export const LOCAL_KEY_PREFIX = 'l';

const MEMORY_BYTES = 16 * 1024 * 1024;
const SMALL_MEMORY_BYTES = 5 * 1024 * 1024;
/** Room for some eighty deletes only. */
const FEW_TOMBSTONES_BYTES = 8 * 1024;
const TOMBSTONE_SHARE = 1 / 16;

/** A node's stay the same from one process to the next, as with a memory file; the two nodes' differ. */
const HASH_SEEDS = [0x1f2e_3d4c, 0x5b6a_7988] as const;

/** Each as often as it is here. */
const FLUSH_POLICIES: readonly FlushPolicy[] = [
  'replicate',
  'replicate',
  'replicate',
  'local',
  'local',
  'refuse',
];
const ACK_MODES: readonly AckMode[] = ['none', 'none', 'peer', 'peer', 'strict'];

export class Plan {
  readonly maxDelayMs: number;
  /** Which nodes have no room for all that they are given. */
  readonly isSmall: readonly [boolean, boolean];
  readonly logCapacity: number;
  readonly hasSecret: boolean;
  /** Whether deletes may be forgotten before the peer has heard of them. */
  readonly forgetsDeletes: boolean;
  readonly keyCount: number;
  readonly operationMs: number;
  readonly clockSpreadMs: number;
  readonly drift: number;
  readonly flushes: boolean;
  readonly flushPolicy: FlushPolicy;
  readonly ackModes: readonly [AckMode, AckMode];
  /** Whether much is stored early on. */
  readonly fills: boolean;
  readonly localKeys: readonly [readonly string[], readonly string[]];

  constructor(random: Random) {
    this.maxDelayMs = random.pick([1, 5, 50]);
    const isSmallPair = random.chance(0.2);
    this.isSmall = [isSmallPair && random.chance(0.3), isSmallPair];
    this.logCapacity = random.pick([8, 64, 1024, 16_384]);
    this.hasSecret = random.chance(0.7);
    this.forgetsDeletes = random.chance(0.15);
    this.keyCount = random.pick([3, 20, 200]);
    this.operationMs = random.pick([15, 30, 80]);
    this.clockSpreadMs = random.pick([0, 1_000, 30_000]);
    this.drift = random.pick([1e-4, 2e-3]);
    this.flushes = random.chance(0.3);
    this.flushPolicy = random.pick(FLUSH_POLICIES);
    this.ackModes = [random.pick(ACK_MODES), random.pick(ACK_MODES)];
    this.fills = isSmallPair || random.chance(0.3);
    const localKeys = [`${LOCAL_KEY_PREFIX}*`];
    this.localKeys = [localKeys, random.chance(0.5) ? localKeys : []];
  }

  get mayEvict(): boolean {
    return this.isSmall[0] || this.isSmall[1];
  }

  /** Whether each node forgets by itself, for whatever reason, what its peer keeps. */
  get mayForget(): boolean {
    return this.mayEvict || this.flushesAlone;
  }

  /** Whether a flush_all is of the node that it is sent to. */
  get flushesAlone(): boolean {
    return this.flushes && this.flushPolicy === 'local';
  }

  /** Of a host that is new, or whose clock was set: a clock of its own. */
  clockOffsetMs(random: Random): number {
    return random.between(-this.clockSpreadMs, this.clockSpreadMs);
  }

  clockRate(random: Random): number {
    return 1 + random.between(-this.drift, this.drift);
  }

  settings(side: Side, clockOffsetMs: number, clockRate: number, isOtherRelease: boolean): NodeSettings {
    const memoryBytes = this.isSmall[side] ? SMALL_MEMORY_BYTES : MEMORY_BYTES;
    return {
      memoryBytes,
      tombstoneShare: this.forgetsDeletes ? FEW_TOMBSTONES_BYTES / memoryBytes : TOMBSTONE_SHARE,
      logCapacity: this.logCapacity,
      hashSeed: HASH_SEEDS[side],
      hasSecret: this.hasSecret,
      localKeys: this.localKeys[side],
      flushPolicy: this.flushPolicy,
      ackMode: this.ackModes[side],
      clockOffsetMs,
      clockRate,
      isOtherRelease,
    };
  }
}
