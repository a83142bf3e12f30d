import { Flags } from '@oclif/core';
import { PairCommand } from '../src/cli/pair-command.js';
import { prose } from '../src/cli/prose.js';
import { EXIT } from '../src/errors.js';
import { type PairStatus, pairStatus } from '../src/pair/status.js';
import { pause } from '../src/pair/wait.js';
import { renderStatus } from '../src/report/status-text.js';

export default class Status extends PairCommand<typeof Status> {
  static override summary = 'How the pair is: both nodes, the link between them, and one verdict.';
  static override description = prose`
    Also when one host can't be reached. Exits with 0 when both nodes answer and are in sync, with 7 when not.`;
  static override examples = [
    { description: 'The pair in repcache.yaml', command: '<%= config.bin %> status' },
    { description: 'Again every 2 seconds, until Ctrl-C', command: '<%= config.bin %> status --watch' },
    { description: 'For a monitoring system', command: '<%= config.bin %> status --json' },
  ];

  static override flags = {
    watch: Flags.boolean({
      char: 'w',
      exclusive: ['json'],
      description: 'show it again and again, until Ctrl-C',
    }),
    every: Flags.integer({
      min: 1,
      max: 3600,
      helpValue: 'SEC',
      dependsOn: ['watch'],
      description: 'pause between two looks (default 2)',
    }),
  };

  async run(): Promise<PairStatus> {
    const status = await this.withPair(
      async (pair) => {
        for (;;) {
          const current = await pairStatus(pair);
          if (this.flags.watch && process.stdout.isTTY) process.stdout.write('\x1b[H\x1b[2J');
          this.log(renderStatus(current, this.renderOptions));
          if (!this.flags.watch) return current;
          await pause((this.flags.every ?? 2) * 1000, this.signal);
        }
      },
      { oneMayBeDown: true },
    );
    if (!status.ok) process.exitCode = EXIT.checkFailed;
    return status;
  }
}
