// The IOV_MAX patch: which blocks it recognises, what it leaves alone, and what it says when it refuses.
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { removalDiff } from '../../../src/legacy/diff.js';
import { patchIovMax } from '../../../src/legacy/patch.js';
import { patchFolder } from '../../../src/legacy/patch-folder.js';

const around = (block: string): string =>
  `#include <limits.h>\n#include <stddef.h>\n\n${block}\n\nint main(void) { return IOV_MAX > 0; }\n`;

const ORIGINAL = around(`/* FreeBSD 4.x doesn't have IOV_MAX exposed. */
#ifndef IOV_MAX
#if defined(__FreeBSD__) || defined(__APPLE__)
# define IOV_MAX 1024
#endif
#endif`);

const PATCHED = around(`/* FreeBSD 4.x doesn't have IOV_MAX exposed. */
#ifndef IOV_MAX
# define IOV_MAX 1024
#endif`);

describe('the IOV_MAX patch', () => {
  it('takes the inner #if and its #endif out of the original', () => {
    expect(patchIovMax(ORIGINAL)).toMatchObject({ state: 'patched', text: PATCHED });
  });

  it('changes nothing in its own result', () => {
    expect(patchIovMax(PATCHED)).toEqual({ state: 'already', text: PATCHED, removed: [] });
  });

  it.each([
    ['other spacing', '#ifndef IOV_MAX\n#define IOV_MAX   1024\n#endif'],
    ['blanks and tabs around the signs', '  #  ifndef\tIOV_MAX\n\n\t# define IOV_MAX 1024\n\n # endif'],
    [
      'comments beside it',
      '#ifndef IOV_MAX /* Linux */\n# define IOV_MAX 1024 // as UIO_MAXIOV\n#endif /* IOV_MAX */',
    ],
    [
      'the guard commented out',
      '#ifndef IOV_MAX\n/* #if defined(__FreeBSD__)\n*/\n# define IOV_MAX 1024\n/* #endif */\n#endif',
    ],
    ['another number', '#ifndef IOV_MAX\n# define IOV_MAX 512\n#endif'],
  ])('recognises what was patched by hand: %s', (_, block) => {
    const text = around(block);
    expect(patchIovMax(text)).toMatchObject({ state: 'already', text });
  });

  it.each([
    [
      'no spaces',
      '#ifndef IOV_MAX\n#if defined(__FreeBSD__)||defined(__APPLE__)\n#define IOV_MAX 1024\n#endif\n#endif',
    ],
    [
      'many spaces',
      '# ifndef  IOV_MAX\n#  if defined( __FreeBSD__ )  ||  defined( __APPLE__ )\n#   define IOV_MAX 1024\n#  endif\n# endif',
    ],
    [
      'comments at the ends',
      '#ifndef IOV_MAX\n#if defined(__FreeBSD__) || defined(__APPLE__)\n# define IOV_MAX 1024\n#endif /* BSD */\n#endif /* IOV_MAX */',
    ],
  ])('patches the original in other spacing: %s', (_, block) => {
    const result = patchIovMax(around(block));
    expect(result.state).toBe('patched');
    expect(patchIovMax(result.text).state).toBe('already');
    expect(result.text).not.toContain('__APPLE__');
  });

  it('keeps CRLF line ends', () => {
    const crlf = (text: string): string => text.replaceAll('\n', '\r\n');
    expect(patchIovMax(crlf(ORIGINAL))).toMatchObject({ state: 'patched', text: crlf(PATCHED) });
    expect(patchIovMax(crlf(PATCHED))).toMatchObject({ state: 'already', text: crlf(PATCHED) });
  });

  it('patches the block of 2.3.1, which stands after other includes', () => {
    const block = `#if defined(__FreeBSD__)\n#include <sys/ucred.h>\n#endif
/* FreeBSD 4.x doesn't have IOV_MAX exposed. */
#ifndef IOV_MAX
#if defined(__FreeBSD__) || defined(__APPLE__)
# define IOV_MAX 1024
#endif
#endif

#ifdef USE_REPLICATION
static int rep_exit(void);
#endif`;
    const { state, text } = patchIovMax(around(block));
    expect(state).toBe('patched');
    expect(text).toContain('#ifndef IOV_MAX\n# define IOV_MAX 1024\n#endif\n\n#ifdef USE_REPLICATION');
    expect(text).toContain('#if defined(__FreeBSD__)\n#include <sys/ucred.h>\n#endif');
  });

  it('patches each of several blocks, and knows the ones that are done', () => {
    const { state, text, removed } = patchIovMax(`${ORIGINAL}${PATCHED}${ORIGINAL}`);
    expect(state).toBe('patched');
    expect(text).toBe(`${PATCHED}${PATCHED}${PATCHED}`);
    expect(removed).toHaveLength(4);
  });

  it('refuses all of it when one of several blocks looks different', () => {
    const odd = around('#ifndef IOV_MAX\n# include <sys/uio.h>\n#endif');
    expect(() => patchIovMax(ORIGINAL + odd)).toThrow(/neither the original nor the patched/);
  });

  it.each([
    [
      'another condition',
      '#ifndef IOV_MAX\n#if defined(__sun)\n# define IOV_MAX 16\n#endif\n#endif',
      '#if defined(__sun)',
    ],
    [
      'an #else',
      '#ifndef IOV_MAX\n#if defined(__FreeBSD__) || defined(__APPLE__)\n# define IOV_MAX 1024\n#else\n# error\n#endif\n#endif',
      '# error',
    ],
    [
      'a definition that is no number',
      '#ifndef IOV_MAX\n# define IOV_MAX UIO_MAXIOV\n#endif',
      '# define IOV_MAX UIO_MAXIOV',
    ],
  ])('refuses a block with %s, and shows its lines', (_, block, shown) => {
    expect(() => patchIovMax(around(block))).toThrow(`4: #ifndef IOV_MAX`);
    expect(() => patchIovMax(around(block))).toThrow(shown);
  });

  it('refuses a source without the block, and shows what speaks of IOV_MAX', () => {
    expect(() => patchIovMax('int main(void) {}\n')).toThrow('no other line speaks of IOV_MAX');
    expect(() => patchIovMax(around('/* nothing */'))).toThrow(/6: int main/);
  });

  it('is not deceived by a block inside a comment or a string', () => {
    expect(() => patchIovMax('/*\n#ifndef IOV_MAX\n# define IOV_MAX 1\n#endif\n*/\n')).toThrow('no #ifndef');
    const quoted = `char *s = "/*";\n${ORIGINAL}`;
    expect(patchIovMax(quoted).state).toBe('patched');
  });

  it('refuses a block that is cut off', () => {
    expect(() => patchIovMax('#ifndef IOV_MAX\n#if 1\n#endif\n')).toThrow('has no #endif');
  });
});

describe('the diff', () => {
  it('is one that the patch program applies', async () => {
    await inFolder(ORIGINAL + 'int x;\n'.repeat(20) + ORIGINAL, async (folder, text) => {
      const { removed, text: expected } = patchIovMax(text);
      const diff = `${removalDiff('memcached.c', text, removed)}\n`;
      execFileSync('git', ['apply', '-p1', '--unsafe-paths', '--directory', folder, '-'], {
        input: diff,
        cwd: folder,
      });
      expect(await readFile(join(folder, 'memcached.c'), 'utf8')).toBe(expected);
    });
  });
});

describe('patching a folder', () => {
  it('changes nothing in a dry run, then the file once, keeping every byte and the mode', async () => {
    const latin = `${ORIGINAL}/* caf\xe9 */\n`;
    await inFolder(latin, async (folder) => {
      const file = join(folder, 'memcached.c');
      expect(await patchFolder(folder, { dryRun: true })).toMatchObject({ state: 'patched', dryRun: true });
      expect(await readFile(file, 'latin1')).toBe(latin);
      expect((await patchFolder(folder, { dryRun: false })).diff).toContain('-#if defined(__FreeBSD__)');
      expect(await readFile(file, 'latin1')).toBe(`${PATCHED}/* caf\xe9 */\n`);
      expect(await patchFolder(folder, { dryRun: false })).toMatchObject({ state: 'already', diff: '' });
    });
  });

  it('says what is missing in a folder without memcached.c', async () => {
    await expect(patchFolder('/nonexistent', { dryRun: true })).rejects.toThrow('/nonexistent/memcached.c');
  });
});

async function inFolder(
  content: string,
  use: (folder: string, content: string) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'legacy-patch-'));
  try {
    await writeFile(join(folder, 'memcached.c'), content, 'latin1');
    await use(folder, content);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
