// Which pair a command is about: the flags, the file, and what becomes of them together.
// `--local` names the local pair; otherwise repcache.yaml (or --config) does, and flags override it.
import { readFile } from 'node:fs/promises';
import { OperatorError } from '../../errors.js';
import { type EngineName, NODE_NAMES, type NodeConfig, type NodeName, type PairConfig } from '../types.js';
import { CONFIG_FILE_NAME, PAIR_DEFAULTS } from './defaults.js';
import { parsePairFile } from './parse.js';
import { localPairFile } from './paths.js';
import { parseTarget } from './target.js';

/** What the operator said; everything absent comes from the file, then from the defaults. */
export interface PairSelection {
  local?: boolean;
  configFile?: string;
  /** `[user@]host[:port]` of each node. */
  targets?: Partial<Record<NodeName, string>>;
  addresses?: Partial<Record<NodeName, string>>;
  user?: string;
  sshPort?: number;
  identityFile?: string;
  port?: number;
  replicationPort?: number;
  memoryMb?: number;
  connections?: number;
  engine?: EngineName;
  verbatim?: boolean;
}

/** The two ports of a node, as its configuration names them. */
export type PortKind = 'port' | 'replicationPort';

export interface LocatedPair {
  readonly config: PairConfig;
  /** Which ports the operator named; for those no other may be chosen. Of a local pair they are node a's. */
  readonly askedPorts?: readonly PortKind[];
  /** Where its repcache.yaml is, or will be. */
  readonly path: string;
  /** The file's text; absent when there is none yet. */
  readonly text?: string;
}

/** As a verb that needs an existing pair (`false`) or as deploy, which may be about to make one (`true`). */
interface LocateOptions {
  readonly mayBeNew: boolean;
}

/**
 * @throws OperatorError `NO_PAIR`, `CONFIG_NOT_FOUND`, `CONFIG_INVALID`, `CONFIG_OF_OTHER_PAIR` (exit config),
 *   `TARGET_INVALID`, `PORT_IS_FIXED`, `ENGINE_IS_FIXED` (exit usage)
 */
export async function locatePair(selection: PairSelection, options: LocateOptions): Promise<LocatedPair> {
  if (!selection.local) return locateRemote(selection, options);
  if (selection.targets?.a === undefined && selection.targets?.b === undefined) {
    return locateLocal(selection, options);
  }
  throw new OperatorError('--local is the pair on this machine: it takes no --a and --b', {
    code: 'USAGE',
    exit: 'usage',
    suggestions: ['leave --local out, or --a and --b'],
  });
}

async function locateLocal(selection: PairSelection, options: LocateOptions): Promise<LocatedPair> {
  if (selection.engine !== undefined && selection.engine !== 'repcached') throw notOnThisMachine();
  const askedPorts = (['port', 'replicationPort'] as const).filter((kind) => selection[kind] !== undefined);
  const path = selection.configFile ?? localPairFile();
  const text = await readIfThere(path);
  if (text !== undefined) {
    const config = parsePairFile(text, path);
    if (!config.local) throw notLocal(path);
    refuseOtherPorts(config, selection, 'npm stop (or repcachectl destroy --local)');
    return { config: withSizes(config, selection), askedPorts, path, text };
  }
  if (!options.mayBeNew) {
    throw new OperatorError('there is no local pair', {
      code: 'NO_PAIR',
      exit: 'config',
      suggestions: ['repcachectl deploy --local'],
    });
  }
  if (selection.port !== undefined && selection.port === selection.replicationPort) {
    throw onePortForBoth(selection.port);
  }
  const port = selection.port ?? PAIR_DEFAULTS.port;
  const replicationPort = selection.replicationPort ?? PAIR_DEFAULTS.replicationPort;
  const node = (name: NodeName, offset: number): NodeConfig => ({
    name,
    host: 'local',
    port: port + offset,
    replicationPort: replicationPort + offset,
  });
  const fresh = { ...emptyPair, local: true, memoryMb: PAIR_DEFAULTS.localMemoryMb };
  const nodes = { a: node('a', 0), b: node('b', 1) };
  return { config: withSizes({ ...fresh, nodes }, selection), askedPorts, path };
}

async function locateRemote(selection: PairSelection, options: LocateOptions): Promise<LocatedPair> {
  const path = selection.configFile ?? CONFIG_FILE_NAME;
  const { a, b } = selection.targets ?? {};
  const text = await readIfThere(path);
  if (text !== undefined) {
    const stored = parsePairFile(text, path);
    if (stored.local && a === undefined && b === undefined) {
      return { config: withSizes(stored, selection), path, text };
    }
    const config = withSizes(withTargets(stored, selection), selection);
    if (!describesOtherPair(stored, config)) {
      refuseOtherPorts(stored, selection, 'repcachectl destroy');
      refuseOtherEngine(stored, selection);
      return { config, path, text };
    }
    // Rewriting the file would lose the only record of the pair that it describes.
    if (options.mayBeNew) throw otherPair(stored, path);
  }
  if (a !== undefined && b !== undefined) {
    const ports = {
      port: selection.port ?? PAIR_DEFAULTS.port,
      replicationPort: selection.replicationPort ?? PAIR_DEFAULTS.replicationPort,
    };
    if (ports.port === ports.replicationPort) throw onePortForBoth(ports.port);
    const nodes = { a: { name: 'a', host: a, ...ports }, b: { name: 'b', host: b, ...ports } } as const;
    return { config: withSizes(withTargets({ ...emptyPair, nodes }, selection), selection), path };
  }
  if (a !== undefined || b !== undefined) throw oneHostOnly(a === undefined ? 'a' : 'b', path);
  throw selection.configFile === undefined ? noPair() : configNotFound(path);
}

const emptyPair = {
  version: 1,
  engine: 'repcached',
  local: false,
  memoryMb: PAIR_DEFAULTS.memoryMb,
  connections: PAIR_DEFAULTS.connections,
  threads: PAIR_DEFAULTS.threads,
} as const;

/** How SSH gets there: what the target itself says wins over the flag for both, and that over the file. */
function withTargets(config: PairConfig, selection: PairSelection): PairConfig {
  const node = (name: NodeName): NodeConfig => {
    const target = selection.targets?.[name];
    return {
      ...config.nodes[name],
      ...(selection.user !== undefined && { user: selection.user }),
      ...(selection.sshPort !== undefined && { sshPort: selection.sshPort }),
      ...(selection.identityFile !== undefined && { identityFile: selection.identityFile }),
      ...(selection.addresses?.[name] !== undefined && { address: selection.addresses[name] }),
      ...(target !== undefined && parseTarget(target)),
    };
  };
  return { ...config, nodes: { a: node('a'), b: node('b') } };
}

function withSizes(config: PairConfig, selection: PairSelection): PairConfig {
  return {
    ...config,
    memoryMb: selection.memoryMb ?? config.memoryMb,
    connections: selection.connections ?? config.connections,
    engine: selection.engine ?? config.engine,
    ...(selection.verbatim !== undefined && { verbatim: selection.verbatim }),
  };
}

/** One host may have been replaced; when neither is the same it is another pair. */
function describesOtherPair(stored: PairConfig, wanted: PairConfig): boolean {
  if (stored.local) return true;
  const hosts = new Set(NODE_NAMES.map((name) => stored.nodes[name].host));
  return !NODE_NAMES.some((name) => hosts.has(wanted.nodes[name].host));
}

/**
 * The client port is a node's name on its host, and both nodes must change the replication port at the
 * same moment: either way the pair would start anew, empty, beside the old one.
 */
function refuseOtherPorts(stored: PairConfig, selection: PairSelection, destroy: string): void {
  if (stored.pair === undefined) return;
  const { port, replicationPort } = stored.nodes.a;
  const samePort = selection.port === undefined || selection.port === port;
  const sameReplication =
    selection.replicationPort === undefined || selection.replicationPort === replicationPort;
  if (samePort && sameReplication) return;
  throw new OperatorError(
    `this pair is deployed on ports ${port} and ${replicationPort}; they can't be changed`,
    {
      code: 'PORT_IS_FIXED',
      exit: 'usage',
      suggestions: [
        'leave --port and --replication-port out',
        `${destroy} first, then deploy on the other ports: what the pair holds is lost`,
      ],
    },
  );
}

function onePortForBoth(port: number): OperatorError {
  return new OperatorError(`one port, ${port}, can't serve clients and carry replication`, {
    code: 'USAGE',
    exit: 'usage',
    suggestions: ['choose another one with --port or --replication-port'],
  });
}

/** Another engine beside the old one would find its ports taken, or nobody to replicate with. */
function refuseOtherEngine(stored: PairConfig, { engine }: PairSelection): void {
  if (stored.pair === undefined || engine === undefined || engine === stored.engine) return;
  throw new OperatorError(`this pair is deployed with engine ${stored.engine}, not ${engine}`, {
    code: 'ENGINE_IS_FIXED',
    exit: 'usage',
    suggestions: [
      'leave --engine out',
      ...(stored.engine === 'legacy' && engine === 'repcached'
        ? ['repcachectl migrate --to repcached, which keeps what the pair holds']
        : []),
      'repcachectl destroy first, then deploy with the other engine: what the pair holds is lost',
    ],
  });
}

function notOnThisMachine(): OperatorError {
  return new OperatorError('--local runs the engine repcached only', {
    code: 'USAGE',
    exit: 'usage',
    suggestions: ['name two hosts with --a and --b', 'leave --engine out'],
  });
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new OperatorError(`${path} could not be read`, {
      code: 'CONFIG_UNREADABLE',
      exit: 'config',
      suggestions: [`name a file that this user may read: --config .../${CONFIG_FILE_NAME}`],
      cause,
    });
  }
}

function noPair(): OperatorError {
  return new OperatorError(`no pair is named: there is no ${CONFIG_FILE_NAME} here, and no --a and --b`, {
    code: 'NO_PAIR',
    exit: 'config',
    suggestions: [
      `run it in the folder that holds ${CONFIG_FILE_NAME}, or name the file with --config FILE`,
      'name both hosts with --a HOST --b HOST',
      'add --local for the pair on this machine',
    ],
  });
}

function oneHostOnly(missing: NodeName, path: string): OperatorError {
  return new OperatorError(
    `a pair has two hosts: --${missing} is missing, and there is no ${path} that names it`,
    {
      code: 'ONE_HOST_ONLY',
      exit: 'usage',
      suggestions: [`add --${missing} HOST`],
    },
  );
}

function configNotFound(path: string): OperatorError {
  return new OperatorError(`${path}: no such file`, {
    code: 'CONFIG_NOT_FOUND',
    exit: 'config',
    suggestions: [
      'name an existing file with --config',
      `deploy --a HOST --b HOST --config ${path} makes it`,
    ],
  });
}

function notLocal(path: string): OperatorError {
  return new OperatorError(`${path} does not describe a local pair`, {
    code: 'CONFIG_OF_OTHER_PAIR',
    exit: 'config',
    suggestions: ['leave --local out'],
  });
}

function otherPair(stored: PairConfig, path: string): OperatorError {
  const hosts = stored.local ? 'this machine' : `${stored.nodes.a.host} and ${stored.nodes.b.host}`;
  return new OperatorError(`${path} describes another pair, on ${hosts}`, {
    code: 'CONFIG_OF_OTHER_PAIR',
    exit: 'config',
    suggestions: ['name another file for the new pair with --config FILE', 'deploy from another folder'],
  });
}
