// The beginning of a command line whose end has not come yet: kept, and bounded.

/** Without a line end by then it is no command, unless it is a multiget. */
const LINE_MAX_BYTES = 2048;
/** A multiget may be this long: more than 30,000 of the longest keys. */
const MULTIGET_MAX_BYTES = 8 * 1024 * 1024;
/** A buffer above this is not kept for the next line. */
const KEPT_BYTES = 4096;
const SMALLEST_BYTES = 128;

const NOTHING = new Uint8Array(0);
const MULTIGETS = [Buffer.from('get ', 'latin1'), Buffer.from('gets ', 'latin1')];

export class PartialLine {
  /** The line is bytes[0 .. length). */
  bytes: Uint8Array = NOTHING;
  length = 0;

  /** Keeps source[start .. end), in which no line ends; false when the line is too long to be a command. */
  keep(source: Uint8Array, start: number, end: number): boolean {
    const length = this.length + end - start;
    if (length > MULTIGET_MAX_BYTES) return false;
    if (length > LINE_MAX_BYTES && !this.#isMultiget(source, start)) return false;
    this.append(source, start, end);
    return true;
  }

  append(source: Uint8Array, start: number, end: number): void {
    const length = this.length + end - start;
    if (length > this.bytes.length) {
      let capacityBytes = Math.max(SMALLEST_BYTES, this.bytes.length);
      while (capacityBytes < length) capacityBytes *= 2;
      const larger = new Uint8Array(capacityBytes);
      larger.set(this.bytes.subarray(0, this.length));
      this.bytes = larger;
    }
    this.bytes.set(source.subarray(start, end), this.length);
    this.length = length;
  }

  forget(): void {
    this.length = 0;
    if (this.bytes.length > KEPT_BYTES) this.bytes = NOTHING;
  }

  /** Whether what is kept, followed by source, begins as a multiget does. */
  #isMultiget(source: Uint8Array, start: number): boolean {
    return MULTIGETS.some((word) =>
      word.every(
        (byte, at) => byte === (at < this.length ? this.bytes[at] : source[start + at - this.length]),
      ),
    );
  }
}
