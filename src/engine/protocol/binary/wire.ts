// The numbers of the binary protocol: magic bytes, opcodes, statuses, and how a request of each opcode is built.

export const REQUEST_MAGIC = 0x80;
export const RESPONSE_MAGIC = 0x81;
export const HEADER_BYTES = 24;

export const OP_GET = 0x00;
export const OP_SET = 0x01;
export const OP_ADD = 0x02;
export const OP_REPLACE = 0x03;
export const OP_DELETE = 0x04;
export const OP_INCREMENT = 0x05;
export const OP_DECREMENT = 0x06;
export const OP_QUIT = 0x07;
export const OP_FLUSH = 0x08;
export const OP_NOOP = 0x0a;
export const OP_VERSION = 0x0b;
export const OP_GETK = 0x0c;
export const OP_APPEND = 0x0e;
export const OP_PREPEND = 0x0f;
export const OP_STAT = 0x10;
export const OP_VERBOSITY = 0x1b;
export const OP_TOUCH = 0x1c;
export const OP_GAT = 0x1d;
export const OP_SASL_LIST = 0x20;
export const OP_SASL_AUTH = 0x21;
export const OP_SASL_STEP = 0x22;
export const OP_GATK = 0x23;
/** No command of ours has this number. */
export const OP_UNKNOWN = 0xff;

export const STATUS_OK = 0x00;
export const STATUS_NOT_FOUND = 0x01;
export const STATUS_EXISTS = 0x02;
export const STATUS_TOO_LARGE = 0x03;
export const STATUS_INVALID = 0x04;
export const STATUS_NOT_STORED = 0x05;
export const STATUS_NON_NUMERIC = 0x06;
export const STATUS_AUTH_ERROR = 0x20;
export const STATUS_AUTH_CONTINUE = 0x21;
export const STATUS_UNKNOWN_COMMAND = 0x81;
export const STATUS_NO_MEMORY = 0x82;
export const STATUS_TEMPORARY_FAILURE = 0x86;

/** What a request must, may or must not carry. */
export interface RequestShape {
  /** The loud form's opcode: what to do. */
  readonly command: number;
  /** A quiet form says nothing when all is well (for a get: when there is nothing). Errors are always said. */
  readonly isQuiet: boolean;
  readonly extrasBytes: number;
  /** Whether the extras may also be left out. */
  readonly extrasAreOptional: boolean;
  readonly key: 'none' | 'optional' | 'required';
  readonly hasValue: boolean;
  readonly writes: boolean;
}

const NO_SUCH_COMMAND: RequestShape = {
  command: OP_UNKNOWN,
  isQuiet: false,
  extrasBytes: 0,
  extrasAreOptional: false,
  key: 'none',
  hasValue: false,
  writes: false,
};

const SHAPES: RequestShape[] = new Array(256).fill(NO_SUCH_COMMAND);

function define(command: number, quietOpcode: number | undefined, shape: Partial<RequestShape>): void {
  SHAPES[command] = { ...NO_SUCH_COMMAND, ...shape, command };
  if (quietOpcode !== undefined) SHAPES[quietOpcode] = { ...SHAPES[command], isQuiet: true };
}

define(OP_GET, 0x09, { key: 'required' });
define(OP_GETK, 0x0d, { key: 'required' });
define(OP_SET, 0x11, { extrasBytes: 8, key: 'required', hasValue: true, writes: true });
define(OP_ADD, 0x12, { extrasBytes: 8, key: 'required', hasValue: true, writes: true });
define(OP_REPLACE, 0x13, { extrasBytes: 8, key: 'required', hasValue: true, writes: true });
define(OP_DELETE, 0x14, { key: 'required', writes: true });
define(OP_INCREMENT, 0x15, { extrasBytes: 20, key: 'required', writes: true });
define(OP_DECREMENT, 0x16, { extrasBytes: 20, key: 'required', writes: true });
define(OP_QUIT, 0x17, {});
define(OP_FLUSH, 0x18, { extrasBytes: 4, extrasAreOptional: true, writes: true });
define(OP_NOOP, undefined, {});
define(OP_VERSION, undefined, {});
define(OP_APPEND, 0x19, { key: 'required', hasValue: true, writes: true });
define(OP_PREPEND, 0x1a, { key: 'required', hasValue: true, writes: true });
define(OP_STAT, undefined, { key: 'optional' });
define(OP_VERBOSITY, undefined, { extrasBytes: 4 });
define(OP_TOUCH, undefined, { extrasBytes: 4, key: 'required', writes: true });
define(OP_GAT, 0x1e, { extrasBytes: 4, key: 'required', writes: true });
define(OP_GATK, 0x24, { extrasBytes: 4, key: 'required', writes: true });
define(OP_SASL_LIST, undefined, {});
define(OP_SASL_AUTH, undefined, { key: 'required', hasValue: true });
define(OP_SASL_STEP, undefined, { key: 'required', hasValue: true });

/** The longest extras of any command. */
export const EXTRAS_MAX_BYTES = 20;

/** How requests with this opcode (a byte) are built; its command is OP_UNKNOWN when there is none. */
export function shapeOf(opcode: number): RequestShape {
  return SHAPES[opcode];
}
