// Before a pair is verified or drilled: does each node answer, and is the link between them up?
// Says exactly what is not so, instead of letting every later check fail for the same reason.
import { CheckFailure, type CheckResult } from './check-result.js';
import type { MemcachedClient } from './client/client.js';
import { reasonOf } from './client/client-error.js';
import { connectNode } from './client/connect.js';
import type { OpenNode, OpenPair } from './open-pair.js';
import { linkProblem, type ReplicationStats, replicationOf } from './replication-stats.js';
import { runCheck } from './run-check.js';
import { NODE_NAMES, type NodeName } from './types.js';
import { poll } from './wait.js';

/** A link that is only just coming up is given this long. */
const LINK_WITHIN_MS = 5000;

export interface Preflight {
  checks: CheckResult[];
  /** Only when every check held; the caller closes them. */
  clients?: Record<NodeName, MemcachedClient>;
}

export async function preflight(pair: OpenPair, signal?: AbortSignal): Promise<Preflight> {
  const clients: Partial<Record<NodeName, MemcachedClient>> = {};
  try {
    const checks = await Promise.all(
      NODE_NAMES.map((name) =>
        runCheck(answers(name), async () => {
          const client = await reach(pair.nodes[name]);
          clients[name] = client;
          return { detail: `version ${await client.version()}` };
        }),
      ),
    );
    const { a, b } = clients;
    if (a !== undefined && b !== undefined && checks.every((check) => check.outcome === 'ok')) {
      checks.push(await linkCheck(pair, { a, b }, signal));
    } else {
      checks.push({ ...LINK, outcome: 'skipped', ms: 0, detail: 'needs both nodes' });
    }
    signal?.throwIfAborted();
    if (a !== undefined && b !== undefined && checks.every((check) => check.outcome === 'ok')) {
      return { checks, clients: { a, b } };
    }
    closeAll(clients);
    return { checks };
  } catch (error) {
    closeAll(clients);
    throw error;
  }
}

/** Why a node takes no connection: what its service manager knows, or that its host can't be reached either. */
export async function whyDown(node: OpenNode): Promise<{ what: string; remedy: string }> {
  const name = node.config.name;
  try {
    const status = await node.service.status();
    const detail = status.detail === undefined ? '' : ` (${status.detail})`;
    switch (status.state) {
      case 'absent':
        return { what: `${name} is not installed${detail}`, remedy: 'run `repcachectl deploy`' };
      case 'stopped':
        return { what: `${name} is stopped${detail}`, remedy: 'run `repcachectl start`' };
      case 'failed':
        return {
          what: `${name} has failed${detail}`,
          remedy: 'see `repcachectl logs`, then `repcachectl start`',
        };
      case 'starting':
        if (status.betweenTries === true) {
          return { what: `${name} ends as soon as it is started${detail}`, remedy: 'see `repcachectl logs`' };
        }
        return {
          what: `${name} is still starting${detail}`,
          remedy: 'wait a few seconds and run this again',
        };
      case 'running':
        return {
          what: `${name} runs, but takes no clients on port ${node.config.port}${detail}`,
          remedy: "it opens its port once it has its peer's data; if it stays so, see `repcachectl logs`",
        };
    }
  } catch (error) {
    return {
      what: `${name}: its host can't be asked: ${reasonOf(error)}`,
      remedy: `check that host ${node.config.host} is up and that SSH reaches it`,
    };
  }
}

/** What the service manager knows and why the connection failed, where these are two things. */
export function withReason(what: string, error: unknown): string {
  const reason = reasonOf(error);
  return what.includes(reason) ? what : `${what}; ${reason}`;
}

function answers(name: NodeName): { id: string; title: string; remedy: string } {
  return { id: `answers-${name}`, title: `${name} answers`, remedy: 'see `repcachectl logs`' };
}

async function reach(node: OpenNode): Promise<MemcachedClient> {
  try {
    return await connectNode(node);
  } catch (error) {
    const { what, remedy } = await whyDown(node);
    throw new CheckFailure('a connection', withReason(what, error), remedy);
  }
}

const LINK = { id: 'link', title: 'the link is up and in sync' };

function linkCheck(
  { nodes }: OpenPair,
  clients: Record<NodeName, MemcachedClient>,
  signal?: AbortSignal,
): Promise<CheckResult> {
  const check = { ...LINK, remedy: 'both nodes must be repcached; see `repcachectl status`' };
  const run = async () => {
    let stats: Partial<Record<NodeName, ReplicationStats>> = {};
    const inSync = async () => {
      const [a, b] = await Promise.all([
        replicationOf(nodes.a, clients.a),
        replicationOf(nodes.b, clients.b),
      ]);
      stats = { a, b };
      return a.state === 'synced' && b.state === 'synced' ? true : undefined;
    };
    if ((await poll(inSync, { withinMs: LINK_WITHIN_MS, everyMs: 50, signal })) === undefined) {
      const problems = NODE_NAMES.flatMap((name) => linkProblem(name, stats[name]!) ?? []);
      const seen = problems.map((problem) => problem.what).join('; ');
      throw new CheckFailure('both nodes synced', seen, problems[0].remedy);
    }
    return stats.a!.linkOnly ? {} : { detail: `up for ${stats.a!.linkUptimeSec} s` };
  };
  return runCheck(check, run, signal);
}

function closeAll(clients: Partial<Record<NodeName, MemcachedClient>>): void {
  for (const client of Object.values(clients)) client.close();
}
