// When both nodes had copied what there was, and what that moved: for the log line at its end and the statistics.

export class CopyReport {
  copiesSent = 0;
  copiesReceived = 0;
  /** Of the last time that both were done. */
  lastItems = 0;
  lastMs = 0;
  #sinceMs: number | null = null;

  /** Something is to be copied; also when that is under way already. */
  begin(nowMs: number): void {
    this.#sinceMs ??= nowMs;
  }

  /** The link is gone. */
  abandon(): void {
    this.#sinceMs = null;
  }

  /** All that was under way is done: the line to say; null if nothing was. */
  end(sentItems: number, receivedItems: number, nowMs: number): string | null {
    if (this.#sinceMs === null) return null;
    this.lastMs = nowMs - this.#sinceMs;
    this.lastItems = sentItems + receivedItems;
    this.abandon();
    return `sync done (sent ${sentItems} items, received ${receivedItems} items, ${Math.round(this.lastMs)} ms)`;
  }
}
