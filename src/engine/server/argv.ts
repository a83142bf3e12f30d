// Splits a command line into flags and values the way getopt_long does: -vp11211, -p 11211, --port=11211.
import { FatalError } from './exit.js';
import { FLAGS, type Flag, flagName } from './flag-table.js';

export interface GivenFlag {
  readonly flag: Flag;
  /** Empty for a flag that takes no value. */
  readonly value: string;
}

const BY_LETTER = new Map(FLAGS.flatMap((flag) => (flag.letter === undefined ? [] : [[flag.letter, flag]])));
const BY_LONG_NAME = new Map(FLAGS.flatMap((flag) => (flag.long === undefined ? [] : [[flag.long, flag]])));

/**
 * @param argv the arguments after the program's name
 * @throws FatalError on an unknown flag, a missing or needless value, or an argument that is no flag
 */
export function splitArgv(argv: readonly string[]): GivenFlag[] {
  const given: GivenFlag[] = [];
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--' && rest.length === 0) break;
    if (word.startsWith('--')) given.push(longFlag(word.slice(2), rest));
    else if (word.startsWith('-') && word.length > 1) given.push(...letters(word.slice(1), rest));
    else throw new FatalError(`unexpected argument "${word}": every argument is a flag, see -h`);
  }
  return given;
}

function longFlag(word: string, rest: string[]): GivenFlag {
  const equals = word.indexOf('=');
  const name = equals === -1 ? word : word.slice(0, equals);
  const flag = BY_LONG_NAME.get(name);
  if (flag === undefined) throw new FatalError(`unknown flag --${name}: see -h`);
  if (flag.value === undefined) {
    if (equals !== -1) throw new FatalError(`--${name} takes no value`);
    return { flag, value: '' };
  }
  return { flag, value: equals === -1 ? nextValue(flag, rest) : word.slice(equals + 1) };
}

function* letters(word: string, rest: string[]): Generator<GivenFlag> {
  for (let index = 0; index < word.length; index += 1) {
    const flag = BY_LETTER.get(word[index]);
    if (flag === undefined) throw new FatalError(`unknown flag -${word[index]}: see -h`);
    if (flag.value === undefined) {
      yield { flag, value: '' };
      continue;
    }
    const attached = word.slice(index + 1);
    yield { flag, value: attached === '' ? nextValue(flag, rest) : attached };
    return;
  }
}

function nextValue(flag: Flag, rest: string[]): string {
  const value = rest.shift();
  if (value === undefined) throw new FatalError(`${flagName(flag)} needs a value: <${flag.value}>`);
  return value;
}
