// The replies of one connection while they wait for the peer: a copy, as what they were written to serves all.

const EMPTY = Buffer.alloc(0);
/** Room for a few short replies stays for the next time. */
const KEPT_BYTES = 64;

export class HeldReply {
  bytes: Buffer = EMPTY;
  length = 0;

  keep(source: Buffer, length: number): void {
    if (length > this.bytes.length) this.bytes = Buffer.allocUnsafeSlow(Math.max(length, KEPT_BYTES));
    source.copy(this.bytes, 0, 0, length);
    this.length = length;
  }

  clear(): void {
    this.length = 0;
    if (this.bytes.length > KEPT_BYTES) this.bytes = EMPTY;
  }
}
