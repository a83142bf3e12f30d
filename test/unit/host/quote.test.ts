// Quoting is proven by a real shell: what goes in must come out, whatever it is.
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quoteArgument, quoteCommand } from '../../../src/host/quote.js';

/** What sh really passes to a program, NUL-terminated so that every byte shows. */
function throughShell(argv: readonly string[]): string[] {
  const output = execFileSync('sh', ['-c', quoteCommand(['printf', '%s\\0', ...argv])], { encoding: 'utf8' });
  return output.split('\0').slice(0, -1);
}

describe('quoteCommand', () => {
  it.each([
    [''],
    [' '],
    ["it's"],
    ["''"],
    ["'; touch /tmp/x; '"],
    ['$(id) `id` $HOME $1 !!'],
    ['a\nb\tc\\n\\'],
    ['*?[a-z]{a,b}~'],
    ['-n'],
    ['ä€😀'],
  ])('keeps %j as one argument', (argument) => {
    expect(throughShell([argument, 'next'])).toEqual([argument, 'next']);
  });

  it('keeps any arguments', () => {
    const character = fc.oneof(
      fc.constantFrom(...'\'"\\$`!&|;<>()*?[]{}~# \t\n='),
      fc.string({ unit: 'grapheme', maxLength: 1 }),
    );
    const argument = fc
      .array(character, { maxLength: 20 })
      .map((parts) => parts.join('').replaceAll('\0', ''));
    fc.assert(
      fc.property(fc.array(argument, { minLength: 1, maxLength: 6 }), (argv) => {
        expect(throughShell(argv)).toEqual(argv);
      }),
      { numRuns: 150 },
    );
  });

  it('does not let the program name become an assignment', () => {
    expect(() => execFileSync('sh', ['-c', quoteCommand(['A=b'])], { stdio: 'pipe' })).toThrow();
  });

  it('refuses a NUL', () => {
    expect(() => quoteArgument('a\0b')).toThrow(TypeError);
  });
});
