// Both nodes compared after the writes: the same items, nothing on its way, clocks that agree.
import { CheckFailure, type CheckResult } from '../check-result.js';
import type { MemcachedClient } from '../client/client.js';
import { compareNodes, describeDifferences } from '../digest.js';
import type { ProbeKeys } from '../probe-keys.js';
import { caughtUp, readReplicationStats } from '../replication-stats.js';
import { type Check, type CheckFinding, runCheck } from '../run-check.js';
import { NODE_NAMES, type NodeName } from '../types.js';
import { poll } from '../wait.js';

export interface AgreementSetup {
  clients: Record<NodeName, MemcachedClient>;
  keys: ProbeKeys;
  visibleWithinMs: number;
  maxClockOffsetMs: number;
  /** Checks that this engine can't pass, by id, with the reason. */
  limits: ReadonlyMap<string, string>;
  signal?: AbortSignal | undefined;
}

interface AgreementCheck extends Check {
  run(setup: AgreementSetup): Promise<CheckFinding>;
}

const CHECKS: readonly AgreementCheck[] = [
  {
    id: 'settled',
    title: 'both nodes are in sync with nothing left to send',
    remedy: 'see `repcachectl status`; a node that stays behind is cut off or overloaded',
    run: checkSettled,
  },
  {
    id: 'digest',
    title: 'both nodes hold the same items (value, flags, CAS unique)',
    remedy: 'restart one node with `repcachectl restart`: it then takes a full copy from its peer',
    run: checkDigest,
  },
  {
    id: 'clocks',
    title: "the nodes' clocks agree",
    remedy: 'run an NTP client (such as chrony) on both hosts',
    run: checkClocks,
  },
];

export async function checkAgreement(
  setup: AgreementSetup,
  onCheck: (result: CheckResult) => void,
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const check of CHECKS) {
    const result = await runCheck(
      check,
      async () => {
        const skipped = setup.limits.get(check.id);
        return skipped === undefined ? await check.run(setup) : { skipped };
      },
      setup.signal,
    );
    results.push(result);
    onCheck(result);
  }
  return results;
}

async function checkSettled({ clients, visibleWithinMs, signal }: AgreementSetup): Promise<CheckFinding> {
  // On a busy pair something is always under way: what counts is that all that was logged by now has arrived.
  const startedAt = await both(clients);
  let now = startedAt;
  const settled = async () => {
    now = await both(clients);
    return NODE_NAMES.every((name) => caughtUp(now[name], startedAt[name].logSeq)) ? true : undefined;
  };
  if ((await poll(settled, { withinMs: visibleWithinMs, everyMs: 20, signal })) === undefined) {
    const seen = NODE_NAMES.map((name) => `${name}: ${now[name].state}, ${now[name].unacked} unacknowledged`);
    throw new CheckFailure('synced, 0 unacknowledged on both', seen.join('; '));
  }
  return { detail: `${now.a.conflicts + now.b.conflicts} conflicts resolved since start` };
}

async function checkDigest({
  clients,
  keys,
  visibleWithinMs,
  signal,
}: AgreementSetup): Promise<CheckFinding> {
  let last = await compareNodes(clients, keys.all());
  const alike = async () => {
    last = await compareNodes(clients, keys.all());
    return last.differences.length === 0 ? true : undefined;
  };
  await poll(alike, { withinMs: visibleWithinMs, everyMs: 50, signal });
  if (last.differences.length > 0) {
    throw new CheckFailure(
      `the same for all ${last.present} keys`,
      `${last.differences.length} differ: ${describeDifferences(last.differences)}`,
    );
  }
  if (last.present === 0) throw new CheckFailure('items to compare', 'none on either node');
  return { detail: `${last.present} items, sha256 ${last.digests.a.slice(0, 12)}` };
}

async function checkClocks({ clients, maxClockOffsetMs }: AgreementSetup): Promise<CheckFinding> {
  const { a, b } = await both(clients);
  const offsetMs = Math.max(Math.abs(a.clockOffsetMs), Math.abs(b.clockOffsetMs));
  if (offsetMs > maxClockOffsetMs) {
    throw new CheckFailure(`at most ${maxClockOffsetMs} ms apart`, `${offsetMs} ms`);
  }
  return { detail: `${offsetMs} ms apart` };
}

async function both(clients: Readonly<Record<NodeName, MemcachedClient>>) {
  const [a, b] = await Promise.all([readReplicationStats(clients.a), readReplicationStats(clients.b)]);
  return { a, b };
}
