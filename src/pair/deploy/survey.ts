// Looks at both hosts at once and says all that stands in deploy's way, before anything is changed.
import { OperatorError } from '../../errors.js';
import type { Release } from '../../service/service.js';
import { PROGRAM_FOLDER } from '../../service/systemd-layout.js';
import { localStateDir } from '../config/paths.js';
import { onBoth } from '../on-both.js';
import { type OpenPair, peerOf } from '../open-pair.js';
import type { Progress } from '../progress.js';
import { findRelease } from '../release.js';
import { NODE_NAMES, type NodeName } from '../types.js';
import {
  type HostCheck,
  judgeAddress,
  judgeClocks,
  judgeHost,
  judgeTwoHosts,
  type Wanted,
} from './checks.js';
import { gatherFacts, type HostFacts } from './facts.js';
import { judgeReach } from './reach.js';

export interface Survey {
  readonly checks: readonly HostCheck[];
  /** The executable for each host; means nothing for other engines than ours. */
  readonly releases: Readonly<Record<NodeName, Release>>;
}

/** Compiler, headers, and the build of an engine that is built or installed on the host. */
const BUILD_BYTES = 300 * 2 ** 20;

/** @throws OperatorError `HOSTS_UNSUITABLE` (exit unsuitable) with everything that is wrong on either host */
export async function surveyHosts(pair: OpenPair, progress: Progress): Promise<Survey> {
  const { local } = pair.config;
  const needsRoot = !local;
  const isOurs = pair.config.engine === 'repcached';
  const releasesDir = local ? localStateDir() : isOurs ? PROGRAM_FOLDER : '/usr/local';
  const surveyed = await progress.both('Check the host', async (name, say) => {
    const node = pair.nodes[name];
    const ports = [node.config.port, node.config.replicationPort];
    const facts = await gatherFacts(node, { ports, needsRoot, releasesDir });
    const release = isOurs ? await releaseFor(facts) : { sizeBytes: BUILD_BYTES };
    const wanted: Wanted = {
      config: pair.config,
      needsRoot,
      needsSystemd: !local,
      release,
      nodesOnHost: local ? NODE_NAMES.length : 1,
    };
    // Other engines are of the host's own making, whatever its architecture and C library.
    const checks = judgeHost(node.config, facts, wanted).filter(({ id }) => isOurs || id !== 'architecture');
    if (!local) {
      checks.push(judgeAddress(name, node.host.address));
      checks.push(await judgeReach(node, pair.nodes[peerOf(name)]));
    }
    say(summary(checks));
    return { facts, release, checks };
  });
  const facts = { a: surveyed.a.facts, b: surveyed.b.facts };
  const together = local ? [] : [judgeTwoHosts(facts), judgeClocks(facts)];
  const checks = [...surveyed.a.checks, ...surveyed.b.checks, ...together];
  const failed = checks.filter((check) => check.outcome === 'failed');
  if (failed.length > 0) throw unsuitable(failed);
  const releases = await onBoth(async (name) => surveyed[name].release as Release);
  return { checks, releases };
}

async function releaseFor(facts: HostFacts): Promise<Release | { problem: string; remedy: string }> {
  try {
    return await findRelease(facts.machine);
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    return { problem: error.message, remedy: error.suggestions.join('; ') };
  }
}

/** A check in one line: `b: port 11211 is taken by memcached (pid 7)`. */
export function checkLine(check: HostCheck): string {
  return check.node === undefined ? `${check.id}: ${check.detail}` : `${check.node}: ${check.detail}`;
}

function summary(checks: readonly HostCheck[]): string {
  const failed = checks.filter((check) => check.outcome === 'failed').length;
  const warnings = checks.filter((check) => check.outcome === 'warning').length;
  if (failed > 0) return `${failed} of ${checks.length} checks failed`;
  return warnings > 0 ? `fit, with ${warnings} warnings` : 'fit';
}

function unsuitable(failed: readonly HostCheck[]): OperatorError {
  const lines = failed.map(checkLine);
  const message =
    lines.length === 1 ? lines[0] : `the hosts are not fit for the pair:\n  ${lines.join('\n  ')}`;
  return new OperatorError(message, {
    code: 'HOSTS_UNSUITABLE',
    exit: 'unsuitable',
    suggestions: [...new Set(failed.flatMap(({ remedy }) => remedy ?? []))],
  });
}
