// What a migration did (or would do), and what is left of the legacy program.
import type { MigrateReport } from '../pair/migrate/migrate.js';
import { paintFor, type RenderOptions } from './paint.js';

export function renderMigration(report: MigrateReport, options: RenderOptions): string {
  const { direction, dryRun, found, moves, removed, configFile, programKept } = report;
  const paint = paintFor(options);
  const lines = report.checks
    .filter(({ outcome }) => outcome === 'warning')
    .map(({ node, detail }) => paint.yellow(`Warning: ${node === undefined ? '' : `${node}: `}${detail}`));
  if (dryRun) {
    lines.push(
      `a is ${found.a}, b is ${found.b}. ${moves.length === 0 ? 'No node would be touched.' : 'In this order:'}`,
    );
    lines.push(...moves.map(({ title }, index) => `  ${index + 1}. ${title}`));
    lines.push('Nothing was changed (--dry-run).');
    return lines.join('\n');
  }
  const isDone = moves.length > 0 || removed.a.length > 0 || removed.b.length > 0;
  if (direction === 'back') {
    const done = 'The pair runs the legacy program again, and is linked.';
    lines.push(paint.bold(moves.length > 0 ? done : 'Both nodes run the legacy program.'));
    return lines.join('\n');
  }
  lines.push(
    paint.bold(isDone ? 'The pair runs our engine and is in sync.' : 'The pair runs our engine already.'),
  );
  if (isDone) {
    lines.push(
      `  ${configFile} says so; the other verbs go by it.`,
      `  The legacy units are gone from both hosts. The program itself still lies in ${programKept}: remove it when you like.`,
    );
  }
  return lines.join('\n');
}
