// The one change that repcached's source needs to compile on Linux: IOV_MAX must be defined there too.
// memcached.c defines it only inside an #if for FreeBSD and Apple; the patch takes that inner #if and its #endif away.
import { OperatorError } from '../errors.js';

/** The file that holds the block, at the top of the source tree. */
export const PATCHED_FILE = 'memcached.c';

export interface PatchResult {
  /** `already`: nothing to do, the text is as it was. */
  readonly state: 'patched' | 'already';
  readonly text: string;
  /** Indexes of the lines that were taken away, in the original text; empty when there was nothing to do. */
  readonly removed: readonly number[];
}

interface Block {
  /** Indexes of `#ifndef IOV_MAX` and its `#endif`. */
  readonly first: number;
  readonly last: number;
}

const OPENING = /^#ifndefIOV_MAX$/;
const DEFINITION = /^#defineIOV_MAX\(?\d+\)?$/;
const INNER_IF = /^#ifdefined\(?__FreeBSD__\)?\|\|defined\(?__APPLE__\)?$/;

/**
 * Patches the text of memcached.c; line ends stay as they are. A second run changes nothing.
 * @throws OperatorError `PATCH_REFUSED` (exit unsuitable) with the lines found, when the block is missing, cut off, or
 *   neither the original nor the patched one.
 */
export function patchIovMax(text: string): PatchResult {
  const lines = text.split('\n');
  const directives = directivesOf(lines);
  const blocks = findBlocks(lines, directives);
  if (blocks.length === 0) throw missing(lines);
  const removed = blocks.flatMap((block) => guardLines(lines, directives, block));
  const gone = new Set(removed);
  return {
    state: removed.length === 0 ? 'already' : 'patched',
    text: removed.length === 0 ? text : lines.filter((_, index) => !gone.has(index)).join('\n'),
    removed,
  };
}

/** Each line without comments and white space, so that spacing does not matter; comments may span lines. */
function directivesOf(lines: readonly string[]): string[] {
  let inComment = false;
  return lines.map((line) => {
    let rest = line;
    let code = '';
    while (rest !== '') {
      if (inComment) {
        const end = rest.indexOf('*/');
        if (end === -1) break;
        rest = rest.slice(end + 2);
        inComment = false;
        continue;
      }
      // Quotes are passed over whole, as a `/*` inside them begins no comment.
      const found = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\/\*|\/\//.exec(rest);
      if (found === null || found[0] === '//') {
        code += found === null ? rest : rest.slice(0, found.index);
        break;
      }
      const isComment = found[0] === '/*';
      const end = found.index + found[0].length;
      code += rest.slice(0, isComment ? found.index : end);
      rest = rest.slice(end);
      inComment = isComment;
    }
    return code.replace(/\s+/g, '');
  });
}

/** Every `#ifndef IOV_MAX` with the `#endif` that belongs to it. */
function findBlocks(lines: readonly string[], directives: readonly string[]): Block[] {
  const blocks: Block[] = [];
  for (let first = 0; first < directives.length; first += 1) {
    if (!OPENING.test(directives[first])) continue;
    let depth = 0;
    let last = first;
    for (; last < directives.length; last += 1) {
      if (/^#if/.test(directives[last])) depth += 1;
      if (/^#endif/.test(directives[last])) depth -= 1;
      if (depth === 0) break;
    }
    if (depth > 0) throw refused(`the #ifndef IOV_MAX block has no #endif`, lines, first, first + 5);
    blocks.push({ first, last });
    first = last;
  }
  return blocks;
}

/** The lines to take out of one block: none where it is patched already. */
function guardLines(lines: readonly string[], directives: readonly string[], block: Block): number[] {
  const body: number[] = [];
  for (let index = block.first + 1; index < block.last; index += 1) {
    if (directives[index] !== '') body.push(index);
  }
  const [one, two, three] = body.map((index) => directives[index]);
  if (body.length === 1 && DEFINITION.test(one)) return [];
  if (body.length === 3 && INNER_IF.test(one) && DEFINITION.test(two) && three === '#endif') {
    return [body[0], body[2]];
  }
  throw refused(
    'the #ifndef IOV_MAX block is neither the original nor the patched one',
    lines,
    block.first,
    block.last,
  );
}

function missing(lines: readonly string[]): OperatorError {
  const mentions = lines.flatMap((line, index) => (line.includes('IOV_MAX') ? [index] : []));
  const why = 'there is no #ifndef IOV_MAX block';
  if (mentions.length === 0)
    return refusal(`${PATCHED_FILE}: ${why}, and no other line speaks of IOV_MAX either`);
  return refusal(`${PATCHED_FILE}: ${why}; found:\n${mentions.map((at) => shown(lines, at)).join('\n')}`);
}

function refused(why: string, lines: readonly string[], first: number, last: number): OperatorError {
  const found: string[] = [];
  for (let at = first; at <= Math.min(last, lines.length - 1); at += 1) found.push(shown(lines, at));
  return refusal(`${PATCHED_FILE}: ${why}; found:\n${found.join('\n')}`);
}

function shown(lines: readonly string[], index: number): string {
  return `  ${index + 1}: ${lines[index].trimEnd()}`;
}

function refusal(message: string): OperatorError {
  return new OperatorError(message, {
    code: 'PATCH_REFUSED',
    exit: 'unsuitable',
    suggestions: [
      'compare it with the source of repcached 2.2.1 or 2.3.1: is this another version, or edited by hand?',
      'make the block read: #ifndef IOV_MAX, # define IOV_MAX 1024, #endif; then run the same command again',
    ],
  });
}
