import { Flags } from '@oclif/core';
import { accessOf } from '../../src/cli/access.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { sourceFlags, sshFlags } from '../../src/cli/flags.js';
import { progressFor } from '../../src/cli/progress.js';
import { prose } from '../../src/cli/prose.js';
import { BUILD_LOG, PROGRAM } from '../../src/legacy/layout.js';
import { type BuildLegacyReport, buildLegacy } from '../../src/pair/legacy/build.js';

export default class BuildLegacy extends BaseCommand<typeof BuildLegacy> {
  static override summary = 'Build the C program repcached 2.2.1 on a host, patched so that it compiles.';
  static override description = prose`
    Gets the source, patches it, installs what the build needs by the host's own package manager (libevent, a C
    compiler, make), builds it and installs it under /usr/local/repcached. A build that fails leaves what was there
    before; its log stays on the host. Needs root there.`;
  static override examples = [
    { description: 'On this machine, from SourceForge', command: '<%= config.bin %> build legacy --on here' },
    {
      description: 'On a host that has no internet, from an archive that this machine has',
      command:
        '<%= config.bin %> build legacy --on ops@cache1 --source memcached-1.2.8-repcached-2.2.1.tar.gz',
    },
    {
      description: 'Once for two hosts of the same system, of which the second one needs no compiler',
      command: '<%= config.bin %> build legacy --on cache1 --copy-to cache2',
    },
  ];
  static override flags = {
    ...sourceFlags,
    on: Flags.string({
      default: 'here',
      helpValue: 'HOST',
      description: '[user@]host[:ssh port], or "here": this machine',
    }),
    'copy-to': Flags.string({
      helpValue: 'HOST',
      description: 'copy what was built to this host, of the same system, instead of building it there again',
    }),
    ...sshFlags,
  };

  async run(): Promise<BuildLegacyReport> {
    const { on, 'copy-to': copyTo, source, sha256, user, 'ssh-port': sshPort, identity } = this.flags;
    const json = this.jsonEnabled();
    const report = await buildLegacy({
      on,
      copyTo,
      login: { user, sshPort, identityFile: identity },
      source,
      sha256,
      access: accessOf({ ...this.flags, json }, this.signal),
      signal: this.signal,
      progress: progressFor({ json }),
    });
    this.log(report.built ? `${PROGRAM} is built (log: ${BUILD_LOG}).` : `${PROGRAM} stands already.`);
    if (report.copied !== undefined) {
      this.log(report.copied ? `It is copied to ${copyTo}.` : `It stands on ${copyTo} already.`);
    }
    return report;
  }
}
