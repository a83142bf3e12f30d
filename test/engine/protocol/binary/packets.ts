// Writes binary requests and reads binary replies, for tests.

export interface Packet {
  readonly opcode: number;
  readonly extras?: Uint8Array | undefined;
  readonly key?: string | undefined;
  readonly value?: string | Uint8Array | undefined;
  readonly opaque?: number;
  readonly unique?: bigint;
  readonly magic?: number;
  /** Lies: what the header says instead of the true lengths. */
  readonly keyLength?: number;
  readonly extrasLength?: number;
  readonly bodyLength?: number;
}

/** A request; keys are latin1. */
export function packet(request: Packet): Buffer {
  const extras = request.extras ?? new Uint8Array(0);
  const key = Buffer.from(request.key ?? '', 'latin1');
  const value =
    typeof request.value === 'string' ? Buffer.from(request.value, 'latin1') : (request.value ?? Buffer.of());
  const header = Buffer.alloc(24);
  header[0] = request.magic ?? 0x80;
  header[1] = request.opcode;
  header.writeUInt16BE(request.keyLength ?? key.length, 2);
  header[4] = request.extrasLength ?? extras.length;
  header.writeUInt32BE(request.bodyLength ?? extras.length + key.length + value.length, 8);
  header.writeUInt32BE(request.opaque ?? 0xdeadbeef, 12);
  header.writeBigUInt64BE(request.unique ?? 0n, 16);
  return Buffer.concat([header, extras, key, value]);
}

/** Numbers of 32 bits, as extras have them. */
export function u32(...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 4);
  for (const [at, number] of numbers.entries()) bytes.writeUInt32BE(number, at * 4);
  return bytes;
}

export function storing(
  opcode: number,
  key: string,
  value: string | Uint8Array,
  { flags = 0, exptime = 0, unique = 0n }: { flags?: number; exptime?: number; unique?: bigint } = {},
): Buffer {
  return packet({ opcode, key, value, unique, extras: u32(flags, exptime) });
}

export function counting(
  opcode: number,
  key: string,
  delta: bigint,
  { initial = 0n, exptime = 0, unique = 0n }: { initial?: bigint; exptime?: number; unique?: bigint } = {},
): Buffer {
  const extras = Buffer.alloc(20);
  extras.writeBigUInt64BE(delta, 0);
  extras.writeBigUInt64BE(initial, 8);
  extras.writeUInt32BE(exptime, 16);
  return packet({ opcode, key, unique, extras });
}

export interface Reply {
  readonly opcode: number;
  readonly status: number;
  readonly opaque: number;
  readonly unique: bigint;
  readonly extras: Buffer;
  readonly key: string;
  readonly value: Buffer;
}

/** @throws Error when the bytes are not whole replies, one behind the other */
export function readReplies(bytes: Buffer): Reply[] {
  const replies: Reply[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (bytes[at] !== 0x81) throw new Error(`no reply begins at byte ${at} of ${bytes.toString('hex')}`);
    const extrasAt = at + 24;
    const keyAt = extrasAt + bytes[at + 4];
    const valueAt = keyAt + bytes.readUInt16BE(at + 2);
    const end = extrasAt + bytes.readUInt32BE(at + 8);
    if (bytes[at + 5] !== 0 || valueAt > end || end > bytes.length) {
      throw new Error(`a broken reply at byte ${at} of ${bytes.toString('hex')}`);
    }
    replies.push({
      opcode: bytes[at + 1],
      status: bytes.readUInt16BE(at + 6),
      opaque: bytes.readUInt32BE(at + 12),
      unique: bytes.readBigUInt64BE(at + 16),
      extras: bytes.subarray(extrasAt, keyAt),
      key: bytes.toString('latin1', keyAt, valueAt),
      value: bytes.subarray(valueAt, end),
    });
    at = end;
  }
  return replies;
}

/** A reply in a line: `opcode status [unique] [extras] [key] "value"`, the unique as U. */
export function describeReply({ opcode, status, opaque, unique, extras, key, value }: Reply): string {
  return [
    opcode.toString(16).padStart(2, '0'),
    status.toString(16),
    ...(opaque === 0xdeadbeef ? [] : [`opaque=${opaque.toString(16)}`]),
    ...(unique === 0n ? [] : ['U']),
    ...(extras.length === 0 ? [] : [`extras=${extras.toString('hex')}`]),
    ...(key === '' ? [] : [`key=${key}`]),
    ...(value.length === 0 ? [] : [JSON.stringify(value.toString('latin1'))]),
  ].join(' ');
}

/** All replies, described. */
export function describeReplies(bytes: Buffer): string[] {
  return readReplies(bytes).map(describeReply);
}
