// Looks whether a node can still open files, and has its listeners closed while it can't: first those for clients,
// whose own files are free then; and the replication port's, where even these are of no use.
import { AcceptBackoff, type AcceptBackoffLog } from './accept-backoff.js';
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
const LOOK_INTERVAL_MS = 50;
/** So long closing the listeners for clients has time to help, before the replication port is closed as well. */
const LINK_PATIENCE_LOOKS = 10;

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
  const { options, net, front, counters, nowMs, onAccepting } = given;
  const { unixSocket, listen, threads } = options;
  return new AcceptBackoff({
    close: async () => {
      await front.stopAccepting();
      counters.noteListenDisabled(nowMs());
    },
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
    onReopened: () => {
      counters.noteListenEnabled(nowMs());
      onAccepting();
    },
    log: backoffLog(given, {
      closed: 'no more clients are accepted until there are some',
      reopened: 'clients are accepted',
      alternates: 'clients are accepted by turns, as others leave (listen_disabled_num counts)',
      problem: "clients can't be accepted yet",
    }),
  });
}

function linkBackoff(
  given: FileWatchOptions,
  driver: NonNullable<FileWatchOptions['driver']>,
): AcceptBackoff {
  return new AcceptBackoff({
    close: async () => driver.stopListening(),
    reopen: async () => driver.listen(),
    listenerFiles: 1,
    patience: LINK_PATIENCE_LOOKS,
    shortage: fileShortage,
    nowMs: given.nowMs,
    log: backoffLog(given, {
      closed: 'the replication port is closed until there are some',
      reopened: 'the replication port is open',
      alternates: 'the replication port is open by turns',
      problem: 'the replication port stays closed for now',
    }),
  });
}

function backoffLog(
  { options, log }: FileWatchOptions,
  words: Readonly<Record<'closed' | 'reopened' | 'alternates' | 'problem', string>>,
): AcceptBackoffLog {
  return {
    closed: (shortage) => log(`${shortageText(shortage)}: ${words.closed}; ${remedy(shortage, options)}`),
    reopened: (closedMs) =>
      log(`there are files again: ${words.reopened} (after ${(closedMs / 1000).toFixed(1)} s without)`),
    alternates: (shortage) =>
      log(`${shortageText(shortage)}, again and again: ${words.alternates}; ${remedy(shortage, options)}`),
    calm: () => log(`there are files again, for some time now: ${words.reopened}`),
    problem: (problem) => log(`there are files again, but ${words.problem}: ${problem}`),
  };
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
