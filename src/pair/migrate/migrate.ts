// migrate: from a legacy pair to our engine without losing a key, one node at a time; or back, while a legacy node can
// still take the data. Where it stands is read from the hosts each time, so one that was stopped is simply run again.
import { randomBytes } from 'node:crypto';
import { OperatorError } from '../../errors.js';
import { LEGACY_SETTINGS, PREFIX } from '../../legacy/layout.js';
import type { NodeSpec, Step } from '../../service/service.js';
import { systemdFileSteps } from '../../service/systemd-install.js';
import { nodeLayout } from '../../service/systemd-layout.js';
import type { LocatedPair } from '../config/locate.js';
import { renderPairFile, writePairFile } from '../config/write.js';
import type { HostCheck } from '../deploy/checks.js';
import { findIdentity } from '../deploy/found-identity.js';
import { agreeOnIdentity } from '../deploy/identity.js';
import { runSteps, summaryOf } from '../deploy/install.js';
import { nodeSpec } from '../deploy/spec.js';
import { isStale } from '../deploy/staleness.js';
import { surveyHosts } from '../deploy/survey.js';
import { onBoth } from '../on-both.js';
import { type Access, closePair, openPair } from '../open.js';
import type { OpenPair } from '../open-pair.js';
import type { Progress } from '../progress.js';
import { waitForSync } from '../sync.js';
import type { NodeName, PairConfig } from '../types.js';
import { withLegacySizes } from './legacy-sizes.js';
import { describeMove, makeMove } from './move.js';
import { type Move, planMigration, planReturn } from './plan.js';
import { findStages, legacyService, ourService, pairAt, type Stages } from './stage.js';

export interface MigrateOptions {
  readonly direction: 'forward' | 'back';
  readonly dryRun: boolean;
  readonly access: Access;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** Ready for JSON. */
export interface MigrateReport {
  readonly direction: 'forward' | 'back';
  readonly dryRun: boolean;
  /** How each node was found. */
  readonly found: Stages;
  /** What was done (with `dryRun`: would be), in order. */
  readonly moves: readonly (Move & { readonly title: string })[];
  /** What was taken off each host at the end. */
  readonly removed: Readonly<Record<NodeName, readonly string[]>>;
  readonly checks: readonly HostCheck[];
  /** Where the legacy program still lies. */
  readonly programKept: string;
  readonly configFile: string;
}

/** What our engine is told beside its settings while its peer is a legacy node. */
const BRIDGE_FLAGS: readonly string[] = ['--repl-protocol', 'legacy', '--repl-insecure'];
const NOTHING_REMOVED = { a: [], b: [] } as const;

/** @throws OperatorError; the pair serves as it stood between two moves, and the next run goes on from there */
export async function migratePair(located: LocatedPair, options: MigrateOptions): Promise<MigrateReport> {
  const { access, progress } = options;
  refuseOthers(located.config);
  const config: PairConfig = { ...located.config, engine: 'repcached' };
  const opened = await progress.step('Connect to both hosts', () => openPair(config, access));
  try {
    // Without a repcache.yaml the hosts know better how large the nodes are.
    const sized = located.text === undefined ? await withLegacySizes(opened) : opened;
    return await (options.direction === 'forward' ? forward : back)(sized, located, options);
  } finally {
    await closePair(opened);
  }
}

async function forward(
  pair: OpenPair,
  located: LocatedPair,
  options: MigrateOptions,
): Promise<MigrateReport> {
  const { dryRun, signal, progress } = options;
  const found = await lookAt(pair, options);
  const settled = await onBoth((name) => isSettled(pair, name, found));
  const moves = planMigration(found, settled);
  const standing = pairAt(pair, found);
  const { checks, releases } = await surveyHosts({ ...standing, config: pair.config }, progress);
  // Before anything is installed; where one is down already, the other one is all there is.
  if (found.a === 'legacy' && found.b === 'legacy') {
    await progress.step('Check that the legacy nodes are linked', () =>
      waitForSync(standing, { signal, stalledAfterMs: 5_000 }),
    );
  }
  const report = reportOf({ found, moves, checks, removed: NOTHING_REMOVED }, located, options);
  if (dryRun) return report;

  const identities = await onBoth((name) => findIdentity(pair, name));
  const pairId = located.config.pair ?? identities.a.pairId ?? identities.b.pairId;
  const identity = agreeOnIdentity(identities, pairId ?? randomBytes(8).toString('hex'));
  const specs = await onBoth(async (name) => nodeSpec(pair, name, releases[name], identity));
  await progress.both('Install our engine beside it', async (name, say) => {
    if (found[name] === 'own' || found[name] === 'bridge') return say('runs already');
    await change(filesOf(pair, name, specs[name], true), say, signal);
  });
  const filesFor = ({ node, to }: Move): Step[] => filesOf(pair, node, specs[node], to === 'bridge');
  let stages = found;
  for (const move of moves) stages = await makeMove(pair, stages, move, { filesFor, signal, progress });

  const text = renderPairFile({ ...withoutVerbatim(pair.config), pair: identity.pairId }, located.text);
  if (text !== located.text) await writePairFile(located.path, text);
  const removed = await progress.both('Remove the legacy node', (name, say) =>
    change(legacyService(pair, name).retireSteps(), say, signal),
  );
  return { ...report, removed };
}

async function back(pair: OpenPair, located: LocatedPair, options: MigrateOptions): Promise<MigrateReport> {
  const { dryRun, signal, progress } = options;
  const found = await lookAt(pair, options);
  const moves = planReturn(found);
  for (const { node } of moves) await refuseWithoutLegacy(pair, node);
  const report = reportOf({ found, moves, checks: [], removed: NOTHING_REMOVED }, located, options);
  if (dryRun) return report;

  let stages = found;
  const filesFor = (): Step[] => [];
  for (const move of moves) stages = await makeMove(pair, stages, move, { filesFor, signal, progress });
  const removed = await progress.both('Remove our engine', (name, say) =>
    change(ourService(pair, name).uninstallSteps(), say, signal),
  );
  return { ...report, removed };
}

function lookAt(pair: OpenPair, { signal, progress }: MigrateOptions): Promise<Stages> {
  return progress.step('Look at both nodes', async (say) => {
    const stages = await findStages(pair, signal);
    say(`a ${stages.a}, b ${stages.b}`);
    return stages;
  });
}

/** Our engine and its settings. The upload may take its time, so that is done while what is there still serves. */
function filesOf(pair: OpenPair, name: NodeName, spec: NodeSpec, isBridge: boolean): Step[] {
  const replicationFlags = isBridge ? BRIDGE_FLAGS : spec.replicationFlags;
  return systemdFileSteps(pair.nodes[name].host, { ...spec, replicationFlags });
}

async function change(
  steps: readonly Step[],
  say: (detail: string) => void,
  signal: AbortSignal,
): Promise<string[]> {
  const titles = (await runSteps(steps, { dryRun: false, signal, say })).map(({ title }) => title);
  say(summaryOf(titles, 'nothing to change'));
  return titles;
}

/** Whether a node that speaks our own protocol was also started for it, and is not one that changed over. */
async function isSettled(pair: OpenPair, name: NodeName, stages: Stages): Promise<boolean> {
  if (stages[name] !== 'own') return false;
  const { host, config } = pair.nodes[name];
  const settings = await host.readFile(nodeLayout(config.port).environmentFile, { root: true });
  if (settings?.includes(BRIDGE_FLAGS.join(' ')) === true) return false;
  return !(await isStale({ ...pairAt(pair, stages), config: pair.config }, name));
}

async function refuseWithoutLegacy(pair: OpenPair, name: NodeName): Promise<void> {
  const { host, config } = pair.nodes[name];
  const settings = `${LEGACY_SETTINGS}/${config.port}.env`;
  if ((await host.readFile(settings, { root: true })) !== undefined) return;
  throw new OperatorError(`${name} has no legacy node to go back to: ${settings} is missing`, {
    code: 'NO_WAY_BACK',
    exit: 'unsuitable',
    suggestions: ['go on with repcachectl migrate --to repcached'],
  });
}

function refuseOthers({ local, engine }: PairConfig): void {
  if (!local && engine !== 'stock') return;
  const what = local
    ? 'a local pair runs our engine already'
    : "the distribution's memcached replicates nothing";
  throw new OperatorError(`there is nothing to migrate: ${what}`, {
    code: 'NOT_LEGACY',
    exit: 'usage',
    suggestions: ['name a legacy pair with --config FILE, or with --a and --b'],
  });
}

function withoutVerbatim({ verbatim: _, ...config }: PairConfig): PairConfig {
  return config;
}

function reportOf(
  parts: Pick<MigrateReport, 'found' | 'checks' | 'removed'> & { readonly moves: readonly Move[] },
  { path }: LocatedPair,
  { direction, dryRun }: MigrateOptions,
): MigrateReport {
  const moves = parts.moves.map((move) => ({ ...move, title: describeMove(move) }));
  return { direction, dryRun, ...parts, moves, programKept: PREFIX, configFile: path };
}
