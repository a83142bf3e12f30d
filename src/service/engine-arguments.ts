// A node's settings as the engine takes them: its command line, and the environment file that the unit reads.
import { OperatorError } from '../errors.js';
import type { NodeSpec } from './service.js';

/**
 * The engine's arguments; templates/repcached@.service has the same ones in the same order.
 * @param memoryFile where the node keeps its items while it is down; without, it does not
 */
export function engineArguments(spec: NodeSpec, secretFile: string, memoryFile?: string): string[] {
  return [
    ['-p', String(spec.port)],
    ['-l', spec.listenAddresses.join(',')],
    ['-m', String(spec.memoryMb)],
    ['-c', String(spec.connections)],
    ['-t', String(spec.threads)],
    ['-U', '0'],
    ['-x', spec.peerAddress],
    ['-X', `${spec.replicationPort}:${spec.peerReplicationPort}`],
    ['--repl-listen', spec.replicationAddress],
    ['--repl-pair', spec.pairId],
    ['--repl-secret-file', secretFile],
    memoryFile === undefined ? [] : ['-e', memoryFile],
    spec.replicationFlags,
  ].flat();
}

/**
 * Content of /etc/repcached/<port>.env.
 * @throws OperatorError `BAD_SETTING` (exit config) for a value that systemd would not pass on as it is.
 */
export function environmentFile(spec: NodeSpec): string {
  const settings: [string, string | number][] = [
    ['LISTEN', spec.listenAddresses.join(',')],
    ['MEMORY_MB', spec.memoryMb],
    ['CONNECTIONS', spec.connections],
    ['THREADS', spec.threads],
    ['PEER', spec.peerAddress],
    ['REPLICATION_LISTEN', spec.replicationAddress],
    ['REPLICATION_PORT', spec.replicationPort],
    ['PEER_REPLICATION_PORT', spec.peerReplicationPort],
    ['PAIR', spec.pairId],
  ];
  for (const [name, value] of settings) {
    if (/^[\w.,:%[\]-]+$/.test(String(value))) continue;
    throw new OperatorError(`node ${spec.name}: ${name} cannot be ${JSON.stringify(value)}`, {
      code: 'BAD_SETTING',
      exit: 'config',
    });
  }
  const odd = spec.replicationFlags.find((word) => !/^[\w.,:%*/[\]-]+$/.test(word));
  if (odd !== undefined) {
    throw new OperatorError(`node ${spec.name}: replication cannot be given ${JSON.stringify(odd)}`, {
      code: 'BAD_SETTING',
      exit: 'config',
    });
  }
  settings.push(['REPLICATION_FLAGS', spec.replicationFlags.join(' ')]);
  const lines = settings.map(([name, value]) => `${name}=${value}`);
  return `# Settings of repcached@${spec.port}.service, written by repcachectl from repcache.yaml.\n${lines.join('\n')}\n`;
}
