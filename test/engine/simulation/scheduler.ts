// Virtual time: what happens when, in an order that depends on nothing but the seed.

interface Entry {
  readonly atMs: number;
  readonly order: number;
  readonly action: () => void;
}

export class Scheduler {
  nowMs = 0;
  #order = 0;
  /** A binary heap, the earliest on top; of two at the same time the one scheduled first. */
  readonly #heap: Entry[] = [];

  in(delayMs: number, action: () => void): void {
    const heap = this.#heap;
    const entry = { atMs: this.nowMs + delayMs, order: this.#order++, action };
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = entry;
  }

  /** Lets everything up to then happen. */
  runUntil(endMs: number): void {
    while (this.#heap.length > 0 && this.#heap[0].atMs <= endMs) {
      const entry = this.#pop();
      this.nowMs = entry.atMs;
      entry.action();
    }
    this.nowMs = endMs;
  }

  #pop(): Entry {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop()!;
    if (heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child += 1;
      if (!isBefore(heap[child], last)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return top;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs;
}
