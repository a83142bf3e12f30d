// A memcached client over any byte stream: commands are pipelined, answers are promises in order.
// It never reconnects and never retries: what a lost answer means is for the caller to judge.
import type { Duplex } from 'node:stream';
import { ClientError, reasonOf } from './client-error.js';
import { ReplyDecoder, type Value } from './reply-decoder.js';

export interface ClientOptions {
  /** Who is at the other end, for messages: `a (10.0.0.1:11211)`. */
  label: string;
  /** Time limit of each command, from when it becomes the oldest that waits. Default 5000. */
  timeoutMs?: number;
  /** Largest value that is accepted from the server. Default 2 MiB: twice memcached's own default limit. */
  maxValueBytes?: number;
}

export interface StoreOptions {
  /** 32 bit, unsigned. Default 0. */
  flags?: number;
  /** As memcached's exptime: 0 never, up to 30 days relative, above that unix time. Default 0. */
  exptimeSec?: number;
}

export type StoreVerb = 'set' | 'add' | 'replace' | 'append' | 'prepend';

/** Commands that may wait for their answers at once; the caller's own bounds should be far lower. */
const MAX_WAITING = 20_000;
const DEFAULT_TIMEOUT_MS = 5000;
const DEFAULT_MAX_VALUE_BYTES = 2 * 1024 * 1024;
const ERROR_LINE = /^(ERROR|CLIENT_ERROR|SERVER_ERROR)\b/;
const USABLE_KEY = /^[\x21-\x7e]{1,250}$/;

interface Waiting {
  /** `get k`: what was asked, for messages. */
  what: string;
  values: Value[];
  lines: string[];
  /** The answer has many lines and ends with END. */
  untilEnd: boolean;
  resolve(answer: Waiting): void;
  reject(error: ClientError): void;
}

export class MemcachedClient {
  readonly label: string;
  readonly #stream: Duplex;
  readonly #timeoutMs: number;
  readonly #decoder: ReplyDecoder;
  readonly #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  #corked = false;
  #ended: ClientError | undefined;

  constructor(stream: Duplex, options: ClientOptions) {
    this.label = options.label;
    this.#stream = stream;
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#decoder = new ReplyDecoder(
      { onLine: (line) => this.#onLine(line), onValue: (value) => this.#onValue(value) },
      options.maxValueBytes ?? DEFAULT_MAX_VALUE_BYTES,
    );
    stream.on('data', (chunk: Buffer) => this.#receive(chunk));
    stream.on('error', (error) => this.#end(new ClientError('closed', this.#closedMessage(error), error)));
    stream.on('end', () => this.#end(new ClientError('closed', this.#closedMessage())));
    stream.on('close', () => this.#end(new ClientError('closed', this.#closedMessage())));
  }

  /** Usable: not closed by either end, nor given up. */
  get open(): boolean {
    return this.#ended === undefined;
  }

  /** The values found, by key, with their CAS uniques. */
  async gets(keys: readonly string[]): Promise<Map<string, Value>> {
    const answer = await this.#ask(`gets ${keys.map(checkedKey).join(' ')}\r\n`, `gets ${keys[0]}`, true);
    return byKey(answer.values);
  }

  /** One value, or undefined when there is none. */
  async get(key: string): Promise<Value | undefined> {
    return (await this.gets([key])).get(key);
  }

  /** Get and touch: gives the value and sets its new expiry time. */
  async gats(exptimeSec: number, keys: readonly string[]): Promise<Map<string, Value>> {
    const line = `gats ${exptimeSec} ${keys.map(checkedKey).join(' ')}\r\n`;
    return byKey((await this.#ask(line, `gats ${keys[0]}`, true)).values);
  }

  /** `STORED` or `NOT_STORED`. */
  store(verb: StoreVerb, key: string, value: string | Buffer, options: StoreOptions = {}): Promise<string> {
    const { head, data } = storeCommand(verb, key, value, options, '');
    return this.#askLine([head, data, CRLF], `${verb} ${key}`);
  }

  /** As `store`, without an answer: an error stays unknown to us. */
  storeNoReply(verb: StoreVerb, key: string, value: string | Buffer, options: StoreOptions = {}): void {
    const { head, data } = storeCommand(verb, key, value, options, ' noreply');
    this.#write([head, data, CRLF]);
  }

  /** `STORED`, `EXISTS` (another unique) or `NOT_FOUND`. */
  cas(key: string, value: string | Buffer, unique: string, options: StoreOptions = {}): Promise<string> {
    if (!/^\d{1,20}$/.test(unique)) throw new TypeError(`not a CAS unique: ${JSON.stringify(unique)}`);
    const { head, data } = storeCommand('cas', key, value, options, ` ${unique}`);
    return this.#askLine([head, data, CRLF], `cas ${key}`);
  }

  /** `DELETED` or `NOT_FOUND`. */
  delete(key: string): Promise<string> {
    return this.#askLine([Buffer.from(`delete ${checkedKey(key)}\r\n`)], `delete ${key}`);
  }

  deleteNoReply(key: string): void {
    this.#write([Buffer.from(`delete ${checkedKey(key)} noreply\r\n`)]);
  }

  /** The new number, or `NOT_FOUND`. */
  incr(key: string, delta: bigint): Promise<string> {
    return this.#askLine([Buffer.from(`incr ${checkedKey(key)} ${delta}\r\n`)], `incr ${key}`);
  }

  decr(key: string, delta: bigint): Promise<string> {
    return this.#askLine([Buffer.from(`decr ${checkedKey(key)} ${delta}\r\n`)], `decr ${key}`);
  }

  /** `TOUCHED` or `NOT_FOUND`. */
  touch(key: string, exptimeSec: number): Promise<string> {
    return this.#askLine([Buffer.from(`touch ${checkedKey(key)} ${exptimeSec}\r\n`)], `touch ${key}`);
  }

  /** The version that the server gives, without the word VERSION. */
  async version(): Promise<string> {
    const line = await this.#askLine([Buffer.from('version\r\n')], 'version');
    if (!line.startsWith('VERSION ')) throw this.#garbled(line);
    return line.slice('VERSION '.length);
  }

  /** `stats`, or `stats <group>` such as `settings` or `replication`, by name. */
  async stats(group?: string): Promise<Map<string, string>> {
    const what = group === undefined ? 'stats' : `stats ${group}`;
    const answer = await this.#ask(`${what}\r\n`, what, true);
    const stats = new Map<string, string>();
    for (const line of answer.lines) {
      const match = /^STAT (\S+) ?(.*)$/.exec(line);
      if (match === null) throw this.#garbled(line);
      stats.set(match[1], match[2]);
    }
    return stats;
  }

  /** Gives up the connection; whatever still waits is rejected as closed. Safe to call twice. */
  close(): void {
    this.#end(new ClientError('closed', `the connection to ${this.label} was closed by us`));
  }

  async #askLine(parts: readonly Buffer[], what: string): Promise<string> {
    return (await this.#ask(parts, what, false)).lines[0];
  }

  #ask(command: string | readonly Buffer[], what: string, untilEnd: boolean): Promise<Waiting> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended);
      if (this.#waiting.length >= MAX_WAITING) {
        return reject(new ClientError('busy', `${MAX_WAITING} commands to ${this.label} wait already`));
      }
      this.#waiting.push({ what, values: [], lines: [], untilEnd, resolve, reject });
      if (this.#waiting.length === 1) this.#armTimer();
      this.#write(typeof command === 'string' ? [Buffer.from(command)] : command);
    });
  }

  /** Everything written in one turn of the event loop leaves in as few packets as it can. */
  #write(parts: readonly Buffer[]): void {
    if (this.#ended !== undefined) throw this.#ended;
    if (!this.#corked) {
      this.#corked = true;
      this.#stream.cork();
      queueMicrotask(() => {
        this.#corked = false;
        this.#stream.uncork();
      });
    }
    for (const part of parts) this.#stream.write(part);
  }

  #receive(chunk: Buffer): void {
    try {
      this.#decoder.push(chunk);
    } catch (error) {
      const message = `${this.label} sent something that is no memcached reply: ${reasonOf(error)}`;
      this.#end(new ClientError('garbled', message, error));
    }
  }

  #onValue(value: Value): void {
    const waiting = this.#waiting[0];
    if (waiting === undefined || !waiting.untilEnd) throw new Error('a value that nobody asked for');
    waiting.values.push(value);
  }

  #onLine(line: string): void {
    const waiting = this.#waiting[0];
    if (waiting === undefined) throw new Error(`a line that nobody asked for: ${line.slice(0, 100)}`);
    if (ERROR_LINE.test(line)) {
      this.#next();
      waiting.reject(new ClientError('answered', `${this.label} answered "${line}" to ${waiting.what}`));
    } else if (waiting.untilEnd && line !== 'END') {
      waiting.lines.push(line);
    } else {
      if (!waiting.untilEnd) waiting.lines.push(line);
      this.#next();
      waiting.resolve(waiting);
    }
  }

  #next(): void {
    this.#waiting.shift();
    clearTimeout(this.#timer);
    if (this.#waiting.length > 0) this.#armTimer();
  }

  #armTimer(): void {
    this.#timer = setTimeout(() => {
      const what = this.#waiting[0]?.what ?? 'a command';
      const message = `${this.label} did not answer ${what} within ${this.#timeoutMs} ms`;
      // Later answers could no longer be told apart from this one, so the connection goes with it.
      this.#end(new ClientError('timedOut', message));
    }, this.#timeoutMs);
  }

  #closedMessage(cause?: Error): string {
    return `the connection to ${this.label} was closed${cause === undefined ? '' : `: ${reasonOf(cause)}`}`;
  }

  #garbled(line: string): ClientError {
    return new ClientError('garbled', `${this.label} answered "${line.slice(0, 100)}"`);
  }

  #end(error: ClientError): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    clearTimeout(this.#timer);
    this.#stream.destroy();
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
  }
}

const CRLF = Buffer.from('\r\n');

function byKey(values: readonly Value[]): Map<string, Value> {
  return new Map(values.map((value) => [value.key, value]));
}

/** A key with a space or line end in it would become other commands. */
function checkedKey(key: string): string {
  if (!USABLE_KEY.test(key)) throw new TypeError(`not a usable memcached key: ${JSON.stringify(key)}`);
  return key;
}

function storeCommand(
  verb: StoreVerb | 'cas',
  key: string,
  value: string | Buffer,
  options: StoreOptions,
  tail: string,
): { head: Buffer; data: Buffer } {
  const data = typeof value === 'string' ? Buffer.from(value) : value;
  const { flags = 0, exptimeSec = 0 } = options;
  return {
    head: Buffer.from(`${verb} ${checkedKey(key)} ${flags} ${exptimeSec} ${data.length}${tail}\r\n`),
    data,
  };
}
