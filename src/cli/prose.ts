// Help texts as they are written in the sources: lines broken where the editor wants, joined again for the terminal.

/** Template tag: line breaks become spaces, blank lines stay. */
export function prose(text: TemplateStringsArray): string {
  return text
    .join('')
    .trim()
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.replace(/\s*\n\s*/g, ' '))
    .join('\n\n');
}
