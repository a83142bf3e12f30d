// Versions: 64-bit hybrid logical clock values as two u32, and the clock that makes them.
//
// A version is ms(48) << 16 | counter(15) << 1 | nodeBit. It orders writes on both nodes and is the item's CAS unique.

/** Makes and observes versions. Replication implements it; the store only asks. */
export interface VersionClock {
  /** Upper and lower half of the version that the last tick() made. */
  hi: number;
  lo: number;
  /** The greatest version made or observed, its node bit cleared. */
  readonly latestHi: number;
  readonly latestLo: number;
  /** Puts a version into hi/lo that is greater than every version made or observed before. */
  tick(nowMs: number): void;
  /**
   * Learns of a version that came from the peer, so that later ticks pass it.
   * Returns false when it is further ahead of nowMs than the clock tolerates; the entry is then refused.
   */
  observe(hi: number, lo: number, nowMs: number): boolean;
}

/** Negative, zero or positive as version a is older than, the same as or newer than version b. */
export function compareVersions(aHi: number, aLo: number, bHi: number, bLo: number): number {
  return aHi === bHi ? aLo - bLo : aHi - bHi;
}

/** Upper half of the lowest version of a millisecond. */
export function versionHiOfMs(ms: number): number {
  return Math.floor(ms / 0x1_0000) >>> 0;
}

/** Lower half of the lowest version of a millisecond. */
export function versionLoOfMs(ms: number): number {
  return ((ms % 0x1_0000) * 0x1_0000) >>> 0;
}

/** The millisecond a version belongs to. */
export function msOfVersion(hi: number, lo: number): number {
  return hi * 0x1_0000 + (lo >>> 16);
}
