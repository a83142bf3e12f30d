// Text commands as clients send them, classic and meta, right and wrong: each with what kind of answer it must have.
import fc from 'fast-check';
import { NUMBER_KEYS, taggedValue } from './tagged-values.js';

/**
 * - `none`: nothing at all.
 * - `line`: one line, whichever.
 * - `maybeLine`: one line, or nothing.
 * - `items`: VALUE blocks and END, or one line with an error.
 * - `meta`: one line, or one VA block.
 * - `maybeMeta`: the same, or nothing.
 * - `list`: lines up to END (or one line with an error).
 */
export type AnswerKind = 'none' | 'line' | 'maybeLine' | 'items' | 'meta' | 'maybeMeta' | 'list';

export interface TextCommand {
  readonly bytes: Buffer;
  readonly answer: AnswerKind;
  /** The keys that it asks for: no value of any other may be in the answer. */
  readonly keys: readonly string[];
}

export const TEXT_KEYS = ['a', 'b', 'key:of:some:length', 'k'.repeat(250)];
const TOO_LONG_KEY = 'l'.repeat(251);

const command = (text: string, answer: AnswerKind, keys: readonly string[] = []): TextCommand => ({
  bytes: Buffer.from(text, 'latin1'),
  answer,
  keys,
});

const textKey = fc.constantFrom(...TEXT_KEYS);
const numberKey = fc.constantFrom(...NUMBER_KEYS);
const anyKey = fc.oneof({ weight: 4, arbitrary: textKey }, { weight: 1, arbitrary: numberKey });
const lineEnd = fc.constantFrom('\r\n', '\n');

/** Mostly small; some fill a page of the reply, some are chains of slots, some larger than -I. */
const tagTimes = fc.oneof(
  { weight: 30, arbitrary: fc.integer({ min: 0, max: 40 }) },
  { weight: 3, arbitrary: fc.integer({ min: 100, max: 3_000 }) },
  { weight: 2, arbitrary: fc.constantFrom(30_000, 200_000) },
);

/** A value that belongs to the key, so long that a line of lengths of all magnitudes is tried. */
function valueFor(key: string, times: number): Buffer {
  if (NUMBER_KEYS.includes(key)) return Buffer.from(String(times), 'latin1');
  return taggedValue(key, Math.ceil((times * 3) / (key.length + 2)));
}

const exptime = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('0', '100', '1800000000') },
  { weight: 1, arbitrary: fc.constantFrom('2592001', '-1') },
);
const badNumber = fc.constantFrom('', 'x', '1x', '0x10', '--1', '1.5', '99999999999999999999', '%n', '\0');

// ── Classic ──────────────────────────────────────────────────────────────────────────────────────────────────

const storing = fc
  .record({
    // append and prepend would make other numbers of numbers, too long ones at last, which is not their matter here.
    word: fc.constantFrom('set', 'set', 'add', 'replace', 'append', 'prepend', 'cas'),
    key: textKey,
    flags: fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom('0', '1', '4294967295') },
      { weight: 1, arbitrary: fc.constantFrom('4294967296', '-1') },
    ),
    exptime: fc.oneof({ weight: 12, arbitrary: exptime }, { weight: 1, arbitrary: badNumber }),
    times: tagTimes,
    unique: fc.oneof(fc.nat(3).map(String), badNumber),
    noreply: fc.boolean(),
    hasBadEnd: fc.integer({ min: 0, max: 15 }).map((one) => one === 0),
    lineEnd,
  })
  .map((given) => {
    const { word, key, flags, times, unique, noreply, hasBadEnd } = given;
    // Missing words are another kind of command; here only their contents are wrong.
    const words = [word, key, flags, given.exptime === '' ? 'x' : given.exptime];
    const value = valueFor(key, times);
    words.push(String(value.length));
    if (word === 'cas') words.push(unique === '' ? 'x' : unique);
    if (noreply) words.push('noreply');
    return {
      bytes: Buffer.concat([
        Buffer.from(`${words.join(' ')}${given.lineEnd}`, 'latin1'),
        value,
        Buffer.from(hasBadEnd ? '\n\r' : '\r\n'),
      ]),
      answer: noreply ? 'none' : 'line',
      keys: [],
    } satisfies TextCommand;
  });

const storingNumber = fc
  .tuple(fc.constantFrom('set', 'add', 'replace'), numberKey, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }))
  .map(([word, key, value]) => command(`${word} ${key} 0 0 ${String(value).length}\r\n${value}\r\n`, 'line'));

/** A length that no value can have: nothing is swallowed. */
const storingWithBadLength = fc
  .tuple(
    textKey,
    fc.constantFrom('-1', '-2147483648', '2147483646', '4294967295', '18446744073709551615', 'x', '1e3'),
  )
  .map(([key, length]) => command(`set ${key} 0 0 ${length}\r\n`, 'line'));

const getting = fc
  .record({
    word: fc.constantFrom('get', 'gets', 'gat 0', 'gats 100', 'gat -1', 'gat x'),
    keys: fc.array(
      fc.oneof({ weight: 20, arbitrary: anyKey }, { weight: 1, arbitrary: fc.constant(TOO_LONG_KEY) }),
      { minLength: 0, maxLength: 6 },
    ),
    gap: fc.constantFrom(' ', '  '),
    lineEnd,
  })
  .map(({ word, keys, gap, lineEnd: end }) =>
    command([word, ...keys].join(gap) + end, keys.length === 0 ? 'line' : 'items', keys),
  );

const plain = fc
  .record({
    words: fc.oneof(
      fc.tuple(fc.constantFrom('delete', 'touch', 'incr', 'decr'), anyKey),
      fc.tuple(fc.constant('touch'), anyKey, fc.constantFrom('0', '100')),
      fc.tuple(fc.constantFrom('touch', 'incr', 'decr'), anyKey, fc.oneof(exptime, badNumber)),
      fc.tuple(fc.constantFrom('incr', 'decr'), numberKey, fc.nat(1000).map(String)),
      fc.tuple(fc.constantFrom('delete', 'incr'), anyKey, fc.constantFrom('0', '1', 'noreply')),
      fc.tuple(fc.constantFrom('verbosity', 'nonsense', 'GET', 'version')),
      fc.tuple(fc.constant('flush_all'), fc.constantFrom('', '0', '-1', '10', 'x')),
    ),
    noreply: fc.boolean(),
    lineEnd,
  })
  .map(({ words, noreply, lineEnd: end }) => {
    const all = noreply ? [...words, 'noreply'] : words;
    // version has no quiet form, and words may end in the one of a command that has none either.
    return command(all.join(' ') + end, all.at(-1) === 'noreply' ? 'maybeLine' : 'line');
  });

const asking = fc
  .constantFrom('stats', 'stats items', 'stats slabs', 'stats settings', 'stats sizes', 'stats nonsense')
  .map((text) => command(`${text}\r\n`, 'list'));

// ── Meta ─────────────────────────────────────────────────────────────────────────────────────────────────────

const META_FLAGS = 'bcfhklqstuvxIOPL'.split('');
const metaFlag = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom(...META_FLAGS) },
  {
    weight: 8,
    arbitrary: fc.constantFrom('T0', 'T100', 'T-1', 'N30', 'R40', 'C0', 'C1', 'E5', 'F7', 'D3', 'J9'),
  },
  { weight: 4, arbitrary: fc.constantFrom('ME', 'MA', 'MP', 'MR', 'MS', 'MI', 'MD', 'M+', 'M-', 'M', 'Mx') },
  { weight: 1, arbitrary: fc.constantFrom('Oopaque', `O${'o'.repeat(31)}`, `O${'o'.repeat(32)}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('Tx', 'N', 'R9999999999', 'Cx', 'E-1', 'F4294967296', 'D-1', '!', 'z', '\0'),
  },
);
const metaFlags = fc.oneof(
  { weight: 9, arbitrary: fc.uniqueArray(metaFlag, { maxLength: 8, selector: (flag) => flag[0] }) },
  { weight: 1, arbitrary: fc.array(metaFlag, { maxLength: 30 }) },
);

/** Base64 only where it is asked for: else the letters of a key are another key. */
function encoded(key: string, flags: readonly string[]): string {
  return flags.includes('b') ? Buffer.from(key, 'latin1').toString('base64') : key;
}

const metaLine = fc
  .record({ word: fc.constantFrom('mg', 'mg', 'md', 'me'), key: anyKey, flags: metaFlags, lineEnd })
  .map(({ word, key, flags, lineEnd: end }) =>
    command(
      `${[word, encoded(key, flags), ...flags].join(' ')}${end}`,
      flags.includes('q') ? 'maybeMeta' : 'meta',
      [key],
    ),
  );

const metaArithmetic = fc
  .record({ key: numberKey, flags: metaFlags, lineEnd })
  .map(({ key, flags, lineEnd: end }) =>
    command(
      `${['ma', encoded(key, flags), ...flags].join(' ')}${end}`,
      flags.includes('q') ? 'maybeMeta' : 'meta',
      [key],
    ),
  );

const metaSet = fc
  .record({
    key: textKey,
    flags: metaFlags,
    times: tagTimes,
    hasBadEnd: fc.integer({ min: 0, max: 15 }),
    lineEnd,
  })
  // A sign that begins no flag makes it no meta command at all, and its value is not swallowed then.
  .filter(({ flags }) => !flags.some((flag) => flag === '!' || flag === '\0'))
  .map(({ key, flags, times, hasBadEnd, lineEnd: end }) => {
    const value = valueFor(key, times);
    const line = ['ms', encoded(key, flags), value.length, ...flags].join(' ');
    return {
      bytes: Buffer.concat([
        Buffer.from(line + end, 'latin1'),
        value,
        Buffer.from(hasBadEnd === 0 ? 'xx' : '\r\n'),
      ]),
      answer: flags.includes('q') ? 'maybeLine' : 'line',
      keys: [],
    } satisfies TextCommand;
  });

const metaOdd = fc
  .constantFrom(
    'mn\r\n',
    'mg\r\n',
    'ms a\r\n',
    'ms a -1\r\n',
    'ms a 4294967296\r\n',
    'ms a S5\r\n',
    'mx a\r\n',
    'm\r\n',
    '\r\n',
  )
  .map((text) => command(text, 'line'));

/** Any command, after which the next one begins where this one ended, however it was answered. */
export const textCommand: fc.Arbitrary<TextCommand> = fc.oneof(
  { weight: 8, arbitrary: storing },
  { weight: 2, arbitrary: storingNumber },
  { weight: 1, arbitrary: storingWithBadLength },
  { weight: 6, arbitrary: getting },
  { weight: 4, arbitrary: plain },
  { weight: 1, arbitrary: asking },
  { weight: 6, arbitrary: metaLine },
  { weight: 3, arbitrary: metaArithmetic },
  { weight: 5, arbitrary: metaSet },
  { weight: 1, arbitrary: metaOdd },
);
