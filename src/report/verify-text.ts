// A verify report for the terminal.
import type { DirectionReport, LagSummary, VerifyReport } from '../pair/verify/report.js';
import { renderChecks } from './check-table.js';
import { paintFor, type RenderOptions } from './paint.js';
import { wrapText } from './table.js';
import { formatMs } from './units.js';

/** Ends with one line that says it all. No trailing newline. */
export function renderVerify(report: VerifyReport, options: RenderOptions): string {
  const paint = paintFor(options);
  const { a, b } = report.nodes;
  const lines = [paint.bold(`Pair of a (${a}) and b (${b})`), ...renderChecks(report.preflight, options)];
  for (const direction of report.directions) lines.push('', ...renderDirection(direction, options));
  if (report.agreement.length > 0)
    lines.push('', paint.bold('Both nodes'), ...renderChecks(report.agreement, options));
  lines.push('', summary(report, options));
  return lines.join('\n');
}

function renderDirection(direction: DirectionReport, options: RenderOptions): string[] {
  const title = paintFor(options).bold(`Written on ${direction.from}, seen on ${direction.to}`);
  const lines = [title, ...renderChecks(direction.checks, { ...options, withLag: true })];
  if (direction.lag !== undefined)
    lines.push(...wrapText(describeLag(direction.lag), options.width, { first: '  ' }));
  return lines;
}

function describeLag(lag: LagSummary): string {
  const figures = [
    `min ${formatMs(lag.minMs)}`,
    `p50 ${formatMs(lag.p50Ms)}`,
    `p95 ${formatMs(lag.p95Ms)}`,
    `p99 ${formatMs(lag.p99Ms)}`,
    `max ${formatMs(lag.maxMs)}`,
  ];
  return `lag of ${lag.samples} writes: ${figures.join(', ')} (a poll alone takes ${formatMs(lag.pollMs)})`;
}

function summary(report: VerifyReport, options: RenderOptions): string {
  const paint = paintFor(options);
  const checks = [
    ...report.preflight,
    ...report.directions.flatMap((each) => each.checks),
    ...report.agreement,
  ];
  const count = (outcome: string) => checks.filter((check) => check.outcome === outcome).length;
  const skipped = count('skipped') === 0 ? '' : `, ${count('skipped')} skipped`;
  const took = formatMs(report.ms);
  if (report.ok) return paint.green(`The pair holds: ${count('ok')} checks ok${skipped}, in ${took}.`);
  const failed = count('failed') === 1 ? '1 check' : `${count('failed')} checks`;
  return paint.red(`The pair does NOT hold: ${failed} failed, ${count('ok')} ok${skipped}, in ${took}.`);
}
