import { Flags } from '@oclif/core';
import { sizeFlags, sourceFlags } from '../src/cli/flags.js';
import { PairCommand } from '../src/cli/pair-command.js';
import { prose } from '../src/cli/prose.js';
import { OperatorError } from '../src/errors.js';
import { type DeployReport, deployPair } from '../src/pair/deploy/deploy.js';
import type { EngineName } from '../src/pair/types.js';
import { renderDeploy } from '../src/report/deploy-text.js';

export default class Deploy extends PairCommand<typeof Deploy> {
  static override summary =
    'Make two hosts (or this machine) a replicated pair, or bring an existing one up to date.';
  static override description = prose`
    Checks both hosts, installs the engine as a systemd service on each, starts them cross-pointed, waits until
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
    {
      description: 'The C program repcached 2.2.1, built on both hosts from an archive that this machine has',
      command:
        '<%= config.bin %> deploy --a cache1 --b cache2 --engine legacy --source memcached-1.2.8-repcached-2.2.1.tar.gz',
    },
    {
      description: 'The same, built on one of two hosts of the same system and copied to the other',
      command: '<%= config.bin %> deploy --a cache1 --b cache2 --engine legacy --copy-build',
    },
  ];

  static override flags = {
    ...sizeFlags,
    ...sourceFlags,
    'copy-build': Flags.boolean({
      description:
        'with --engine legacy: build on one host and copy to the other; they must be of the same system',
    }),
    verbatim: Flags.boolean({
      description: 'with --engine legacy: run it exactly as in the old recipe, in the background and as root',
    }),
    'dry-run': Flags.boolean({ description: 'say what would change on each host, and change nothing' }),
  };

  async run(): Promise<DeployReport> {
    const located = await this.locate({ mayBeNew: true });
    refuseForeignFlags(this.flags, located.config.engine);
    const report = await deployPair(located, {
      access: this.access,
      dryRun: this.flags['dry-run'],
      source: this.flags.source,
      sha256: this.flags.sha256,
      copyBuild: this.flags['copy-build'],
      signal: this.signal,
      progress: this.progress,
    });
    this.log(renderDeploy(report, located.config, this.renderOptions));
    return report;
  }
}

/** What only the C program knows means nothing to another engine, and must not be silently ignored. */
function refuseForeignFlags(
  flags: {
    source?: string | undefined;
    sha256?: string | undefined;
    'copy-build': boolean;
    verbatim: boolean;
  },
  engine: EngineName,
): void {
  const [flag] = (['source', 'sha256', 'copy-build', 'verbatim'] as const).filter((name) => flags[name]);
  if (flag === undefined || engine === 'legacy') return;
  throw new OperatorError(`--${flag} is for --engine legacy, not for ${engine}`, {
    code: 'USAGE',
    exit: 'usage',
    suggestions: [`leave --${flag} out, or add --engine legacy`],
  });
}
