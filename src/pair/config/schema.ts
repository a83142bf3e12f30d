// The shape of repcache.yaml. Strict at every level: a misspelt key must not be silently ignored.
import { z } from 'zod';
import { PAIR_DEFAULTS } from './defaults.js';

const tcpPort = z.int().min(1).max(65535);
const word = z.string().trim().min(1);

const nodeSchema = z.strictObject({
  host: word,
  address: word.optional(),
  user: word.optional(),
  sshPort: tcpPort.optional(),
  identityFile: word.optional(),
  port: tcpPort.optional(),
  replicationPort: tcpPort.optional(),
});

const hostPath = z
  .string()
  .regex(/^\/[\w.,:%/-]+$/, 'must be an absolute path on the hosts, of letters, digits and . , : % _ -');

const tlsSchema = z.strictObject({
  certificate: hostPath,
  key: hostPath.optional(),
  authority: hostPath,
});

/** The engine takes more characters in a pattern; these pass through a unit's environment file unharmed. */
const keyPattern = z
  .string()
  .max(250)
  .regex(/^[\w.,:%*/[\]-]+$/, 'must be letters, digits and . , : % / [ ] _ -, with * for any characters')
  .refine((pattern) => !/^\*+$/.test(pattern), 'matches every key: then nothing would be replicated');

const replicationSchema = z.strictObject({
  ack: z.enum(['none', 'peer', 'strict']).optional(),
  exclude: z.array(keyPattern).max(16).optional(),
  flush: z.enum(['replicate', 'local', 'refuse']).optional(),
  tls: tlsSchema.optional(),
});

const fileSchema = z.strictObject({
  version: z.literal(1),
  engine: z.enum(['repcached', 'legacy', 'stock']).default('repcached'),
  pair: z
    .string()
    .regex(/^[0-9a-f]{16}$/, 'must be 16 hex digits (deploy writes it)')
    .optional(),
  verbatim: z.boolean().optional(),
  local: z.boolean().default(false),
  port: tcpPort.default(PAIR_DEFAULTS.port),
  replicationPort: tcpPort.default(PAIR_DEFAULTS.replicationPort),
  memoryMb: z.int().min(64).default(PAIR_DEFAULTS.memoryMb),
  connections: z.int().min(1).max(1_000_000).default(PAIR_DEFAULTS.connections),
  threads: z
    .union([z.literal('auto'), z.int().min(1).max(64)], 'must be auto or a whole number from 1 to 64')
    .default(PAIR_DEFAULTS.threads),
  replication: replicationSchema.optional(),
  nodes: z.strictObject({ a: nodeSchema, b: nodeSchema }),
});

export const pairFileSchema = fileSchema
  .refine(({ engine, replication }) => engine === 'repcached' || replication === undefined, {
    path: ['replication'],
    message: 'only the engine repcached can be told how to replicate',
  })
  .refine(({ port, replicationPort }) => port !== replicationPort, {
    path: ['replicationPort'],
    message: 'must be another one than port',
  });

/** A parsed repcache.yaml with its defaults filled in. */
export type PairFile = z.infer<typeof pairFileSchema>;

const NODE_KEYS = Object.keys(nodeSchema.shape);
const REPLICATION_KEYS = Object.keys(replicationSchema.shape);
const TLS_KEYS = Object.keys(tlsSchema.shape);
const TOP_KEYS = Object.keys(fileSchema.shape);

/** The keys that are known at a place of the file, for "did you mean". */
export function knownKeysAt(path: readonly PropertyKey[]): readonly string[] {
  if (path.length === 0) return TOP_KEYS;
  if (path.length === 1) return path[0] === 'replication' ? REPLICATION_KEYS : ['a', 'b'];
  return path[0] === 'replication' ? TLS_KEYS : NODE_KEYS;
}
