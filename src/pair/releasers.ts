// What was set up and must be undone, whatever happens: released in reverse order, each exactly once.

export class Releasers {
  readonly #stack: { title: string; release: () => Promise<void> | void }[] = [];

  /** `title` completes "could not ...", for the message when it fails. */
  add(title: string, release: () => Promise<void> | void): void {
    this.#stack.push({ title, release });
  }

  /**
   * Releases everything, the newest first; one that fails does not keep the others from being released.
   * @throws AggregateError of all failures, each with its title, once all have been tried.
   */
  async releaseAll(): Promise<void> {
    const failures: Error[] = [];
    for (let entry = this.#stack.pop(); entry !== undefined; entry = this.#stack.pop()) {
      try {
        await entry.release();
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        failures.push(new Error(`could not ${entry.title}: ${reason}`, { cause: error }));
      }
    }
    if (failures.length > 0) {
      throw new AggregateError(failures, failures.map((failure) => failure.message).join('; '));
    }
  }
}
