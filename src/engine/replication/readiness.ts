// Serve when ready: when a node that starts opens its client port.

/**
 * A node that opens before it holds its peer's data answers "not found" to sessions that exist. So it waits
 *
 * - until the peer's full copy is in, and the peer has looked at what this node kept from before, if anything,
 * - or until it is clear that there is no peer: none was named (-x), or its host refused the connection,
 * - or for the set time: a peer that cannot be reached must not keep a whole site down. While a copy comes in and
 *   makes progress, the time starts again with every bit of it.
 */
export class Readiness {
  readonly #timeoutMs: number;
  #deadlineMs = Number.POSITIVE_INFINITY;
  #serving = false;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  get serving(): boolean {
    return this.#serving;
  }

  start(nowMs: number): void {
    this.#deadlineMs = nowMs + this.#timeoutMs;
  }

  /** A part of the peer's copy came in. */
  progress(nowMs: number): void {
    this.#deadlineMs = nowMs + this.#timeoutMs;
  }

  overdue(nowMs: number): boolean {
    return !this.#serving && nowMs >= this.#deadlineMs;
  }

  /** @returns true the first time: open the port now. */
  open(): boolean {
    if (this.#serving) return false;
    this.#serving = true;
    return true;
  }
}
