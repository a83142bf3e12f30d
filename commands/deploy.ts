import { Flags } from '@oclif/core';
import { sizeFlags } from '../src/cli/flags.js';
import { PairCommand } from '../src/cli/pair-command.js';
import { type DeployReport, deployPair } from '../src/pair/deploy/deploy.js';
import { renderDeploy } from '../src/report/deploy-text.js';

export default class Deploy extends PairCommand<typeof Deploy> {
  static override summary =
    'Make two hosts (or this machine) a replicated pair, or bring an existing one up to date.';
  static override description =
    `Checks both hosts, installs the engine as a systemd service on each, starts them cross-pointed, waits until
both are in sync, and writes repcache.yaml, which every other verb reads.

It changes only what differs: run again it changes nothing, and one that was stopped half way is simply run
again. When a setting needs a restart, one node restarts at a time and only while the other holds everything.
The hosts need SSH, systemd and root (or sudo), and nothing else.`;
  static override examples = [
    {
      description: 'A new pair of two hosts',
      command: '<%= config.bin %> deploy --a 192.168.37.17 --b 192.168.37.27',
    },
    {
      description: 'Another login and port, and 4 GB for items',
      command: '<%= config.bin %> deploy --a ops@cache1:2222 --b ops@cache2:2222 --memory 4096',
    },
    {
      description: 'What would a second deploy change? (the pair is the one in repcache.yaml)',
      command: '<%= config.bin %> deploy --dry-run',
    },
    {
      description: 'A pair on this machine, for trying it out: no root, no SSH',
      command: '<%= config.bin %> deploy --local',
    },
  ];

  static override flags = {
    ...sizeFlags,
    'dry-run': Flags.boolean({ description: 'say what would change on each host, and change nothing' }),
  };

  async run(): Promise<DeployReport> {
    const located = await this.locate({ mayBeNew: true });
    const report = await deployPair(located, {
      access: this.access,
      dryRun: this.flags['dry-run'],
      signal: this.signal,
      progress: this.progress,
    });
    this.log(renderDeploy(report, located.config, this.renderOptions));
    return report;
  }
}
