// What is not worth saying again so soon: refusals, however often they happen.

const REPEAT_MS = 60_000;

export class SaidLately {
  readonly #saidMs = new Map<string, number>();

  /** Whether it was not said within the last minute; then it counts as said now. */
  isNews(what: string, nowMs: number): boolean {
    const saidMs = this.#saidMs.get(what);
    if (saidMs !== undefined && nowMs - saidMs < REPEAT_MS) return false;
    this.#saidMs.set(what, nowMs);
    return true;
  }

  forget(): void {
    this.#saidMs.clear();
  }
}
