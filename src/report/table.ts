// Tables in plain text: two spaces between columns, one column gives way when the width is not enough.
import { stripVTControlCharacters } from 'node:util';

export interface Column {
  title: string;
  align?: 'left' | 'right';
  /** Takes what room is left and is cut where that is too little. At most one column of a table. */
  flexible?: boolean;
}

const GAP = '  ';
const MIN_FLEXIBLE = 8;

/** Lines without trailing spaces. Cells may hold colours; control characters other than those are up to the caller. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): string[] {
  const titles = columns.map(({ title }) => title);
  const lines = titles.some((title) => title !== '') ? [titles, ...rows] : rows;
  const widths = columns.map((_, index) => Math.max(0, ...lines.map((cells) => visibleLength(cells[index]))));
  const flexible = columns.findIndex((column) => column.flexible);
  if (flexible !== -1) {
    const others = widths.reduce((sum, each, index) => sum + (index === flexible ? 0 : each), 0);
    const room = width - others - GAP.length * (columns.length - 1);
    widths[flexible] = Math.min(widths[flexible], Math.max(MIN_FLEXIBLE, room));
  }
  return lines.map((cells) =>
    cells
      .map((cell, index) => sized(cell, widths[index], columns[index].align ?? 'left'))
      .join(GAP)
      .trimEnd(),
  );
}

/** Breaks at spaces; what follows the first line is indented. A single word that is too long stays whole. */
export function wrapText(
  text: string,
  width: number,
  options: { first?: string; indent?: number } = {},
): string[] {
  const { first = '', indent = first.length } = options;
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of text.split(' ')) {
    if (!isEmpty && visibleLength(line) + 1 + visibleLength(word) > width) {
      lines.push(line);
      line = ' '.repeat(indent);
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  lines.push(line);
  return lines;
}

function sized(cell: string, width: number, align: 'left' | 'right'): string {
  const length = visibleLength(cell);
  // A cut cell loses its colour: an escape sequence must never be cut in two.
  if (length > width) return `${stripVTControlCharacters(cell).slice(0, width - 1)}…`;
  const padding = ' '.repeat(width - length);
  return align === 'right' ? padding + cell : cell + padding;
}

function visibleLength(text: string): number {
  return stripVTControlCharacters(text).length;
}
