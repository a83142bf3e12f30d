// Expiry times: what clients send, and the absolute seconds kept inside.

/** Above this an exptime is a Unix time, at or below it a number of seconds from now (memcached's REALTIME_MAXDELTA). */
export const RELATIVE_LIMIT_SEC = 60 * 60 * 24 * 30;

/** An exptimeSec that has always passed; what a negative exptime becomes. */
export const EXPTIME_PAST = 1;

/** Turns a client's exptime into absolute Unix seconds (u32); 0 stays 0: never expires. */
export function absoluteExptime(exptime: number, nowSec: number): number {
  if (exptime === 0) return 0;
  if (exptime < 0) return EXPTIME_PAST;
  const absoluteSec = exptime > RELATIVE_LIMIT_SEC ? exptime : nowSec + exptime;
  return Math.min(absoluteSec, 0xffff_ffff);
}
