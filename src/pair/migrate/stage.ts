// How far each node of a pair is on its way from the C program to our engine, found out on its host.
import { LegacyService } from '../../legacy/legacy-service.js';
import { nodeLayout } from '../../service/systemd-layout.js';
import { SystemdService } from '../../service/systemd-service.js';
import { connectNode } from '../client/connect.js';
import { readLegacyLink } from '../legacy/link.js';
import { onBoth } from '../on-both.js';
import { type OpenNode, type OpenPair, peerOf } from '../open-pair.js';
import type { NodeName } from '../types.js';
import { poll } from '../wait.js';

/**
 * - `legacy`: the C program runs.
 * - `bridge`: our engine runs and speaks the legacy protocol with its peer.
 * - `own`: our engine runs and speaks its own.
 * - `down`: neither runs.
 */
export type Stage = 'legacy' | 'bridge' | 'own' | 'down';
export type Stages = Readonly<Record<NodeName, Stage>>;

/** A node that has just been started waits with its client port for what its peer holds. */
const ANSWERS_WITHIN_MS = 15_000;

export function findStages(pair: OpenPair, signal: AbortSignal): Promise<Stages> {
  return onBoth(async (name): Promise<Stage> => {
    const { state } = await ourService(pair, name).status();
    if (state === 'running' || state === 'starting') return stageOfOurs(pair, name, signal);
    const legacy = await legacyService(pair, name).status();
    return legacy.state === 'running' || legacy.state === 'starting' ? 'legacy' : 'down';
  });
}

/** By what it says itself; as long as it says nothing, by what it was started with. */
async function stageOfOurs(pair: OpenPair, name: NodeName, signal: AbortSignal): Promise<Stage> {
  const { host, config } = pair.nodes[name];
  const ask = async (): Promise<Stage | undefined> => {
    const client = await connectNode(pair.nodes[name]).catch(() => undefined);
    if (client === undefined) return undefined;
    try {
      return (await client.stats('replication')).get('repl_protocol') === 'legacy' ? 'bridge' : 'own';
    } finally {
      client.close();
    }
  };
  const said = await poll(ask, { withinMs: ANSWERS_WITHIN_MS, everyMs: 200, signal });
  if (said !== undefined) return said;
  const settings = await host.readFile(nodeLayout(config.port).environmentFile, { root: true });
  return settings?.includes('--repl-protocol legacy') === true ? 'bridge' : 'own';
}

/** The pair as it stands: each node with the service that runs it, and the way its link is known. */
export function pairAt(pair: OpenPair, stages: Stages): OpenPair {
  const node = (name: NodeName): OpenNode => {
    const { config, host } = pair.nodes[name];
    const common = { config, host };
    if (stages[name] !== 'legacy') return { ...common, service: ourService(pair, name) };
    const { replicationPort } = config;
    const peer = pair.nodes[peerOf(name)];
    const place = {
      name,
      peerAddress: peer.host.address,
      replicationPort,
      peerReplicationPort: peer.config.replicationPort,
    };
    return {
      ...common,
      service: legacyService(pair, name),
      readLink: () => readLegacyLink(host, place),
    };
  };
  const isOurs = stages.a === 'own' && stages.b === 'own';
  return {
    config: { ...pair.config, engine: isOurs ? 'repcached' : 'legacy' },
    nodes: { a: node('a'), b: node('b') },
  };
}

export function ourService(pair: OpenPair, name: NodeName): SystemdService {
  const { host, config } = pair.nodes[name];
  return new SystemdService(host, name, config.port);
}

export function legacyService(pair: OpenPair, name: NodeName): LegacyService {
  const { host, config } = pair.nodes[name];
  const { port, replicationPort } = config;
  const verbatim = pair.config.verbatim === true;
  const peerAddress = pair.nodes[peerOf(name)].host.address;
  return new LegacyService(host, name, { port, replicationPort, verbatim, peerAddress });
}
