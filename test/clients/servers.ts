// The servers that the client programs talk to: ours, and memcached to show that the programs are right.
import { withNode } from '../helpers/engine.js';
import { hasMemcached, withMemcached } from '../unit/pair/memcached.js';

export interface ServerUnderTest {
  readonly name: string;
  readonly isInstalled: boolean;
  /** Runs the callback with the port of a fresh server. */
  readonly use: (callback: (port: number) => Promise<void>) => Promise<void>;
}

export const SERVERS: readonly ServerUnderTest[] = [
  {
    name: 'memcached, to prove the programs',
    isInstalled: hasMemcached,
    use: (callback) => withMemcached([[]], callback),
  },
  { name: 'repcached', isInstalled: true, use: (callback) => withNode([], (node) => callback(node.port)) },
];
