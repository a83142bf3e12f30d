// Check results as a table, and under it what failed, why, and what to do.
import type { ChalkInstance } from 'chalk';
import type { CheckResult } from '../pair/check-result.js';
import { paintFor, type RenderOptions } from './paint.js';
import { renderTable, wrapText } from './table.js';
import { formatMs } from './units.js';

/** `withLag` adds the column of how long each write took to show on the peer. */
export function renderChecks(
  checks: readonly CheckResult[],
  options: RenderOptions & { withLag?: boolean },
): string[] {
  const paint = paintFor(options);
  const columns = [
    { title: '' },
    { title: 'check', flexible: true },
    ...(options.withLag ? [{ title: 'on the peer after', align: 'right' as const }] : []),
    { title: 'took', align: 'right' as const },
  ];
  const rows = checks.map((check) => [
    outcomeMark(check, paint),
    check.detail === undefined ? check.title : `${check.title}: ${check.detail}`,
    ...(options.withLag ? [check.visibleMs === undefined ? '' : formatMs(check.visibleMs)] : []),
    check.outcome === 'skipped' ? 'skipped' : formatMs(check.ms),
  ]);
  const lines = renderTable(columns, rows, options.width - 2).map((line) => `  ${line}`);
  for (const check of checks.filter(({ outcome }) => outcome === 'failed')) {
    lines.push('', ...renderFailure(check, options));
  }
  return lines;
}

function renderFailure(check: CheckResult, options: RenderOptions): string[] {
  const paint = paintFor(options);
  const facts: [string, string | undefined][] = [
    ['expected', check.expected],
    ['saw', check.seen],
    ['remedy', check.remedy],
  ];
  const lines = [paint.red(`  FAILED ${check.title}`)];
  for (const [label, text] of facts) {
    if (text !== undefined) lines.push(...wrapText(text, options.width, { first: `    ${label.padEnd(9)}` }));
  }
  return lines;
}

function outcomeMark({ outcome }: CheckResult, paint: ChalkInstance): string {
  switch (outcome) {
    case 'ok':
      return paint.green('ok');
    case 'failed':
      return paint.red('FAILED');
    case 'skipped':
      return paint.yellow('-');
  }
}
