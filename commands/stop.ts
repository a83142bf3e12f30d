import { confirm } from '../src/cli/ask.js';
import { nodeFlag, yesFlag } from '../src/cli/flags.js';
import { PairCommand } from '../src/cli/pair-command.js';
import { prose } from '../src/cli/prose.js';
import { type PowerReport, stopNodes } from '../src/pair/power.js';
import { NODE_NAMES } from '../src/pair/types.js';

export default class Stop extends PairCommand<typeof Stop> {
  static override summary = 'Stop both nodes, or one of them.';
  static override description = prose`
    A node that starts again gets what it lacks from its peer. To stop both asks first, as clients then find no node: on
    hosts each keeps what it holds in a file over the stop; a local pair, and the other engines, lose it. The
    installation stays; start brings the nodes back, and so does a reboot of their hosts.`;
  static override examples = [
    { description: 'Node a, for work on its host', command: '<%= config.bin %> stop --node a' },
    { description: 'Both, without asking', command: '<%= config.bin %> stop --yes' },
  ];
  static override flags = { ...nodeFlag, ...yesFlag };

  async run(): Promise<PowerReport> {
    const { node, yes } = this.flags;
    if (node === undefined) {
      const { config } = await this.locate();
      const isKept = config.engine === 'repcached' && !config.local;
      const question = isKept
        ? 'This stops both nodes: clients find none until they are started again.'
        : 'This stops both nodes, and what the pair holds is lost.';
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
