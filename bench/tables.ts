// Tables of results: aligned for a terminal, or in Markdown for docs/performance.md.
import { type Column, renderTable } from '../src/report/table.js';

export type TableFormat = 'text' | 'markdown';

const WIDTH = 160;

export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  format: TableFormat,
): string[] {
  if (format === 'text') return renderTable(columns, rows, WIDTH);
  const rule = columns.map(({ align }) => (align === 'right' ? '---:' : '---'));
  return [columns.map(({ title }) => title), rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`);
}

/** A column of figures. */
export function figure(title: string): Column {
  return { title, align: 'right' };
}
