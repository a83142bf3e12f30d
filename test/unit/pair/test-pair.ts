// An OpenPair over servers that a test started: real hosts, and services that know only what the test says.
import { LocalHost } from '../../../src/host/local-host.js';
import type { OpenNode, OpenPair } from '../../../src/pair/open-pair.js';
import type { NodeName } from '../../../src/pair/types.js';
import type { NodeService, NodeStatus } from '../../../src/service/service.js';

export interface TestPairNode {
  port: number;
  replicationPort?: number;
  status?: () => Promise<NodeStatus>;
  crash?: (options: { restoreAfterSec: number }) => Promise<void>;
  recover?: () => Promise<void>;
}

export function testPair(nodes: Record<NodeName, TestPairNode>): OpenPair {
  const [a, b] = [openNode('a', nodes.a), openNode('b', nodes.b)];
  return {
    config: {
      version: 1,
      engine: 'repcached',
      local: true,
      memoryMb: 64,
      connections: 1024,
      threads: 1,
      nodes: { a: a.config, b: b.config },
    },
    nodes: { a, b },
  };
}

function openNode(name: NodeName, node: TestPairNode): OpenNode {
  const host = new LocalHost({ name });
  const notHere = async (): Promise<never> => {
    throw new Error('not part of this test');
  };
  const service: NodeService = {
    host,
    name,
    installSteps: () => [],
    uninstallSteps: () => [],
    status: node.status ?? (async () => ({ state: 'running' })),
    start: notHere,
    stop: notHere,
    restart: notHere,
    crash: node.crash ?? notHere,
    recover: node.recover ?? notHere,
    logs: notHere,
  };
  const { port, replicationPort = 1 } = node;
  return { config: { name, host: 'local', port, replicationPort }, host, service };
}
