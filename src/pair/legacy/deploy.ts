// deploy for engines that are not ours: the C program, built on the hosts, and the distribution's memcached.
// The same promise as deploy's own: look first, change only what differs, write repcache.yaml last.
import { randomBytes } from 'node:crypto';
import { OperatorError } from '../../errors.js';
import { refuseUnlike } from '../../legacy/alike.js';
import { type BuildWish, buildSteps, LegacySource, whyBuild } from '../../legacy/build.js';
import { firewallOf } from '../../legacy/firewall.js';
import { isGivenUp, migrationUnderWay } from '../../legacy/replaced.js';
import { DEFAULT_SOURCE } from '../../legacy/source.js';
import type { NodeSpec, Step } from '../../service/service.js';
import { nodeAnswers } from '../client/connect.js';
import type { LocatedPair } from '../config/locate.js';
import { renderPairFile, writePairFile } from '../config/write.js';
import { bringUp, type NodeAction, planActions } from '../deploy/bring-up.js';
import type { HostCheck } from '../deploy/checks.js';
import type { DeployOptions, DeployReport, NodeReport } from '../deploy/deploy.js';
import { runSteps, summaryOf } from '../deploy/install.js';
import { isStale } from '../deploy/staleness.js';
import { surveyHosts } from '../deploy/survey.js';
import { onBoth } from '../on-both.js';
import { type OpenPair, peerOf } from '../open-pair.js';
import { NODE_NAMES, type NodeName, type PairConfig } from '../types.js';
import { poll } from '../wait.js';
import { buildOnce } from './build-once.js';

const SERVES_WITHIN_MS = 15_000;

export async function deployForeign(
  pair: OpenPair,
  located: LocatedPair,
  options: DeployOptions,
): Promise<Omit<DeployReport, 'movedPorts'>> {
  const { dryRun, signal, progress } = options;
  await refuseHalfMigrated(pair);
  const survey = await surveyHosts(pair, progress);
  const checks = [...survey.checks, ...(await ownChecks(pair))];
  // There is no secret that an id could follow from: a random one says that the pair is deployed.
  const id = located.config.pair ?? randomBytes(8).toString('hex');
  const config: PairConfig = { ...pair.config, pair: id };
  const text = renderPairFile(config, located.text);
  const configFileChanged = text !== located.text;

  const source = new LegacySource({
    source: options.source ?? DEFAULT_SOURCE,
    sha256: options.sha256,
    signal,
  });
  const wish: BuildWish = { source, rebuild: options.source !== undefined };
  const isLegacy = config.engine === 'legacy';
  const copyBuild = isLegacy && options.copyBuild === true;
  const hosts = { a: pair.nodes.a.host, b: pair.nodes.b.host };
  if (copyBuild) await refuseUnlike(hosts.a, hosts.b);
  // An archive that can't be had, or is the wrong one, must show before anything is changed on a host.
  if (isLegacy && !dryRun) {
    const reasons = await onBoth((name) => whyBuild(hosts[name], wish));
    const toBuild = NODE_NAMES.filter((name) => reasons[name] !== undefined).length;
    if (toBuild > (copyBuild ? 1 : 0)) await progress.step('Get the source', () => source.get());
  }
  const copied = copyBuild ? await buildOnce(hosts, wish, { dryRun, signal, progress }) : { a: [], b: [] };
  const changes = await progress.both(dryRun ? 'Compare' : 'Install', async (name, say) => {
    const steps: Step[] = isLegacy && !copyBuild ? buildSteps(hosts[name], wish) : [];
    steps.push(...pair.nodes[name].service.installSteps(specOf(pair, name)));
    const changed = await runSteps(steps, { dryRun, signal, say });
    say(
      summaryOf(
        changed.map(({ title }) => title),
        'nothing to change',
      ),
    );
    return [...copied[name], ...changed];
  });
  signal.throwIfAborted();
  const stale = await onBoth((name) => isStale(pair, name));
  const actions = await planActions(
    pair,
    (name) => stale[name] || changes[name].some((change) => change.needsRestart),
  );
  if (!dryRun) {
    if (isLegacy) await bringUp(pair, actions, { signal, progress });
    else await startEach(pair, actions, options);
    if (configFileChanged) await writePairFile(located.path, text);
  }

  const report = (name: NodeName): NodeReport => {
    const { config: node, host } = pair.nodes[name];
    const { port, replicationPort } = node;
    return { address: host.address, port, replicationPort, changes: changes[name], action: actions[name] };
  };
  return {
    pair: id,
    dryRun,
    changed:
      configFileChanged || NODE_NAMES.some((name) => changes[name].length > 0 || actions[name] !== 'none'),
    configFile: located.path,
    configFileChanged,
    checks,
    nodes: { a: report('a'), b: report('b') },
  };
}

/**
 * The units of both engines on one port would fight over it at the next reboot, and the older one hold the older data.
 * @throws OperatorError `MIGRATION_UNDER_WAY` (exit stepFailed)
 */
async function refuseHalfMigrated({ config, nodes }: OpenPair): Promise<void> {
  if (config.engine !== 'legacy') return;
  const givenUp = await onBoth((name) => isGivenUp(nodes[name].host, nodes[name].config.port));
  const names = NODE_NAMES.filter((name) => givenUp[name]);
  if (names.length > 0) throw migrationUnderWay(names.join(' and '));
}

/** What an operator must hear of these engines before anything is changed. */
async function ownChecks(pair: OpenPair): Promise<HostCheck[]> {
  if (pair.config.engine === 'stock') {
    const detail = "the distribution's memcached replicates nothing: what a node holds is lost with it";
    const remedy = 'for a replicated pair deploy with --engine repcached';
    return [{ id: 'replication', outcome: 'warning', detail, remedy }];
  }
  const firewalls = await onBoth((name) => firewallOf(pair.nodes[name].host));
  return NODE_NAMES.map((name): HostCheck => {
    const { config } = pair.nodes[name];
    const about = { id: 'firewall', node: name };
    const firewall = firewalls[name];
    if (firewall !== undefined)
      return { ...about, outcome: 'ok', detail: `${firewall} lets only the peer in` };
    return {
      ...about,
      outcome: 'warning',
      detail:
        `THE REPLICATION PORT ${config.replicationPort} IS OPEN TO EVERYBODY: no firewall runs here, and whoever ` +
        'connects to it gets the whole cache, may write to it, and keeps the peer out',
      remedy: `let only ${pair.nodes[peerOf(name)].host.address} reach it, on the host or in the network, or leave this engine`,
    };
  });
}

/** Neither of these engines knows a secret or a release. */
function specOf(pair: OpenPair, name: NodeName): NodeSpec {
  const { config, host } = pair.nodes[name];
  const peer = pair.nodes[peerOf(name)];
  return {
    name,
    port: config.port,
    replicationPort: config.replicationPort,
    listenAddresses: [...new Set([host.address, '127.0.0.1'])],
    replicationAddress: host.address,
    peerAddress: peer.host.address,
    peerReplicationPort: peer.config.replicationPort,
    memoryMb: pair.config.memoryMb,
    connections: pair.config.connections,
    threads: pair.config.threads,
    pairId: '',
    replicationFlags: [],
    secretText: '',
    release: { id: '', version: '', sha256: '', localPath: '', sizeBytes: 0 },
  };
}

/** Two servers that know nothing of each other: each for itself. */
async function startEach(
  pair: OpenPair,
  actions: Readonly<Record<NodeName, NodeAction>>,
  { progress, signal }: DeployOptions,
): Promise<void> {
  await progress.both('Start', async (name, say) => {
    const node = pair.nodes[name];
    const action = actions[name];
    if (action === 'start') await node.service.start();
    if (action === 'restart') await node.service.restart();
    const serves = async () => ((await nodeAnswers(node)) ? true : undefined);
    if (await poll(serves, { withinMs: SERVES_WITHIN_MS, everyMs: 100, signal })) return say('serves');
    throw new OperatorError(`${name} does not answer on port ${node.config.port}`, {
      code: 'NODE_NOT_SERVING',
      exit: 'stepFailed',
      suggestions: [`see why: repcachectl logs --node ${name}`],
    });
  });
}
