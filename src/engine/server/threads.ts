// -t: worker threads that serve clients, each with its own listener on the same ports, all over one store.
//
// The main thread then serves none: it replicates, sweeps and takes signals. A thread that ends, for whatever reason,
// is the end of the process: what it was doing is lost, and a node with fewer threads than its operator
// asked for would look healthy and not be. The service manager starts it again.
import { Worker } from 'node:worker_threads';
import type { SharedHandles } from '../store/shared-memory.js';
import type { ClientFront } from './client-front.js';
import { FatalError } from './exit.js';
import type { NodeSeed } from './node-state.js';

/** What a thread is given at its start. */
export interface ThreadSetup {
  readonly seed: NodeSeed;
  readonly handles: SharedHandles;
  /** From 0. */
  readonly thread: number;
}

/** What the main thread tells a worker to do. */
export type ThreadOrder = 'listen' | 'reloadCertificates' | 'stopAccepting' | 'acceptAgain' | 'stop';

/** What a worker says: that it has done so (or what kept it from doing so), or why it ends. */
export type ThreadReport =
  | { readonly kind: 'done'; readonly order: ThreadOrder; readonly problem: string | undefined }
  /** exitStatus: of a FatalError; absent when it is a bug of ours. */
  | { readonly kind: 'failed'; readonly message: string; readonly exitStatus?: number };

/** Carries what a thread said of its end, with the place where it happened; where we heard of it is no matter. */
class ThreadError extends Error {
  constructor(message: string) {
    super(message);
    this.stack = message;
  }
}

interface Pending {
  readonly order: ThreadOrder;
  readonly resolve: (problem: string | undefined) => void;
}

export class WorkerThreads implements ClientFront {
  readonly #workers: Worker[] = [];
  /** Of one kind of order the first that was given is the first that is reported. */
  readonly #pending = new Map<Worker, Pending[]>();
  readonly #fail: (error: unknown) => void;

  /**
   * Starts the threads. Call after the process has become the user that it runs as.
   * @param fail called when a thread ends, or fails; it must end the process
   */
  constructor(seed: NodeSeed, handles: SharedHandles, fail: (error: unknown) => void) {
    this.#fail = fail;
    for (let thread = 0; thread < seed.options.threads; thread++) {
      this.#workers.push(this.#start({ seed, handles, thread }));
    }
  }

  async listen(): Promise<void> {
    await this.#tell('listen');
  }

  reloadCertificates(): Promise<readonly (string | undefined)[]> {
    return this.#tell('reloadCertificates');
  }

  async stopAccepting(): Promise<void> {
    await this.#tell('stopAccepting');
  }

  acceptAgain(): Promise<readonly (string | undefined)[]> {
    return this.#tell('acceptAgain');
  }

  async stop(): Promise<void> {
    await this.#tell('stop');
  }

  /** Resolves when every thread has done so, with what was wrong on each. */
  #tell(order: ThreadOrder): Promise<readonly (string | undefined)[]> {
    return Promise.all(
      this.#workers.map((worker) => {
        const { promise, resolve } = Promise.withResolvers<string | undefined>();
        const pending = this.#pending.get(worker) ?? [];
        this.#pending.set(worker, [...pending, { order, resolve }]);
        worker.postMessage(order);
        return promise;
      }),
    );
  }

  #start(setup: ThreadSetup): Worker {
    // The executable's own entry, which is always inside it: a path that is not would be looked for in the current
    // folder, and run from there.
    const worker = new Worker(Bun.main, { workerData: setup });
    const name = `thread ${setup.thread + 1}`;
    worker.on('message', (report: ThreadReport) => this.#take(worker, name, report));
    worker.on('error', (error) =>
      this.#fail(new ThreadError(`${name} failed: ${error.stack ?? error.message}`)),
    );
    worker.on('exit', (code) => this.#fail(new ThreadError(`${name} ended by itself (code ${code})`)));
    return worker;
  }

  #take(worker: Worker, name: string, report: ThreadReport): void {
    if (report.kind === 'failed') {
      const { message, exitStatus } = report;
      this.#fail(
        exitStatus === undefined
          ? new ThreadError(`${name}: ${message}`)
          : new FatalError(message, exitStatus),
      );
      return;
    }
    const pending = this.#pending.get(worker) ?? [];
    const first = pending.find(({ order }) => order === report.order);
    this.#pending.set(
      worker,
      pending.filter((other) => other !== first),
    );
    first?.resolve(report.problem);
  }
}
