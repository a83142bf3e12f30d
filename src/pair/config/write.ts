// A PairConfig into the text of repcache.yaml. An existing file keeps its comments, order and spelling:
// only what differs is set.
import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Document, isMap, parseDocument } from 'yaml';
import { OperatorError } from '../../errors.js';
import { NODE_NAMES, type NodeConfig, type PairConfig } from '../types.js';
import { PAIR_DEFAULTS } from './defaults.js';

const HEADER = ` The pair that repcachectl deployed here; every verb reads it, deploy rewrites it (comments stay).
 It holds no secret: that one is on the hosts alone.`;

type Settings = Record<string, unknown>;

/** The text of a repcache.yaml for this pair; `existing` is the file's text when there is one. */
export function renderPairFile(config: PairConfig, existing?: string): string {
  if (existing === undefined || existing.trim() === '') {
    const document = new Document(freshSettings(config));
    document.commentBefore = HEADER;
    for (const name of NODE_NAMES) {
      const node = document.getIn(['nodes', name], true);
      if (isMap(node)) node.flow = true;
    }
    return document.toString({ lineWidth: 0 });
  }
  // Of `replication` nothing: only the operator writes it.
  const document = parseDocument(existing);
  const before = JSON.stringify(document.toJS());
  for (const [key, value] of Object.entries(topSettings(config))) setIfDiffers(document, [key], value);
  for (const name of NODE_NAMES) {
    const settings = nodeSettings(config.nodes[name], commonPorts(document));
    for (const [key, value] of Object.entries(settings)) setIfDiffers(document, ['nodes', name, key], value);
  }
  // Untouched bytes where nothing changed: not even its spacing is ours to alter.
  return JSON.stringify(document.toJS()) === before ? existing : document.toString({ lineWidth: 0 });
}

/**
 * Writes beside the file and renames, so that a stop half way leaves the old file whole.
 * @throws OperatorError `CONFIG_NOT_WRITTEN` (exit config)
 */
export async function writePairFile(path: string, text: string): Promise<void> {
  const beside = `${path}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(beside, text, { mode: 0o644 });
    await rename(beside, path);
  } catch (cause) {
    await rm(beside, { force: true });
    throw new OperatorError(`${path} could not be written`, {
      code: 'CONFIG_NOT_WRITTEN',
      exit: 'config',
      suggestions: ['make the folder writable, or name another file with --config'],
      cause,
    });
  }
}

function topSettings(config: PairConfig): Settings {
  return {
    version: config.version,
    engine: config.engine,
    verbatim: config.verbatim || undefined,
    pair: config.pair,
    local: config.local || undefined,
    memoryMb: config.memoryMb,
    connections: config.connections,
    threads: config.threads,
  };
}

function freshSettings(config: PairConfig): Settings {
  const { version, engine, verbatim, pair, local, ...sizes } = topSettings(config);
  const common = { port: config.nodes.a.port, replicationPort: config.nodes.a.replicationPort };
  const nodes = Object.fromEntries(
    NODE_NAMES.map((name) => [name, withoutAbsent(nodeSettings(config.nodes[name], common))]),
  );
  const { replication } = config;
  return withoutAbsent({ version, engine, verbatim, pair, local, ...common, ...sizes, replication, nodes });
}

interface Ports {
  readonly port: number;
  readonly replicationPort: number;
}

/** A node names its own ports only where they are not the pair's. */
function nodeSettings(node: NodeConfig, common: Ports): Settings {
  return {
    host: node.host,
    address: node.address,
    user: node.user,
    sshPort: node.sshPort,
    identityFile: node.identityFile,
    port: node.port === common.port ? undefined : node.port,
    replicationPort: node.replicationPort === common.replicationPort ? undefined : node.replicationPort,
  };
}

function commonPorts(document: Document): Ports {
  return {
    port: (document.get('port') as number | undefined) ?? PAIR_DEFAULTS.port,
    replicationPort: (document.get('replicationPort') as number | undefined) ?? PAIR_DEFAULTS.replicationPort,
  };
}

function setIfDiffers(document: Document, path: readonly string[], value: unknown): void {
  const current = document.getIn(path);
  if (value === undefined) {
    if (current !== undefined) document.deleteIn(path);
    return;
  }
  // What the file leaves to the default stays left to the default.
  const effective = current ?? (path.length === 1 ? defaultOf(path[0]!) : undefined);
  if (effective !== value) document.setIn(path, value);
}

function defaultOf(key: string): unknown {
  return key === 'engine' ? 'repcached' : PAIR_DEFAULTS[key as keyof typeof PAIR_DEFAULTS];
}

function withoutAbsent(settings: Settings): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}
