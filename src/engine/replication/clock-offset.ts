// How far the peer's clock is from ours, measured by pings.

/** Below this, clocks count as equal: expiry has seconds for its unit. */
const NEGLIGIBLE_MS = 1_500;

/**
 * A round trip bounds the offset: it is within half the round-trip time of what the pong suggests. The estimate, which
 * outlives links, is moved only when a sample rules it out, and then no further than to what is just possible: a round
 * trip that took seconds, since one of the two was paused, cannot spoil a good estimate. Before the first, the clocks are
 * taken to agree, unless it rules that out.
 */
export class ClockOffset {
  /** The peer's clock minus ours, in ms. */
  estimateMs = 0;
  #isMeasured = false;

  /** @param sentMs our time at the ping, `peerMs` the peer's at the pong, `receivedMs` ours when it came in */
  sample(sentMs: number, peerMs: number, receivedMs: number): void {
    const halfTripMs = (receivedMs - sentMs) / 2;
    if (halfTripMs < 0) return;
    const middle = peerMs - (sentMs + halfTripMs);
    const nearest = Math.min(Math.max(this.estimateMs, middle - halfTripMs), middle + halfTripMs);
    this.estimateMs = this.#isMeasured || nearest === this.estimateMs ? nearest : middle;
    this.#isMeasured = true;
  }

  /** What to add to an expiry time in the peer's seconds to have it in ours. 0 while the clocks agree. */
  get correctionSec(): number {
    return Math.abs(this.estimateMs) > NEGLIGIBLE_MS ? -Math.round(this.estimateMs / 1_000) : 0;
  }
}
