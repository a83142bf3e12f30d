// A unified diff of a text that only lost lines.

const CONTEXT = 3;

/** The diff as `patch -p1` takes it, without a trailing newline; '' when nothing was taken away. */
export function removalDiff(fileName: string, text: string, removed: readonly number[]): string {
  if (removed.length === 0) return '';
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''));
  // A text that ends with a newline has no line after it.
  if (lines.at(-1) === '') lines.pop();
  const output = [`--- a/${fileName}`, `+++ b/${fileName}`];
  let before = 0;
  for (const hunk of hunksOf(removed)) {
    const first = Math.max(0, hunk[0] - CONTEXT);
    const last = Math.min(lines.length - 1, hunk.at(-1)! + CONTEXT);
    const length = last - first + 1;
    const newFirst = first + 1 - before;
    output.push(`@@ -${first + 1},${length} +${newFirst},${length - hunk.length} @@`);
    for (let at = first; at <= last; at += 1) output.push(`${hunk.includes(at) ? '-' : ' '}${lines[at]}`);
    before += hunk.length;
  }
  return output.join('\n');
}

/** Removed lines whose contexts touch belong together. */
function hunksOf(removed: readonly number[]): number[][] {
  const hunks: number[][] = [];
  for (const at of removed) {
    const current = hunks.at(-1);
    if (current !== undefined && at - current.at(-1)! <= 2 * CONTEXT + 1) current.push(at);
    else hunks.push([at]);
  }
  return hunks;
}
