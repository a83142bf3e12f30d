// Reads the replies to a stream of text commands, each followed by a sentinel, and says where they are out of step.
import { isOwnValue } from './tagged-values.js';
import type { TextCommand } from './text-grammar.js';

/** Nobody stores under it, so that its answer tells nothing but its number. */
const SENTINEL_KEY = 'sentinel';

/** A command whose one answer nothing else looks like. */
export function sentinel(number: number): Buffer {
  return Buffer.from(`mg ${SENTINEL_KEY} O_${number}\r\n`, 'latin1');
}

const sentinelReply = (number: number): string => `EN O_${number}`;

/** The commands with a sentinel behind each. */
export function withSentinels(commands: readonly TextCommand[]): Buffer {
  return Buffer.concat(commands.flatMap(({ bytes }, number) => [bytes, sentinel(number)]));
}

interface Answer {
  lines: string[];
  values: { key: string; value: Buffer }[];
}

/**
 * Goes through the replies to withSentinels(commands).
 * @throws Error at the first answer that is none of its command's, or holds what is another key's
 */
export function checkReplies(commands: readonly TextCommand[], replies: Buffer): void {
  const reader = new Reader(replies);
  for (const [number, command] of commands.entries()) {
    const answer = reader.answerUntil(sentinelReply(number), command.keys);
    const problem = judge(command, answer);
    if (problem !== undefined) {
      const said = JSON.stringify(command.bytes.toString('latin1').slice(0, 300));
      throw new Error(`${problem} to command ${number}, ${said}: ${JSON.stringify(answer.lines)}`);
    }
  }
  if (!reader.isAtEnd) throw new Error(`more replies than commands: ${reader.rest}`);
}

function judge({ answer: kind, keys }: TextCommand, { lines, values }: Answer): string | undefined {
  for (const { key, value } of values) {
    if (!keys.includes(key)) return `a value of ${key}, not asked for,`;
    if (!isOwnValue(key, value)) return `bytes that are not its own under ${key}`;
  }
  const isError = lines.length === 1 && /^(ERROR|CLIENT_ERROR|SERVER_ERROR)/.test(lines[0]);
  const hasEnd = lines.at(-1) === 'END';
  switch (kind) {
    case 'none':
      return lines.length + values.length === 0 ? undefined : 'an answer';
    case 'line':
      return lines.length === 1 && values.length === 0 ? undefined : 'not one line';
    case 'maybeLine':
      return lines.length <= 1 && values.length === 0 ? undefined : 'more than a line';
    case 'items':
      return (isError && values.length === 0) || (hasEnd && lines.length === 1)
        ? undefined
        : 'no list of items';
    case 'meta':
      return lines.length + values.length === 1 ? undefined : 'not one answer';
    case 'maybeMeta':
      return lines.length + values.length <= 1 ? undefined : 'more than an answer';
    case 'list':
      return values.length === 0 && (isError || hasEnd || lines[0] === 'RESET') ? undefined : 'no list';
  }
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  get rest(): string {
    return JSON.stringify(this.#bytes.toString('latin1', this.#at, this.#at + 200));
  }

  /** @param keys of the command: a VA block does not say whose it is */
  answerUntil(end: string, keys: readonly string[]): Answer {
    const answer: Answer = { lines: [], values: [] };
    for (;;) {
      const line = this.#line(end);
      if (line === end) return answer;
      const words = line.split(' ');
      if (words[0] === 'VALUE') answer.values.push({ key: words[1], value: this.#block(words[3]) });
      else if (words[0] === 'VA') answer.values.push({ key: keys[0], value: this.#block(words[1]) });
      else answer.lines.push(line);
    }
  }

  #line(awaited: string): string {
    const end = this.#bytes.indexOf('\r\n', this.#at);
    if (end === -1) throw new Error(`the replies end before ${awaited}: ${this.rest}`);
    const line = this.#bytes.toString('latin1', this.#at, end);
    this.#at = end + 2;
    return line;
  }

  #block(lengthWord: string): Buffer {
    const end = this.#at + Number(lengthWord);
    if (!(end + 2 <= this.#bytes.length) || this.#bytes.toString('latin1', end, end + 2) !== '\r\n') {
      throw new Error(`a block of ${lengthWord} bytes does not end where it should: ${this.rest}`);
    }
    const value = this.#bytes.subarray(this.#at, end);
    this.#at = end + 2;
    return value;
  }
}
