// Ports for a local pair: those that were asked for, or a refusal; in place of defaults that are taken the next free ones.
import net from 'node:net';
import { OperatorError } from '../../errors.js';
import type { PortKind } from '../config/locate.js';
import { localStateDir } from '../config/paths.js';
import { closePair, openPair } from '../open.js';
import type { NodeConfig, NodeName, PairConfig } from '../types.js';
import { NODE_NAMES } from '../types.js';
import { holderOf, stopCommand } from './checks.js';
import { gatherFacts, type Listener } from './facts.js';

export interface MovedPort {
  readonly node: NodeName;
  readonly what: PortKind;
  readonly from: number;
  readonly to: number;
}

/** How far to look for a free port before giving up. */
const SEARCH = 200;

/** What trying to listen on a port came to; `forbidden` to this user. */
type PortState = 'free' | 'taken' | 'forbidden';

interface PortQuestions {
  /** A node that runs already keeps its ports. */
  readonly isOurs: (name: NodeName) => Promise<boolean>;
  /** Who listens on a port, if that can be seen. */
  readonly findHolder: (port: number) => Promise<Listener | undefined>;
  readonly tryPort: (port: number) => Promise<PortState>;
}

/** As `chooseLocalPorts`, asking the local nodes themselves which of them run. */
export async function moveLocalPorts(
  config: PairConfig,
  asked: readonly PortKind[],
): Promise<{ config: PairConfig; moved: MovedPort[] }> {
  const pair = await openPair(config, { acceptNewHostKeys: false });
  try {
    return await chooseLocalPorts(config, asked, {
      isOurs: async (name) => {
        const { state } = await pair.nodes[name].service.status();
        return state === 'running' || state === 'starting';
      },
      findHolder: async (port) => {
        const wanted = { ports: [port], needsRoot: false, releasesDir: localStateDir() };
        return (await gatherFacts(pair.nodes.a, wanted)).listeners[0];
      },
      tryPort: tryOnLoopback,
    });
  } finally {
    await closePair(pair);
  }
}

/**
 * @param asked Ports of node a that the operator named: those and no others.
 * @throws OperatorError `PORT_TAKEN`, `NO_FREE_PORT` (exit unsuitable)
 */
export async function chooseLocalPorts(
  config: PairConfig,
  asked: readonly PortKind[],
  { isOurs, findHolder, tryPort }: PortQuestions,
): Promise<{ config: PairConfig; moved: MovedPort[] }> {
  const moved: MovedPort[] = [];
  const taken = new Set<number>();
  const nodes = { ...config.nodes };
  const running = new Map<NodeName, boolean>();
  for (const name of NODE_NAMES) {
    running.set(name, await isOurs(name));
    if (running.get(name)) for (const port of portsOf(nodes[name])) taken.add(port);
  }
  const fixed = running.get('a') ? [] : asked;
  // Before any is chosen: none of those may be one of these.
  for (const kind of fixed) {
    const port = nodes.a[kind];
    const state = taken.has(port) ? 'taken' : await tryPort(port);
    if (state !== 'free') throw notToBeHad(kind, port, state, await findHolder(port));
    taken.add(port);
  }
  for (const name of NODE_NAMES) {
    if (running.get(name)) continue;
    for (const what of ['port', 'replicationPort'] as const) {
      if (name === 'a' && fixed.includes(what)) continue;
      const from = nodes[name][what];
      const to = await nextFree(from, taken, tryPort);
      taken.add(to);
      if (to !== from) moved.push({ node: name, what, from, to });
      nodes[name] = { ...nodes[name], [what]: to };
    }
  }
  return { config: { ...config, nodes }, moved };
}

function notToBeHad(
  kind: PortKind,
  port: number,
  state: Exclude<PortState, 'free'>,
  holder: Listener | undefined,
): OperatorError {
  const flag = kind === 'port' ? '--port' : '--replication-port';
  const others = [`choose another port with ${flag}`, `leave ${flag} out: a free one is chosen then`];
  if (state === 'forbidden') {
    return new OperatorError(`this user may not listen on port ${port}`, {
      code: 'PORT_TAKEN',
      exit: 'unsuitable',
      suggestions: others,
    });
  }
  return new OperatorError(`port ${port} is taken by ${holder ? holderOf(holder) : 'another program'}`, {
    code: 'PORT_TAKEN',
    exit: 'unsuitable',
    suggestions: [`stop that program${holder ? stopCommand(holder) : ''}`, ...others],
  });
}

function portsOf(node: NodeConfig): number[] {
  return [node.port, node.replicationPort];
}

async function nextFree(
  from: number,
  taken: ReadonlySet<number>,
  tryPort: PortQuestions['tryPort'],
): Promise<number> {
  const last = Math.min(from + SEARCH, 65535);
  for (let port = from; port <= last; port++) {
    if (!taken.has(port) && (await tryPort(port)) === 'free') return port;
  }
  throw new OperatorError(`no free port from ${from} to ${last} on this machine`, {
    code: 'NO_FREE_PORT',
    exit: 'unsuitable',
    suggestions: ['name another first one with --port or --replication-port'],
  });
}

/** Tries it: the one answer that counts is the kernel's. */
function tryOnLoopback(port: number): Promise<PortState> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve('taken');
      else if (error.code === 'EACCES') resolve('forbidden');
      else reject(error);
    });
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve('free')));
  });
}
