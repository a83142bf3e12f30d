// Proves that what is written on one node of a pair is on the other, for every kind of write and both directions.
// Safe on production: keys under a prefix of its own, removed again whatever happens; nothing is flushed.
import { CheckFailure, type CheckResult } from '../check-result.js';
import type { MemcachedClient } from '../client/client.js';
import { reasonOf } from '../client/client-error.js';
import { connectNode } from '../client/connect.js';
import { addressesOf, type OpenPair, peerOf } from '../open-pair.js';
import { preflight } from '../preflight.js';
import { ProbeKeys } from '../probe-keys.js';
import { runCheck, sinceMs } from '../run-check.js';
import { NODE_NAMES, type NodeName } from '../types.js';
import { poll } from '../wait.js';
import { type AgreementSetup, checkAgreement } from './agreement.js';
import { Direction, type DirectionCheck } from './direction.js';
import { EXPIRY_CHECKS } from './expiry-checks.js';
import { measureLag } from './lag.js';
import { limitsOf } from './limits.js';
import type { DirectionReport, VerifyOptions, VerifyReport } from './report.js';
import { VALUE_CHECKS } from './value-checks.js';
import { WRITE_CHECKS } from './write-checks.js';

const DIRECTION_CHECKS: readonly DirectionCheck[] = [...WRITE_CHECKS, ...VALUE_CHECKS, ...EXPIRY_CHECKS];
const LAG = {
  id: 'lag',
  title: 'lag of single writes',
  remedy: 'see `repcachectl status`: a node that is overloaded or far away answers late',
};

type Clients = Record<NodeName, MemcachedClient>;
type Outcome = Pick<VerifyReport, 'directions' | 'agreement'>;

/**
 * Runs every check. What fails is in the report; only an abort is thrown.
 * @throws the signal's reason, once the keys are removed again.
 */
export async function verifyPair(pair: OpenPair, options: VerifyOptions = {}): Promise<VerifyReport> {
  const startedAt = new Date().toISOString();
  const begun = performance.now();
  const { checks, clients } = await preflight(pair, options.signal);
  for (const check of checks) options.onCheck?.('before', check);
  let outcome: Outcome = { directions: [], agreement: [] };
  if (clients !== undefined) outcome = await checkPair(pair, clients, options);
  const report = { nodes: addressesOf(pair), startedAt, ms: sinceMs(begun), preflight: checks, ...outcome };
  return { ok: allResults(report).every((check) => check.outcome !== 'failed'), ...report };
}

/** All checks on two servers that answer, whether or not they replicate. Closes the clients. */
export async function checkPair(pair: OpenPair, clients: Clients, options: VerifyOptions): Promise<Outcome> {
  const { signal, visibleWithinMs = 5000, maxClockOffsetMs = 1500, onCheck } = options;
  const keys = new ProbeKeys('verify');
  const limits = limitsOf(pair);
  const setup: AgreementSetup = { clients, limits, keys, visibleWithinMs, maxClockOffsetMs, signal };
  try {
    const directions = await checkDirections(setup, options);
    const agreement = await checkAgreement(setup, (result) => onCheck?.('after', result));
    const clean = await removeKeys(pair, setup);
    onCheck?.('after', clean);
    return { directions, agreement: [...agreement, clean] };
  } catch (error) {
    const clean = await removeKeys(pair, setup);
    if (clean.outcome === 'ok') throw error;
    throw new Error(`${reasonOf(error)}; not everything could be removed: ${clean.seen}`, { cause: error });
  } finally {
    for (const name of NODE_NAMES) clients[name].close();
  }
}

/** Over the run's own connections, or new ones where those broke; not subject to the signal. */
function removeKeys(pair: OpenPair, setup: AgreementSetup): Promise<CheckResult> {
  const { clients, keys, visibleWithinMs } = setup;
  const check = {
    id: 'clean',
    title: 'nothing of this run is left on either node',
    remedy: `its keys begin with ${keys.prefix} and expire by themselves within the hour`,
  };
  return runCheck(check, async () => {
    for (const name of NODE_NAMES) {
      if (!clients[name].open) clients[name] = await connectNode(pair.nodes[name]);
      await keys.removeFrom(clients[name]);
    }
    let left: string[] = [];
    const noneLeft = async () => {
      left = (await Promise.all(NODE_NAMES.map((name) => keys.leftOn(clients[name])))).flat();
      return left.length === 0 ? true : undefined;
    };
    await poll(noneLeft, { withinMs: visibleWithinMs, everyMs: 20 });
    if (left.length > 0) throw new CheckFailure('no key', `${left.length} keys, such as ${left[0]}`);
    return { detail: `${keys.all().length} keys removed` };
  });
}

/** One direction after the other; what only waits for time to pass runs beside them. */
async function checkDirections(setup: AgreementSetup, options: VerifyOptions): Promise<DirectionReport[]> {
  const { clients, keys, limits, visibleWithinMs, signal } = setup;
  const directions = NODE_NAMES.map((from) => {
    const to = peerOf(from);
    const manyKeys = options.manyKeys ?? 500;
    const [writer, reader] = [clients[from], clients[to]];
    return new Direction({ limits, from, to, writer, reader, keys, visibleWithinMs, manyKeys, signal });
  });
  const background = directions.map((direction) =>
    Promise.all(
      DIRECTION_CHECKS.filter((check) => check.inBackground).map((check) => runOne(direction, check)),
    ),
  );
  try {
    const reports: DirectionReport[] = [];
    for (const [index, direction] of directions.entries()) {
      const report = await checkDirection(direction, options);
      for (const result of await background[index]) {
        options.onCheck?.(sectionOf(direction), result);
        report.checks.push(result);
      }
      reports.push(report);
    }
    return reports;
  } finally {
    // Nothing may still write when the keys are removed.
    await Promise.allSettled(background);
  }
}

async function checkDirection(direction: Direction, options: VerifyOptions): Promise<DirectionReport> {
  const report: DirectionReport = { from: direction.from, to: direction.to, checks: [] };
  const done = (result: CheckResult) => {
    report.checks.push(result);
    options.onCheck?.(sectionOf(direction), result);
  };
  for (const check of DIRECTION_CHECKS.filter((each) => !each.inBackground))
    done(await runOne(direction, check));
  const lag = await runOne(direction, {
    ...LAG,
    run: async () => {
      report.lag = await measureLag(direction, options.lagSamples ?? 200);
      return { visibleMs: report.lag.p50Ms, detail: `median of ${report.lag.samples} writes` };
    },
  });
  done(lag);
  return report;
}

/** Once a connection is lost, the checks after it are skipped: they would all fail for that one reason. */
async function runOne(direction: Direction, check: DirectionCheck): Promise<CheckResult> {
  const limit = direction.limits.get(check.id);
  if (limit !== undefined) {
    return { id: check.id, title: check.title, outcome: 'skipped', ms: 0, detail: limit };
  }
  for (const client of [direction.writer, direction.reader]) {
    if (!client.open) {
      const { id, title } = check;
      return { id, title, outcome: 'skipped', ms: 0, detail: `the connection to ${client.label} was lost` };
    }
  }
  return runCheck(check, () => check.run(direction), direction.signal);
}

function sectionOf(direction: Direction): string {
  return `${direction.from} -> ${direction.to}`;
}

function allResults(report: Omit<VerifyReport, 'ok'>): CheckResult[] {
  return [...report.preflight, ...report.directions.flatMap(({ checks }) => checks), ...report.agreement];
}
