import { confirm } from '../src/cli/ask.js';
import { nodeFlag, yesFlag } from '../src/cli/flags.js';
import { PairCommand } from '../src/cli/pair-command.js';
import { type PowerReport, stopNodes } from '../src/pair/power.js';
import { NODE_NAMES } from '../src/pair/types.js';

export default class Stop extends PairCommand<typeof Stop> {
  static override summary = 'Stop both nodes, or one of them.';
  static override description =
    `A stopped node forgets what it held and gets it back from its peer when it starts again; with both stopped the
data is gone, so that asks first. The installation stays; start brings the nodes back, and so does a reboot of
their hosts.`;
  static override examples = [
    { description: 'Node a, for work on its host', command: '<%= config.bin %> stop --node a' },
    { description: 'Both, without asking', command: '<%= config.bin %> stop --yes' },
  ];
  static override flags = { ...nodeFlag, ...yesFlag };

  async run(): Promise<PowerReport> {
    const { node, yes } = this.flags;
    if (node === undefined) {
      const question = 'This stops both nodes, and what the pair holds is lost.';
      await confirm(question, { yes, json: this.jsonEnabled(), signal: this.signal });
    }
    const nodes = node === undefined ? NODE_NAMES : [node];
    const report = await this.withPair(
      (pair) => stopNodes(pair, { nodes, signal: this.signal, progress: this.progress }),
      { oneMayBeDown: true },
    );
    this.log(
      report.changed.length === 0 ? 'Nothing was running.' : `Stopped ${report.changed.join(' and ')}.`,
    );
    return report;
  }
}
