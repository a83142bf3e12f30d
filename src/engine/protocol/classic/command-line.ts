// One command line, split at its blanks, and its words as numbers. Reused for every line: nothing is allocated.

const SPACE = 0x20;
const PLUS = 0x2b;
const MINUS = 0x2d;
/** No command looks at more words than this; those behind are only counted. */
const KEPT_WORDS = 8;
const NOREPLY = Buffer.from('noreply', 'latin1');
const HTTP = Buffer.from('HTTP/', 'latin1');
const NOTHING = new Uint8Array(0);

export class CommandLine {
  bytes: Uint8Array = NOTHING;
  /** Words of the line, the command included. */
  count = 0;
  /** Whether the last word is `noreply`; it silences whatever the command would say, errors too. */
  noreply = false;
  /** What lies behind the line in the same chunk: bytes[restStart .. restEnd). */
  restStart = 0;
  restEnd = 0;

  readonly #starts = new Int32Array(KEPT_WORDS);
  readonly #ends = new Int32Array(KEPT_WORDS);
  #lastStart = 0;
  #lastEnd = 0;

  /**
   * Splits bytes[start .. end), which is without its line end. Runs of blanks count as one. Behind it, in
   * bytes[restStart .. restEnd), is what came in with it.
   */
  split(bytes: Uint8Array, start: number, end: number, restStart = 0, restEnd = 0): void {
    this.bytes = bytes;
    this.restStart = restStart;
    this.restEnd = restEnd;
    let count = 0;
    let at = start;
    this.#lastStart = start;
    this.#lastEnd = start;
    while (at < end) {
      if (bytes[at] === SPACE) {
        at++;
        continue;
      }
      const wordStart = at;
      while (at < end && bytes[at] !== SPACE) at++;
      if (count < KEPT_WORDS) {
        this.#starts[count] = wordStart;
        this.#ends[count] = at;
      }
      count++;
      this.#lastStart = wordStart;
      this.#lastEnd = at;
    }
    this.count = count;
    this.noreply =
      count > 1 && this.#lastEnd - this.#lastStart === NOREPLY.length && this.#lastBeginsWith(NOREPLY);
  }

  /** Lets go of the bytes. */
  clear(): void {
    this.bytes = NOTHING;
  }

  start(word: number): number {
    return this.#starts[word];
  }

  length(word: number): number {
    return this.#ends[word] - this.#starts[word];
  }

  /** Where the words after this one begin, blanks included. */
  end(word: number): number {
    return this.#ends[word];
  }

  /** A word as text, '' when there is none; for commands that nobody is in a hurry for. */
  text(word: number): string {
    if (word >= this.count) return '';
    const start = this.#starts[word];
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + start, this.length(word)).toString(
      'latin1',
    );
  }

  /** The words from one on, as texts; at most as many as are kept. */
  words(first: number): string[] {
    const kept = Math.min(this.count, KEPT_WORDS);
    return Array.from({ length: Math.max(0, kept - first) }, (_, offset) => this.text(first + offset));
  }

  is(word: number, text: Uint8Array): boolean {
    if (word >= this.count || this.length(word) !== text.length) return false;
    const start = this.#starts[word];
    for (let at = 0; at < text.length; at++) {
      if (this.bytes[start + at] !== text[at]) return false;
    }
    return true;
  }

  /** Whether this is somebody's browser, or a request forged by a page in it. */
  get looksLikeHttp(): boolean {
    return this.count > 1 && this.#lastBeginsWith(HTTP);
  }

  /** A word as an integer; NaN when it is none or beyond 64 bits. Exact to 2^53. */
  integer(word: number): number {
    const end = this.#ends[word];
    let at = this.#starts[word];
    const isNegative = this.bytes[at] === MINUS;
    if (isNegative || this.bytes[at] === PLUS) at++;
    if (at === end) return Number.NaN;
    let value = 0;
    for (; at < end; at++) {
      const digit = this.bytes[at] - 0x30;
      if (digit < 0 || digit > 9) return Number.NaN;
      value = value * 10 + digit;
    }
    if (value >= 0x8000_0000_0000_0000) return Number.NaN;
    return isNegative ? -value : value;
  }

  #lastBeginsWith(text: Uint8Array): boolean {
    if (this.#lastEnd - this.#lastStart < text.length) return false;
    for (let at = 0; at < text.length; at++) {
      if (this.bytes[this.#lastStart + at] !== text[at]) return false;
    }
    return true;
  }
}
