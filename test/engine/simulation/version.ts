// Versions as the simulator compares them: one number, exact for all times that a run can have.

import { versionHiOfMs } from '../../../src/engine/store/version.js';

/** Unix time at which every simulated run begins. */
export const EPOCH_MS = 1_800_000_000_000;
/** Hours of ms << 16 take more than 53 bits only if they are counted from 1970. */
const BASE_HI = versionHiOfMs(EPOCH_MS - 86_400_000);

/** Greater is newer. */
export type Version = number;

/** Less than every version. */
export const NO_VERSION: Version = Number.NEGATIVE_INFINITY;

export function versionOf(hi: number, lo: number): Version {
  return hi === 0 && lo === 0 ? NO_VERSION : (hi - BASE_HI) * 0x1_0000_0000 + lo;
}

/** For people: ms since the run began, the counter and the node bit. */
export function versionText(version: Version): string {
  const lo = version % 0x1_0000;
  const ms = (version - lo) / 0x1_0000 + BASE_HI * 0x1_0000 - EPOCH_MS;
  return `${ms}ms.${lo >>> 1}/${lo & 1}`;
}
