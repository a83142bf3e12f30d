// The failover drill: each node in turn is killed under load, and must come back with everything it missed.
import { addressesOf, type OpenPair } from '../open-pair.js';
import { preflight } from '../preflight.js';
import { sinceMs } from '../run-check.js';
import type { DrillOptions, DrillReport } from './report.js';
import { type RoundOptions, runRound } from './round.js';

/**
 * Kills a pair's nodes, one after the other; only ever one at a time, and only while both are in sync.
 * What fails is in the report, and a round that fails ends the drill.
 * @throws the signal's reason, once the node is back and the drill's keys are removed.
 * @throws AggregateError when, after an abort, not everything could be put back.
 */
export async function runDrill(pair: OpenPair, options: DrillOptions = {}): Promise<DrillReport> {
  const startedAt = new Date().toISOString();
  const begun = performance.now();
  const { checks, clients } = await preflight(pair, options.signal);
  clients?.a.close();
  clients?.b.close();
  const report: DrillReport = {
    ok: false,
    nodes: addressesOf(pair),
    startedAt,
    ms: 0,
    preflight: checks,
    rounds: [],
  };
  const victims = clients === undefined ? [] : (options.victims ?? ['b', 'a']);
  for (const victim of victims) {
    const round = await runRound(pair, victim, withDefaults(options));
    report.rounds.push(round);
    if (!round.ok) break;
  }
  report.ok =
    victims.length > 0 && report.rounds.length === victims.length && report.rounds.every(({ ok }) => ok);
  report.ms = sinceMs(begun);
  return report;
}

function withDefaults(options: DrillOptions): RoundOptions {
  const { victims: _, ...given } = options;
  return {
    baselineKeys: 500,
    connections: 4,
    writesPerSec: 200,
    loadBeforeSec: 2,
    downSec: 3,
    loadAfterSec: 1,
    restoreAfterSec: 120,
    resyncWithinSec: 60,
    maxLost: Number.POSITIVE_INFINITY,
    ...given,
  };
}
