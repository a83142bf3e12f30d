// A drill report for the terminal: per round the checks, the measures, the writes lost, and a time line.
import type { DrillReport, DrillRound, TimelineEvent } from '../pair/drill/report.js';
import { renderChecks } from './check-table.js';
import { paintFor, type RenderOptions } from './paint.js';
import { renderTable } from './table.js';
import { formatMs } from './units.js';

const LOST_SHOWN = 10;

/** Ends with one line that says it all. No trailing newline. */
export function renderDrill(report: DrillReport, options: RenderOptions): string {
  const paint = paintFor(options);
  const { a, b } = report.nodes;
  const lines = [
    paint.bold(`Failover drill on a (${a}) and b (${b})`),
    ...renderChecks(report.preflight, options),
  ];
  for (const round of report.rounds) lines.push('', ...renderRound(round, options));
  lines.push('', summary(report, options));
  return lines.join('\n');
}

/** `+12.345 s  b is killed`: one event, as it happens or in the report. */
export function renderEvent({ atMs, what }: TimelineEvent): string {
  return `${`+${(atMs / 1000).toFixed(3)} s`.padStart(11)}  ${what}`;
}

function renderRound(round: DrillRound, options: RenderOptions): string[] {
  const paint = paintFor(options);
  const lines = [
    paint.bold(`Node ${round.victim} killed, ${round.survivor} survives`),
    ...renderChecks(round.checks, options),
    '',
    ...renderMeasures(round, options),
  ];
  if (round.lost.length > 0) lines.push('', ...renderLost(round, options));
  lines.push('', paint.bold('  Time line'), ...round.timeline.map((event) => `  ${renderEvent(event)}`));
  return lines;
}

function renderMeasures(round: DrillRound, options: RenderOptions): string[] {
  const { lossWindowMs } = round;
  const window = lossWindowMs === undefined ? '' : ` (all within ${formatMs(lossWindowMs)} before the kill)`;
  const rows = [
    ['writes acknowledged', String(round.ackedWrites)],
    [`acknowledged by ${round.victim} before the kill`, String(round.ackedByVictim)],
    ['of these lost', `${round.lost.length}${window}`],
    ['errors that clients saw', String(round.clientErrors)],
    ...round.errorSamples.map((sample, index) => [index === 0 ? '  such as' : '', sample]),
    ['longest time a client could not write', optionalMs(round.longestGapMs)],
    [`${round.victim} serves again after`, optionalMs(round.portOpenMs)],
    ['in sync again after', optionalMs(round.resyncMs)],
  ];
  const columns = [{ title: '' }, { title: '', flexible: true }];
  return renderTable(columns, rows, options.width - 2).map((line) => `  ${line}`);
}

function renderLost({ lost }: DrillRound, options: RenderOptions): string[] {
  const columns = [{ title: 'lost' }, { title: 'key', flexible: true }, { title: 'before the kill' }];
  const rows = lost
    .slice(0, LOST_SHOWN)
    .map(({ key, kind, beforeKillMs }) => [kind, key, formatMs(beforeKillMs)]);
  const lines = renderTable(columns, rows, options.width - 2).map((line) => `  ${line}`);
  if (lost.length > LOST_SHOWN) lines.push(`  and ${lost.length - LOST_SHOWN} more (--json lists all)`);
  return lines;
}

function optionalMs(ms: number | undefined): string {
  return ms === undefined ? '-' : formatMs(ms);
}

function summary(report: DrillReport, options: RenderOptions): string {
  const paint = paintFor(options);
  const lost = report.rounds.reduce((sum, round) => sum + round.lost.length, 0);
  const acked = report.rounds.reduce((sum, round) => sum + round.ackedWrites, 0);
  const figures = `${lost} of ${acked} acknowledged writes lost, in ${formatMs(report.ms)}`;
  if (report.ok) return paint.green(`The drill passed: ${figures}.`);
  if (report.rounds.length === 0) return paint.red('The drill did not begin: nothing was killed.');
  return paint.red(`The drill FAILED: ${figures}.`);
}
