// What a host has of its pair, from the files that an earlier deploy left there.
import { join } from 'node:path';
import { nodeLayout } from '../../service/systemd-layout.js';
import { localNodeDir, readSecret } from '../open.js';
import type { OpenPair } from '../open-pair.js';
import type { NodeName } from '../types.js';
import type { FoundIdentity } from './identity.js';

const TLS_FLAG = '--repl-tls';

export async function findIdentity(pair: OpenPair, name: NodeName): Promise<FoundIdentity> {
  const [settings, secretText] = await Promise.all([
    pair.config.local ? localSettings(pair, name) : unitSettings(pair, name),
    readSecret(pair, name),
  ]);
  return { ...settings, secretText };
}

type FoundSettings = Pick<FoundIdentity, 'pairId' | 'hasLinkTls'>;

const NOTHING: FoundSettings = { pairId: undefined, hasLinkTls: undefined };

async function localSettings(pair: OpenPair, name: NodeName): Promise<FoundSettings> {
  const text = await pair.nodes[name].host.readFile(join(localNodeDir(name), 'command.json'));
  if (text === undefined) return NOTHING;
  const args = JSON.parse(text) as string[];
  const at = args.indexOf('--repl-pair');
  return { pairId: at === -1 ? undefined : args[at + 1], hasLinkTls: args.includes(TLS_FLAG) };
}

async function unitSettings(pair: OpenPair, name: NodeName): Promise<FoundSettings> {
  const { config, host } = pair.nodes[name];
  const text = await host.readFile(nodeLayout(config.port).environmentFile, { root: true });
  if (text === undefined) return NOTHING;
  const flags = /^REPLICATION_FLAGS=(.*)$/m.exec(text)?.[1] ?? '';
  return { pairId: /^PAIR=(\S+)$/m.exec(text)?.[1], hasLinkTls: flags.split(' ').includes(TLS_FLAG) };
}
