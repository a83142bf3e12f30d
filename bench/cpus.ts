// Which processors the servers get and which the load: apart where there are enough.
import { availableParallelism } from 'node:os';

export interface Placement {
  readonly server: string;
  readonly load: string;
  readonly loadThreads: number;
  /** Whether server and load have processors of their own. */
  readonly isApart: boolean;
}

/** The server gets one processor a thread, the load the others; one that is left over too few is shared by all. */
export function placementFor(serverThreads: number, cpus = availableParallelism()): Placement {
  if (serverThreads < cpus) {
    return {
      server: range(0, serverThreads),
      load: range(serverThreads, cpus),
      // Without pipelining the load costs nearly what the server does; twice its threads are always enough.
      loadThreads: Math.min(cpus - serverThreads, 2 * serverThreads),
      isApart: true,
    };
  }
  return { server: range(0, cpus), load: range(0, cpus), loadThreads: 1, isApart: false };
}

function range(first: number, end: number): string {
  return `${first}-${end - 1}`;
}
