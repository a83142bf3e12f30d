// Looks whether a node can still open files, and has its listeners closed while it can't: first those for clients,
// whose own files are free then; and the replication port's, where even these are of no use.
import { AcceptBackoff } from './accept-backoff.js';
import type { ClientFront } from './client-front.js';
import { checkPorts } from './client-listeners.js';
import { EXIT, FatalError } from './exit.js';
import { openFilesLimit } from './limits.js';
import type { Net } from './net.js';
import type { Options } from './options.js';
import type { ProcessCounters } from './process-counters.js';
import type { ReplicationDriver } from './replication-driver.js';
import { type FileShortage, fileShortage } from './spare-files.js';
import { checkUnixSocketPath } from './unix-socket-place.js';

/** For so long at most a lack of files keeps a thread spinning. */
const LOOK_INTERVAL_MS = 100;
/** So long closing the listeners for clients has time to help, before the replication port is closed as well. */
const LINK_PATIENCE_LOOKS = 5;

export interface FileWatchOptions {
  readonly options: Pick<Options, 'listen' | 'unixSocket' | 'threads' | 'maxConnections'>;
  readonly net: Net;
  readonly front: ClientFront;
  readonly driver: Pick<ReplicationDriver, 'listen' | 'stopListening'> | undefined;
  readonly counters: ProcessCounters;
  readonly nowMs: () => number;
  readonly log: (line: string) => void;
  /** Clients are accepted again. */
  readonly onAccepting: () => void;
  /** Called with an error that is a bug of ours. */
  readonly fail: (error: unknown) => void;
}

export class FileWatch {
  readonly #clients: AcceptBackoff;
  readonly #link: AcceptBackoff | undefined;
  readonly #fail: (error: unknown) => void;
  #isServing = false;
  #ticker: NodeJS.Timeout | undefined;

  constructor(options: FileWatchOptions) {
    this.#clients = clientBackoff(options);
    this.#link = options.driver && linkBackoff(options, options.driver);
    this.#fail = options.fail;
  }

  /** Whether no client is accepted just now. */
  get keepsClientsOut(): boolean {
    return this.#clients.isClosed;
  }

  start(): void {
    this.#ticker = setInterval(() => this.#look(), LOOK_INTERVAL_MS);
  }

  /** The listeners for clients are there from now on. */
  noteServing(): void {
    this.#isServing = true;
  }

  /** Nothing is opened from here on. */
  stop(): void {
    clearInterval(this.#ticker);
  }

  #look(): void {
    if (this.#isServing) this.#clients.look().catch(this.#fail);
    this.#link?.look().catch(this.#fail);
  }
}

function clientBackoff(given: FileWatchOptions): AcceptBackoff {
  const { options, net, front, counters, nowMs, log, onAccepting } = given;
  const { unixSocket, listen, threads } = options;
  return new AcceptBackoff({
    close: () => front.stopAccepting(),
    reopen: async () => {
      if (unixSocket !== undefined) await checkUnixSocketPath(unixSocket.path);
      checkPorts(net, options);
      const problem = (await front.acceptAgain()).find((found) => found !== undefined);
      if (problem === undefined) return;
      await front.stopAccepting();
      throw new FatalError(problem, EXIT.osError);
    },
    listenerFiles: unixSocket === undefined ? threads * listen.length : 1,
    patience: 1,
    shortage: fileShortage,
    nowMs,
    onClosed: (shortage) => {
      counters.noteListenDisabled(nowMs());
      log(
        `${shortageText(shortage)}: no more clients are accepted until there are some; ${remedy(shortage, options)}`,
      );
    },
    onReopened: (closedMs) => {
      counters.noteListenEnabled(nowMs());
      log(`there are files again: clients are accepted (after ${(closedMs / 1000).toFixed(1)} s without)`);
      onAccepting();
    },
    onProblem: (problem) => log(`there are files again, but clients can't be accepted yet: ${problem}`),
  });
}

function linkBackoff(
  { options, nowMs, log }: FileWatchOptions,
  driver: NonNullable<FileWatchOptions['driver']>,
): AcceptBackoff {
  return new AcceptBackoff({
    close: async () => driver.stopListening(),
    reopen: async () => driver.listen(),
    listenerFiles: 1,
    patience: LINK_PATIENCE_LOOKS,
    shortage: fileShortage,
    nowMs,
    onClosed: (shortage) =>
      log(
        `${shortageText(shortage)}: the replication port is closed until there are some; ${remedy(shortage, options)}`,
      ),
    onReopened: () => log('there are files again: the replication port is open'),
    onProblem: (problem) =>
      log(`there are files again, but the replication port stays closed for now: ${problem}`),
  });
}

function shortageText(shortage: FileShortage): string {
  if (shortage === 'ENFILE') return "no file can be opened, the system's limit is reached (ENFILE)";
  const limit = openFilesLimit();
  return `no file can be opened, the limit ${limit === undefined ? '' : `of ${limit} `}is reached (EMFILE)`;
}

function remedy(shortage: FileShortage, { maxConnections }: Pick<Options, 'maxConnections'>): string {
  if (shortage === 'ENFILE') return 'raise fs.file-max, or find who holds so many (lsof)';
  return `raise the limit (LimitNOFILE= in the unit, prlimit while it runs) or choose a -c below ${maxConnections}`;
}
