// Bytes from a memcached server to reply lines and values; any split of the bytes gives the same result.
// What the server may make us hold is bounded: a line by MAX_LINE_BYTES, a value by the caller's limit.

/** memcached's own longest reply line is a VALUE line or a statistic; both are far below this. */
export const MAX_LINE_BYTES = 8192;

export interface Value {
  key: string;
  flags: number;
  value: Buffer;
  /** The item's CAS unique as decimal digits (64 bit, so not a number); empty unless `gets` or `gats` asked for it. */
  cas: string;
}

export interface ReplyHandler {
  /** A reply line without its line end. VALUE lines go to `onValue` with their data instead. */
  onLine(line: string): void;
  onValue(value: Value): void;
}

const CR = 13;
const LF = 10;
const VALUE_LINE = /^VALUE ([^ ]{1,250}) (\d{1,10}) (\d{1,10})(?: (\d{1,20}))?$/;

type Header = Omit<Value, 'value'>;

export class ReplyDecoder {
  readonly #handler: ReplyHandler;
  readonly #maxValueBytes: number;
  #line: Buffer = Buffer.alloc(0);
  #header: Header | undefined;
  /** The value being received, with room for its line end. */
  #data: Buffer = Buffer.alloc(0);
  #dataLength = 0;

  constructor(handler: ReplyHandler, maxValueBytes: number) {
    this.#handler = handler;
    this.#maxValueBytes = maxValueBytes;
  }

  /** @throws Error when the bytes are no reply of a memcached server, or larger than the limits. */
  push(chunk: Buffer): void {
    let position = 0;
    while (position < chunk.length) {
      position =
        this.#header === undefined ? this.#takeLine(chunk, position) : this.#takeData(chunk, position);
    }
  }

  #takeLine(chunk: Buffer, start: number): number {
    const end = chunk.indexOf(LF, start);
    const part = chunk.subarray(start, end === -1 ? chunk.length : end);
    if (this.#line.length + part.length > MAX_LINE_BYTES) {
      throw new Error(`a reply line is longer than ${MAX_LINE_BYTES} bytes`);
    }
    this.#line = this.#line.length === 0 ? Buffer.from(part) : Buffer.concat([this.#line, part]);
    if (end === -1) return chunk.length;

    const bytes = this.#line.at(-1) === CR ? this.#line.subarray(0, -1) : this.#line;
    const line = bytes.toString('latin1');
    this.#line = Buffer.alloc(0);
    if (line.startsWith('VALUE ')) this.#beginValue(line);
    else this.#handler.onLine(line);
    return end + 1;
  }

  #beginValue(line: string): void {
    const match = VALUE_LINE.exec(line);
    if (match === null) throw new Error(`unreadable VALUE line: ${JSON.stringify(line.slice(0, 100))}`);
    const sizeBytes = Number(match[3]);
    if (sizeBytes > this.#maxValueBytes) {
      throw new Error(`a value of ${sizeBytes} bytes is over the limit of ${this.#maxValueBytes}`);
    }
    this.#header = { key: match[1], flags: Number(match[2]), cas: match[4] ?? '' };
    this.#data = Buffer.allocUnsafe(sizeBytes + 2);
    this.#dataLength = 0;
  }

  #takeData(chunk: Buffer, start: number): number {
    const taken = chunk.copy(this.#data, this.#dataLength, start);
    this.#dataLength += taken;
    if (this.#dataLength === this.#data.length) {
      const sizeBytes = this.#data.length - 2;
      if (this.#data[sizeBytes] !== CR || this.#data[sizeBytes + 1] !== LF) {
        throw new Error(`a value of ${sizeBytes} bytes does not end where it says`);
      }
      const header = this.#header!;
      this.#header = undefined;
      this.#handler.onValue({ ...header, value: this.#data.subarray(0, sizeBytes) });
    }
    return start + taken;
  }
}
