// deploy: from two hosts, or this machine, to a running pair in sync. Convergent: every part looks first and changes
// only what differs, so a second run changes nothing and one that was stopped half way is simply run again.
// repcache.yaml is written last: it speaks of a pair that stands.
import type { LocatedPair } from '../config/locate.js';
import { renderPairFile, writePairFile } from '../config/write.js';
import { deployForeign } from '../legacy/deploy.js';
import { onBoth } from '../on-both.js';
import { type Access, closePair, openPair } from '../open.js';
import type { OpenPair } from '../open-pair.js';
import type { Progress } from '../progress.js';
import { NODE_NAMES, type NodeName, type PairConfig } from '../types.js';
import { bringUp, type NodeAction, planActions } from './bring-up.js';
import type { HostCheck } from './checks.js';
import { findIdentity } from './found-identity.js';
import { agreeOnIdentity } from './identity.js';
import { type Change, runSteps, summaryOf } from './install.js';
import { refuseTlsChangeWhileRunning } from './link-tls.js';
import { type MovedPort, moveLocalPorts } from './local-ports.js';
import { nodeSpec } from './spec.js';
import { isStale, reloadIfDue } from './staleness.js';
import { surveyHosts } from './survey.js';

export interface DeployOptions {
  readonly access: Access;
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** For the engine `legacy`: where its source comes from. */
  readonly source?: string | undefined;
  readonly sha256?: string | undefined;
  /** Build it on one host only, and copy it to the other. */
  readonly copyBuild?: boolean;
}

export interface NodeReport {
  readonly address: string;
  readonly port: number;
  readonly replicationPort: number;
  readonly changes: readonly Change[];
  readonly action: NodeAction;
}

/** Ready for JSON. */
export interface DeployReport {
  readonly pair: string;
  readonly dryRun: boolean;
  /** Whether anything was changed (with `dryRun`: would be). */
  readonly changed: boolean;
  readonly configFile: string;
  readonly configFileChanged: boolean;
  readonly checks: readonly HostCheck[];
  readonly nodes: Readonly<Record<NodeName, NodeReport>>;
  /** Ports of a local pair that were taken, and the ones chosen instead. */
  readonly movedPorts: readonly MovedPort[];
}

/** @throws OperatorError; what was done until then stays, and the next run takes up from there. */
export async function deployPair(located: LocatedPair, options: DeployOptions): Promise<DeployReport> {
  const { access, progress } = options;
  const { config, moved } = located.config.local
    ? await moveLocalPorts(located.config, located.askedPorts ?? [])
    : { config: located.config, moved: [] };
  const pair = config.local
    ? await openPair(config, access)
    : await progress.step('Connect to both hosts', () => openPair(config, access));
  try {
    const deploy = config.engine === 'repcached' ? deployOpen : deployForeign;
    return { ...(await deploy(pair, located, options)), movedPorts: moved };
  } finally {
    await closePair(pair);
  }
}

async function deployOpen(
  pair: OpenPair,
  located: LocatedPair,
  options: DeployOptions,
): Promise<Omit<DeployReport, 'movedPorts'>> {
  const { dryRun, signal, progress } = options;
  const { checks, releases } = await surveyHosts(pair, progress);
  const found = await onBoth((name) => findIdentity(pair, name));
  const identity = agreeOnIdentity(found, located.config.pair);
  await refuseTlsChangeWhileRunning(pair, found);
  const config: PairConfig = { ...pair.config, pair: identity.pairId };
  const text = renderPairFile(config, located.text);
  const configFileChanged = text !== located.text;
  // The ports of a local pair are its identity while it is half made: a second run must find the same ones.
  if (config.local && configFileChanged && !dryRun) await writePairFile(located.path, text);

  const changes = await progress.both(dryRun ? 'Compare' : 'Install', async (name, say) => {
    const steps = pair.nodes[name].service.installSteps(nodeSpec(pair, name, releases[name], identity));
    const changed = await runSteps(steps, { dryRun, signal, say });
    const titles = changed.map(({ title }) => title);
    say(summaryOf(titles, 'nothing to change'));
    return changed;
  });
  signal.throwIfAborted();
  const stale = await onBoth((name) => isStale(pair, name));
  const actions = await planActions(
    pair,
    (name) => stale[name] || changes[name].some((change) => change.needsRestart),
  );
  if (!dryRun) {
    await onBoth((name) => reloadIfDue(pair, name, changes[name]));
    await bringUp(pair, actions, { signal, progress });
    if (!config.local && configFileChanged) await writePairFile(located.path, text);
  }

  const report = (name: NodeName): NodeReport => {
    const { config: node, host } = pair.nodes[name];
    const { port, replicationPort } = node;
    return { address: host.address, port, replicationPort, changes: changes[name], action: actions[name] };
  };
  const nodes = { a: report('a'), b: report('b') };
  return {
    pair: identity.pairId,
    dryRun,
    changed:
      configFileChanged || NODE_NAMES.some((name) => changes[name].length > 0 || actions[name] !== 'none'),
    configFile: located.path,
    configFileChanged,
    checks,
    nodes,
  };
}
