import { Flags } from '@oclif/core';
import { PairCommand } from '../src/cli/pair-command.js';
import { prose } from '../src/cli/prose.js';
import { type MigrateReport, migratePair } from '../src/pair/migrate/migrate.js';
import { renderMigration } from '../src/report/migrate-text.js';

export default class Migrate extends PairCommand<typeof Migrate> {
  static override summary = 'Bring a running legacy pair to our engine without losing a key, or back.';
  static override description = prose`
    One node after the other is stopped and replaced while its peer holds everything and serves: first by our engine
    speaking the legacy protocol, then, with the second node, by its own protocol. The pair is verified after each
    move. It goes by what runs on the hosts: stopped between two moves (Ctrl-C, a lost connection), it goes on when it
    is run again. --back returns to the legacy program while one legacy node, or its protocol, still stands.`;
  static override examples = [
    { description: 'What would be done?', command: '<%= config.bin %> migrate --to repcached --dry-run' },
    { description: 'The pair in repcache.yaml', command: '<%= config.bin %> migrate --to repcached' },
    {
      description: 'A legacy pair that another folder, or another machine, deployed',
      command: '<%= config.bin %> migrate --to repcached --a cache1 --b cache2',
    },
    { description: 'Changed your mind half way', command: '<%= config.bin %> migrate --back' },
  ];
  static override flags = {
    to: Flags.option({
      options: ['repcached'] as const,
      exactlyOne: ['to', 'back'],
      description: 'the engine that is to run',
    })(),
    back: Flags.boolean({ description: 'return the nodes that were replaced to the legacy program' }),
    'dry-run': Flags.boolean({
      description: 'look at the hosts, say what would be done, and change nothing',
    }),
  };

  async run(): Promise<MigrateReport> {
    const { back, 'dry-run': dryRun } = this.flags;
    const report = await migratePair(await this.locate(), {
      direction: back ? 'back' : 'forward',
      dryRun,
      access: this.access,
      signal: this.signal,
      progress: this.progress,
    });
    this.log(renderMigration(report, this.renderOptions));
    return report;
  }
}
