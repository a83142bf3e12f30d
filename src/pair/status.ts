// How a pair is, in one look: each node by its service manager, its own statistics and its link, and one verdict.
import type { NodeStatus } from '../service/service.js';
import { reasonOf } from './client/client-error.js';
import { connectNode, nodeLabel } from './client/connect.js';
import type { OpenNode, OpenPair } from './open-pair.js';
import { whyDown, withReason } from './preflight.js';
import { linkProblem, type ReplicationStats, replicationOf } from './replication-stats.js';
import { NODE_NAMES, type NodeName } from './types.js';

/** What a node that answers says of itself. */
export interface ServerFacts {
  version: string;
  uptimeSec: number;
  items: number;
  bytes: number;
  limitBytes: number;
  connections: number;
  evictions: number;
  /** 0 to 1; absent before the first get. */
  hitRatio?: number;
}

export interface NodeReport {
  node: NodeName;
  /** `a (10.0.0.1:11211)` */
  label: string;
  /** What the service manager says; absent when the host can't be asked. */
  service?: NodeStatus;
  /** Absent when the node does not answer. */
  server?: ServerFacts;
  replication?: ReplicationStats;
  /** Why something above is absent, or not as it should be. */
  problem?: string;
  remedy?: string;
}

export interface PairStatus {
  /** Both nodes answer and are in sync. */
  ok: boolean;
  /** `in sync`, `degraded: b is down (...)`, `link is down: ...` */
  verdict: string;
  remedy?: string;
  nodes: Record<NodeName, NodeReport>;
}

/** Asks both nodes at once; what can't be asked is in the report, never thrown. */
export async function pairStatus(pair: OpenPair): Promise<PairStatus> {
  const [a, b] = await Promise.all(NODE_NAMES.map((name) => nodeReport(pair.nodes[name])));
  return { ...verdictOn(a, b), nodes: { a, b } };
}

async function nodeReport(node: OpenNode): Promise<NodeReport> {
  const report: NodeReport = { node: node.config.name, label: nodeLabel(node) };
  const [service, server] = await Promise.allSettled([node.service.status(), askServer(node)]);
  if (service.status === 'fulfilled') report.service = service.value;
  if (server.status === 'rejected') {
    const { what, remedy } = await whyDown(node);
    return { ...report, problem: withReason(what, server.reason), remedy };
  }
  report.server = server.value.facts;
  if (server.value.replication === undefined) {
    const problem = `${node.config.name} gives no replication statistics`;
    return { ...report, problem, remedy: 'both nodes must run repcached: run `repcachectl deploy`' };
  }
  report.replication = server.value.replication;
  const problem = linkProblem(node.config.name, server.value.replication);
  if (problem !== undefined) return { ...report, problem: problem.what, remedy: problem.remedy };
  if (report.service !== undefined && !['running', 'starting'].includes(report.service.state)) {
    const { state, detail } = report.service;
    report.problem = `${node.config.name} answers, but its service is ${state}${detail === undefined ? '' : `: ${detail}`}`;
  }
  if (service.status === 'rejected') {
    report.problem = `the service manager of ${node.config.name} can't be asked: ${reasonOf(service.reason)}`;
  }
  return report;
}

async function askServer(
  node: OpenNode,
): Promise<{ facts: ServerFacts; replication: ReplicationStats | undefined }> {
  const client = await connectNode(node);
  try {
    const stats = await client.stats();
    const number = (name: string): number => Number(stats.get(name) ?? 0);
    const facts: ServerFacts = {
      version: stats.get('version') ?? 'unknown',
      uptimeSec: number('uptime'),
      items: number('curr_items'),
      bytes: number('bytes'),
      limitBytes: number('limit_maxbytes'),
      connections: number('curr_connections'),
      evictions: number('evictions'),
    };
    const gets = number('get_hits') + number('get_misses');
    if (gets > 0) facts.hitRatio = number('get_hits') / gets;
    const replication = await replicationOf(node, client).catch(() => undefined);
    return { facts, replication };
  } finally {
    client.close();
  }
}

function verdictOn(a: NodeReport, b: NodeReport): Pick<PairStatus, 'ok' | 'verdict' | 'remedy'> {
  const down = [a, b].filter(({ server }) => server === undefined);
  // A node that is down explains why the other one has no link, so its remedy comes first.
  const troubled = [...down, a, b].find(({ problem }) => problem !== undefined);
  const remedy = troubled?.remedy === undefined ? {} : { remedy: troubled.remedy };
  if (down.length === 2) return { ok: false, verdict: 'down: neither node answers', ...remedy };
  if (down.length === 1) {
    const [node] = down;
    const reason = node.service?.detail ?? node.service?.state ?? 'its host does not answer either';
    return { ok: false, verdict: `degraded: ${node.node} is down (${reason})`, ...remedy };
  }
  const states = [a.replication?.state, b.replication?.state];
  if (states.every((state) => state === 'synced')) return { ok: true, verdict: 'in sync', ...remedy };
  const problems = [a, b].flatMap(({ problem }) => problem ?? []).join('; ');
  if (states.includes(undefined))
    return { ok: false, verdict: `not a replicated pair: ${problems}`, ...remedy };
  if (states.includes('syncing')) return { ok: false, verdict: `syncing: ${problems}`, ...remedy };
  return { ok: false, verdict: `link is down: ${problems}`, ...remedy };
}
