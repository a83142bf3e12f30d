// Ports for a local pair: those asked for where they are free, else the next free ones.
import net from 'node:net';
import { OperatorError } from '../../errors.js';
import { closePair, openPair } from '../open.js';
import type { NodeConfig, NodeName, PairConfig } from '../types.js';
import { NODE_NAMES } from '../types.js';

export interface MovedPort {
  readonly node: NodeName;
  readonly what: 'port' | 'replicationPort';
  readonly from: number;
  readonly to: number;
}

/** How far to look for a free port before giving up. */
const SEARCH = 200;

/** As `chooseLocalPorts`, asking the local nodes themselves which of them run. */
export async function moveLocalPorts(
  config: PairConfig,
): Promise<{ config: PairConfig; moved: MovedPort[] }> {
  const pair = await openPair(config, { acceptNewHostKeys: false });
  try {
    return await chooseLocalPorts(config, async (name) => {
      const { state } = await pair.nodes[name].service.status();
      return state === 'running' || state === 'starting';
    });
  } finally {
    await closePair(pair);
  }
}

/**
 * @param isOurs A node that runs already keeps its ports.
 * @throws OperatorError `NO_FREE_PORT` (exit unsuitable)
 */
export async function chooseLocalPorts(
  config: PairConfig,
  isOurs: (name: NodeName) => Promise<boolean>,
  isFree: (port: number) => Promise<boolean> = isFreeOnLoopback,
): Promise<{ config: PairConfig; moved: MovedPort[] }> {
  const moved: MovedPort[] = [];
  const taken = new Set<number>();
  const nodes = { ...config.nodes };
  const running = new Map<NodeName, boolean>();
  for (const name of NODE_NAMES) {
    running.set(name, await isOurs(name));
    if (running.get(name)) for (const port of portsOf(nodes[name])) taken.add(port);
  }
  for (const name of NODE_NAMES) {
    if (running.get(name)) continue;
    for (const what of ['port', 'replicationPort'] as const) {
      const from = nodes[name][what];
      const to = await nextFree(from, taken, isFree);
      taken.add(to);
      if (to !== from) moved.push({ node: name, what, from, to });
      nodes[name] = { ...nodes[name], [what]: to };
    }
  }
  return { config: { ...config, nodes }, moved };
}

function portsOf(node: NodeConfig): number[] {
  return [node.port, node.replicationPort];
}

async function nextFree(
  from: number,
  taken: ReadonlySet<number>,
  isFree: (port: number) => Promise<boolean>,
): Promise<number> {
  const last = Math.min(from + SEARCH, 65535);
  for (let port = from; port <= last; port++) {
    if (!taken.has(port) && (await isFree(port))) return port;
  }
  throw new OperatorError(`no free port from ${from} to ${last} on this machine`, {
    code: 'NO_FREE_PORT',
    exit: 'unsuitable',
    suggestions: ['name another first one with --port or --replication-port'],
  });
}

/** Tries it: the one answer that counts is the kernel's. */
function isFreeOnLoopback(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else reject(error);
    });
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
