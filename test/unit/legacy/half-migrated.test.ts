// deploy on a pair that a migration has come half way with: it must leave everything as it is.
import { describe, expect, it } from 'vitest';
import type { LocatedPair } from '../../../src/pair/config/locate.js';
import { deployForeign } from '../../../src/pair/legacy/deploy.js';
import type { OpenPair } from '../../../src/pair/open-pair.js';
import type { NodeName, PairConfig } from '../../../src/pair/types.js';
import { withFolder } from '../../helpers/temporary-folder.js';
import { testPair } from '../pair/test-pair.js';
import { FolderHost } from './folder-host.js';

const ON_ITS_WAY = {
  code: 'MIGRATION_UNDER_WAY',
  suggestions: ['go on: repcachectl migrate --to repcached', 'go back: repcachectl migrate --back'],
};

/** Hosts whose systemd knows our unit as the test says, and the legacy pair on them. */
function withLegacyPair<T>(
  ours: Record<NodeName, { isActive?: string; isEnabled?: string }>,
  callback: (deploy: () => Promise<unknown>, hosts: Record<NodeName, FolderHost>) => Promise<T>,
): Promise<T> {
  return withFolder((folder) => {
    const host = (name: NodeName): FolderHost => {
      const made = new FolderHost(name, `${folder}/${name}`);
      const { isActive = 'inactive', isEnabled = 'disabled' } = ours[name];
      const answers = `is-active\\ repcached@11211.service) echo ${isActive};;
        is-enabled\\ repcached@11211.service) echo ${isEnabled};;`;
      made.program('/bin/systemctl', `case "$*" in ${answers} *) exit 9;; esac`);
      return made;
    };
    const hosts = { a: host('a'), b: host('b') };
    const base = testPair({ a: { port: 11211 }, b: { port: 11211 } });
    const config: PairConfig = { ...base.config, engine: 'legacy', local: false };
    const pair: OpenPair = {
      config,
      nodes: { a: { ...base.nodes.a, host: hosts.a }, b: { ...base.nodes.b, host: hosts.b } },
    };
    const located: LocatedPair = { path: `${folder}/repcache.yaml`, config };
    const signal = new AbortController().signal;
    const refused = () => Promise.reject(new Error('it went on to work on the hosts'));
    const deploy = () =>
      deployForeign(pair, located, {
        access: { acceptNewHostKeys: false },
        dryRun: false,
        signal,
        progress: { step: refused, both: refused },
      });
    return callback(deploy, hosts);
  });
}

describe('deploy --engine legacy', () => {
  it('refuses, before it changes anything, where our engine has the place of a legacy node', () =>
    withLegacyPair({ a: {}, b: { isActive: 'active', isEnabled: 'enabled' } }, async (deploy, hosts) => {
      await expect(deploy()).rejects.toMatchObject({
        ...ON_ITS_WAY,
        message: 'b: our engine has the place of the legacy program',
      });
      for (const line of [...hosts.a.ran, ...hosts.b.ran]) expect(line).toMatch(/^systemctl is-/);
    }));

  it('refuses as well where our engine is down, and would be back after a reboot', () =>
    withLegacyPair({ a: { isEnabled: 'enabled' }, b: { isActive: 'activating' } }, async (deploy) => {
      await expect(deploy()).rejects.toMatchObject({
        ...ON_ITS_WAY,
        message: 'a and b: our engine has the place of the legacy program',
      });
    }));

  it('goes on where our engine is not, or is no more', () =>
    withLegacyPair({ a: {}, b: { isActive: 'failed' } }, async (deploy) => {
      await expect(deploy()).rejects.toThrow('it went on to work on the hosts');
    }));
});
