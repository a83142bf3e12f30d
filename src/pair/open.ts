// Connects to both hosts of a pair and puts each node's service on top.
import { lookup } from 'node:dns/promises';
import { join } from 'node:path';
import type { Host } from '../host/host.js';
import type { HostKeyQuestion } from '../host/host-key-policy.js';
import { LocalHost } from '../host/local-host.js';
import { resolveSshTarget } from '../host/ssh-config.js';
import { SshHost, type SshHostOptions } from '../host/ssh-host.js';
import { BUILD_RECORD, LEGACY_UNIT_FILE, legacyLayout } from '../legacy/layout.js';
import { LegacyService } from '../legacy/legacy-service.js';
import { STOCK_CONFIG_FILES } from '../legacy/stock-config.js';
import { StockService } from '../legacy/stock-service.js';
import { ProcessService } from '../service/process-service.js';
import type { NodeService } from '../service/service.js';
import { CURRENT_LINK, nodeLayout, UNIT_FILE } from '../service/systemd-layout.js';
import { SystemdService } from '../service/systemd-service.js';
import { localStateDir } from './config/paths.js';
import { noReplication, readLegacyLink } from './legacy/link.js';
import { onBoth } from './on-both.js';
import { type OpenNode, type OpenPair, peerOf } from './open-pair.js';
import { NODE_NAMES, type NodeConfig, type NodeName, type PairConfig } from './types.js';
import { UnreachableHost } from './unreachable-host.js';

/** What only the operator can give: trust in a new host, a password. */
export interface Access {
  readonly acceptNewHostKeys: boolean;
  /** Absent where nobody can be asked. Never called for two hosts at once. */
  readonly confirmHostKey?: (question: HostKeyQuestion) => Promise<boolean>;
  readonly sudoPassword?: () => Promise<string | undefined>;
}

export interface OpenOptions {
  /** Go on with one host when the other can't be reached; whoever needs that one gets the error then. */
  readonly oneMayBeDown?: boolean;
}

/** @throws OperatorError of one host, or of both together; nothing stays open then */
export async function openPair(
  config: PairConfig,
  access: Access,
  options: OpenOptions = {},
): Promise<OpenPair> {
  const [a, b] = await Promise.allSettled(NODE_NAMES.map((name) => openHost(config, name, access)));
  const failures = [a, b].filter((result) => result.status === 'rejected').length;
  const tolerated = options.oneMayBeDown === true && failures === 1;
  if (failures > 0 && !tolerated) {
    await Promise.all([a, b].map((result) => result.status === 'fulfilled' && result.value.close()));
  }
  const opened = { a, b };
  const addressOfNode = (name: NodeName): string => {
    const result = opened[name];
    const { address, host } = config.nodes[name];
    return result.status === 'fulfilled' ? result.value.address : (address ?? host);
  };
  const nodes = await onBoth(async (name): Promise<OpenNode> => {
    const result = opened[name];
    if (result.status === 'rejected' && !tolerated) throw result.reason;
    const node = config.nodes[name];
    const host =
      result.status === 'fulfilled'
        ? result.value
        : new UnreachableHost(name, node.address ?? node.host, result.reason);
    const peerAddress = addressOfNode(peerOf(name));
    return {
      config: node,
      host,
      service: serviceOf(config, name, host, peerAddress),
      ...linkReaderOf(config, name, host, peerAddress),
    };
  });
  return { config, nodes };
}

export async function closePair(pair: OpenPair): Promise<void> {
  await Promise.all(NODE_NAMES.map((name) => pair.nodes[name].host.close()));
}

/** The folder of a local node. */
export function localNodeDir(name: NodeName): string {
  return join(localStateDir(), name);
}

function serviceOf(config: PairConfig, name: NodeName, host: Host, peerAddress: string): NodeService {
  const { port, replicationPort } = config.nodes[name];
  if (config.engine === 'stock') return new StockService(host, name);
  if (config.engine === 'legacy') {
    const verbatim = config.verbatim === true;
    return new LegacyService(host, name, { port, replicationPort, verbatim, peerAddress });
  }
  if (config.local) return new ProcessService(host, name, localNodeDir(name));
  return new SystemdService(host, name, port);
}

function linkReaderOf(
  config: PairConfig,
  name: NodeName,
  host: Host,
  peerAddress: string,
): Pick<OpenNode, 'readLink'> {
  if (config.engine === 'repcached') return {};
  if (config.engine === 'stock') return { readLink: async () => noReplication(name) };
  const { replicationPort } = config.nodes[name];
  const peerReplicationPort = config.nodes[peerOf(name)].replicationPort;
  return {
    readLink: () => readLegacyLink(host, { name, peerAddress, replicationPort, peerReplicationPort }),
  };
}

/** A host by what the operator calls it, for work that is not about a pair. */
export function openHostByTarget(
  node: { host: string } & Pick<SshHostOptions, 'user' | 'identityFile'> & { sshPort?: number | undefined },
  access: Access,
): Promise<Host> {
  const { host, user, sshPort, identityFile } = node;
  return SshHost.connect({
    name: host,
    target: host,
    user,
    port: sshPort,
    identityFile,
    acceptNewHostKeys: access.acceptNewHostKeys,
    confirmHostKey: access.confirmHostKey,
    sudoPassword: access.sudoPassword,
  });
}

async function openHost(config: PairConfig, name: NodeName, access: Access): Promise<Host> {
  return config.local ? new LocalHost({ name }) : await openRemote(config.nodes[name], access);
}

async function openRemote(node: NodeConfig, access: Access): Promise<SshHost> {
  const target: SshHostOptions = {
    name: node.name,
    target: node.host,
    user: node.user,
    port: node.sshPort,
    identityFile: node.identityFile,
    acceptNewHostKeys: access.acceptNewHostKeys,
    confirmHostKey: access.confirmHostKey,
    sudoPassword: access.sudoPassword,
  };
  return SshHost.connect({ ...target, address: node.address ?? (await addressOf(target)) });
}

/** The IP address behind what ssh resolves the target to; a name that only a jump host knows stays a name. */
async function addressOf(options: SshHostOptions): Promise<string> {
  const { hostName } = await resolveSshTarget(options);
  try {
    return (await lookup(hostName)).address;
  } catch {
    return hostName;
  }
}

/** The file that holds a node's replication secret. */
export function secretFileOf(pair: OpenPair, name: NodeName): string {
  if (pair.config.local) return join(localNodeDir(name), 'secret');
  return nodeLayout(pair.nodes[name].config.port).secretFile;
}

/** What stands there; undefined when there is none. */
export function readSecret(pair: OpenPair, name: NodeName): Promise<string | undefined> {
  return pair.nodes[name].host.readFile(secretFileOf(pair, name), { root: !pair.config.local });
}

/** The files on the host that a node reads when it starts, and only then. */
export function configFilesOf(pair: OpenPair, name: NodeName): string[] {
  if (pair.config.local) return ['command.json', 'current'].map((file) => join(localNodeDir(name), file));
  if (pair.config.engine === 'stock') return [...STOCK_CONFIG_FILES];
  if (pair.config.engine === 'legacy') {
    const layout = legacyLayout(pair.nodes[name].config.port);
    return [layout.environmentFile, `${layout.dropIns}/limits.conf`, LEGACY_UNIT_FILE, BUILD_RECORD];
  }
  const { environmentFile, dropIns } = nodeLayout(pair.nodes[name].config.port);
  return [environmentFile, `${dropIns}/limits.conf`, UNIT_FILE, CURRENT_LINK];
}
