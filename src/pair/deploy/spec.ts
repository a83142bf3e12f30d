// What each node's installation is made of, from the pair's configuration and what the hosts told.
import type { NodeSpec, Release } from '../../service/service.js';
import { type OpenPair, peerOf } from '../open-pair.js';
import { renderSecrets } from '../secrets.js';
import type { LinkTlsConfig, NodeName, PairConfig } from '../types.js';
import type { PairIdentity } from './identity.js';

const LOOPBACK = '127.0.0.1';

/** The engine flags that `replication` in repcache.yaml stands for. */
export function replicationFlags({ replication }: PairConfig): string[] {
  const { ack, exclude = [], flush, tls } = replication ?? {};
  return [
    ack === undefined ? [] : ['--repl-ack', ack],
    exclude.flatMap((pattern) => ['--repl-exclude', pattern]),
    flush === undefined ? [] : ['--repl-flush', flush],
    tls === undefined ? [] : tlsFlags(tls),
  ].flat();
}

function tlsFlags({ certificate, key, authority }: LinkTlsConfig): string[] {
  const keyFlags = key === undefined ? [] : ['--repl-tls-key', key];
  return ['--repl-tls', '--repl-tls-cert', certificate, ...keyFlags, '--repl-tls-ca', authority];
}

export function nodeSpec(
  pair: OpenPair,
  name: NodeName,
  release: Release,
  { pairId, secrets }: PairIdentity,
): NodeSpec {
  const { config, host } = pair.nodes[name];
  const peer = pair.nodes[peerOf(name)];
  return {
    name,
    port: config.port,
    replicationPort: config.replicationPort,
    // On its own address for the clients, on loopback for those on the host itself.
    listenAddresses: [...new Set([host.address, LOOPBACK])],
    replicationAddress: host.address,
    peerAddress: peer.host.address,
    peerReplicationPort: peer.config.replicationPort,
    memoryMb: pair.config.memoryMb,
    connections: pair.config.connections,
    threads: pair.config.threads,
    replicationFlags: replicationFlags(pair.config),
    pairId,
    secretText: renderSecrets(secrets[name]),
    release,
  };
}
