import { confirm } from '../src/cli/ask.js';
import { yesFlag } from '../src/cli/flags.js';
import { PairCommand } from '../src/cli/pair-command.js';
import { prose } from '../src/cli/prose.js';
import { type DestroyReport, destroyPair } from '../src/pair/destroy.js';
import type { PairConfig } from '../src/pair/types.js';

export default class Destroy extends PairCommand<typeof Destroy> {
  static override summary =
    'Remove the pair from its hosts: processes, units, files, user, and all it holds.';
  static override description = prose`
    Leaves nothing behind on the hosts, also where a deploy was stopped half way. Asks first.

    repcache.yaml stays, so that deploy can bring the pair back (empty). A local pair's folder goes altogether.`;
  static override examples = [
    { description: 'The pair in repcache.yaml', command: '<%= config.bin %> destroy' },
    {
      description: 'The pair on this machine, without asking',
      command: '<%= config.bin %> destroy --local --yes',
    },
  ];
  static override flags = { ...yesFlag };

  async run(): Promise<DestroyReport> {
    const located = await this.locate({ mayBeNew: true });
    await confirm(`This removes the pair on ${hostsOf(located.config)} and all that it holds.`, {
      yes: this.flags.yes,
      json: this.jsonEnabled(),
      signal: this.signal,
    });
    const report = await destroyPair(located, {
      access: this.access,
      signal: this.signal,
      progress: this.progress,
    });
    this.log(report.changed ? 'The pair is gone.' : 'There was nothing to remove.');
    if (report.keptConfigFile)
      this.log(`${report.keptConfigFile} stays: deploy brings the pair back, empty.`);
    return report;
  }
}

function hostsOf(config: PairConfig): string {
  return config.local ? 'this machine' : `${config.nodes.a.host} and ${config.nodes.b.host}`;
}
