// What a host has of its pair, from the files that an earlier deploy left there.
import { join } from 'node:path';
import { nodeLayout } from '../../service/systemd-layout.js';
import { localNodeDir, readSecret } from '../open.js';
import type { OpenPair } from '../open-pair.js';
import type { NodeName } from '../types.js';
import type { FoundIdentity } from './identity.js';

export async function findIdentity(pair: OpenPair, name: NodeName): Promise<FoundIdentity> {
  const [pairId, secretText] = await Promise.all([readPairId(pair, name), readSecret(pair, name)]);
  return { pairId, secretText };
}

/** It stands among the node's settings, beside its secret but not in it: a secret can be changed. */
async function readPairId(pair: OpenPair, name: NodeName): Promise<string | undefined> {
  const { config, host } = pair.nodes[name];
  if (pair.config.local) {
    const text = await host.readFile(join(localNodeDir(name), 'command.json'));
    if (text === undefined) return undefined;
    const args = JSON.parse(text) as string[];
    const at = args.indexOf('--repl-pair');
    return at === -1 ? undefined : args[at + 1];
  }
  const text = await host.readFile(nodeLayout(config.port).environmentFile, { root: true });
  return text === undefined ? undefined : /^PAIR=(\S+)$/m.exec(text)?.[1];
}
