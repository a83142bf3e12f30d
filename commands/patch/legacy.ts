import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../src/cli/base-command.js';
import { prose } from '../../src/cli/prose.js';
import { type PatchReport, patchFolder } from '../../src/legacy/patch-folder.js';

export default class PatchLegacy extends BaseCommand<typeof PatchLegacy> {
  static override summary = 'Make the source of the C program repcached compile on Linux.';
  static override description = prose`
    In memcached.c, IOV_MAX is defined for FreeBSD and Apple alone, so make fails on Linux. This takes away the inner
    #if and its #endif; nothing else is changed. A source that is patched already stays as it is, one whose block
    looks different is refused.`;
  static override examples = [
    {
      description: 'What would change?',
      command: '<%= config.bin %> patch legacy /usr/local/src/memcached-1.2.8-repcached-2.2.1 --dry-run',
    },
  ];
  static override args = {
    dir: Args.string({ required: true, description: 'the unpacked source: the folder with memcached.c' }),
  };
  static override flags = {
    'dry-run': Flags.boolean({ description: 'show the difference, and change nothing' }),
  };

  async run(): Promise<PatchReport> {
    const { args } = await this.parse(PatchLegacy);
    const report = await patchFolder(args.dir, { dryRun: this.flags['dry-run'] });
    if (report.diff !== '') this.log(report.diff);
    if (report.state === 'already') this.log(`${report.file} is patched already.`);
    else this.log(report.dryRun ? 'Nothing was changed (--dry-run).' : `${report.file} is patched.`);
    return report;
  }
}
