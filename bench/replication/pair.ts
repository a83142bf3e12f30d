// Two servers that replicate with each other, for measuring: the load goes to the source.
import { setTimeout as sleep } from 'node:timers/promises';
import getPort from 'get-port';
import { TextClient } from '../../test/helpers/text-client.js';
import type { Placement } from '../cpus.js';
import { BenchServer, type Contestant, type ServerSettings } from '../server.js';

const LIMIT_MS = 120_000;
const POLL_MS = 5;
const PROBE = 'probe';
const LOWEST_PRIORITY = ['nice', '-n', '19'];

export interface PairSettings {
  readonly memoryMb: number;
  readonly connections: number;
  readonly placement: Placement;
  /** Whether it is the engine, which has `stats replication`; of the legacy repcached only what arrives tells. */
  readonly tellsState: boolean;
  /** More flags, of both nodes. */
  readonly flags?: readonly string[];
  /** The target runs only when the load wants nothing: what clients feel then is the source alone. */
  readonly targetGivesWay?: boolean;
  /** False leaves the start of the target to {@link BenchPair.startTarget}. */
  readonly startsTarget?: boolean;
  /** Where the source dials the target, if not there: a cable in between. Gets the target's replication port. */
  readonly cableTo?: (port: number) => Promise<number>;
}

export class BenchPair {
  readonly source: BenchServer;
  readonly #targetContestant: Contestant;
  readonly #targetSettings: ServerSettings;
  readonly #tellsState: boolean;
  #target: BenchServer | undefined;

  private constructor(
    source: BenchServer,
    targetContestant: Contestant,
    targetSettings: ServerSettings,
    tellsState: boolean,
  ) {
    this.source = source;
    this.#targetContestant = targetContestant;
    this.#targetSettings = targetSettings;
    this.#tellsState = tellsState;
  }

  static async start(contestant: Contestant, settings: PairSettings): Promise<BenchPair> {
    const ends = settings.tellsState ? await ownEnds(settings.cableTo) : await legacyEnds();
    const { placement, memoryMb, connections, flags = [] } = settings;
    const common = { threads: 1, memoryMb, connections };
    const source = await BenchServer.start(contestant, {
      ...common,
      cpus: placement.server,
      flags: ['-x', '127.0.0.1', '-X', ends.source, ...flags],
    });
    const targetSettings = {
      ...common,
      // The peer of a pair has a machine of its own; here it has what the source leaves.
      cpus: placement.load,
      startLimitMs: LIMIT_MS,
      flags: ['-x', '127.0.0.1', '-X', ends.target, ...flags],
    };
    const targetContestant = settings.targetGivesWay
      ? { ...contestant, command: [...LOWEST_PRIORITY, ...contestant.command] }
      : contestant;
    const pair = new BenchPair(source, targetContestant, targetSettings, settings.tellsState);
    try {
      if (settings.startsTarget ?? true) await pair.startTarget();
      return pair;
    } catch (error) {
      await pair.stop();
      throw error;
    }
  }

  get target(): BenchServer {
    if (this.#target === undefined) throw new Error('the target was not started');
    return this.#target;
  }

  /** Starts it empty, and waits until it has what the source has. */
  async startTarget(): Promise<void> {
    this.#target = await BenchServer.start(this.#targetContestant, this.#targetSettings);
    await this.replicates();
    if (this.#tellsState) await this.isSynced();
  }

  /** Ends it, if there is one, so that another one can be started. */
  async stopTarget(): Promise<void> {
    const target = this.#target;
    this.#target = undefined;
    target?.signal('SIGCONT');
    await target?.stop();
  }

  /** Waits until a write to the source is on the target: with a connection that comes up in between, or a copy. */
  async replicates(): Promise<void> {
    const value = String(performance.now());
    await this.#until('the target to have what the source has', async (source, target) => {
      await source.set(PROBE, value);
      return (await target.get(PROBE)) === value;
    });
  }

  /** Waits until the engine says that the target has all. */
  async isSynced(): Promise<void> {
    await this.#until('both nodes to be in sync', async (...clients) => {
      const all = await Promise.all(clients.map((client) => client.stats('replication')));
      return all.every((stats) => stats.get('repl_state') === 'synced');
    });
  }

  async stop(): Promise<void> {
    await Promise.all([this.source.stop(), this.stopTarget()]);
  }

  async #until(
    what: string,
    isTrue: (source: TextClient, target: TextClient) => Promise<boolean>,
  ): Promise<void> {
    const deadline = performance.now() + LIMIT_MS;
    await withClient(this.source, (source) =>
      withClient(this.target, async (target) => {
        while (!(await isTrue(source, target))) {
          if (performance.now() > deadline) throw new Error(`waited ${LIMIT_MS / 1000} s for ${what}`);
          await sleep(POLL_MS);
        }
      }),
    );
  }
}

/** The -X of both: the port a node listens on, and the one it dials. */
interface Ends {
  readonly source: string;
  readonly target: string;
}

async function ownEnds(cableTo = async (port: number): Promise<number> => port): Promise<Ends> {
  const [source, target] = [await getPort(), await getPort()];
  return { source: `${source}:${await cableTo(target)}`, target: `${target}:${await cableTo(source)}` };
}

/** Of the legacy repcached the node that finds nobody at the port listens there, and the one that comes then dials it. */
async function legacyEnds(): Promise<Ends> {
  const port = String(await getPort());
  return { source: port, target: port };
}

export async function withClient<T>(
  server: BenchServer,
  callback: (client: TextClient) => Promise<T>,
): Promise<T> {
  const client = await TextClient.connect(server.port);
  try {
    return await callback(client);
  } finally {
    client.close();
  }
}

/** A figure of `stats replication`. */
export async function figureOf(server: BenchServer, name: string): Promise<number> {
  return Number((await withClient(server, (client) => client.stats('replication'))).get(name));
}
