import { nodeFlag } from '../src/cli/flags.js';
import { PairCommand } from '../src/cli/pair-command.js';
import { type PowerReport, startNodes } from '../src/pair/power.js';
import { NODE_NAMES } from '../src/pair/types.js';

export default class Start extends PairCommand<typeof Start> {
  static override summary = 'Start the nodes that are down, and wait until both are in sync.';
  static override examples = [
    { description: 'Both nodes of the pair in repcache.yaml', command: '<%= config.bin %> start' },
    { description: 'Only node b', command: '<%= config.bin %> start --node b' },
  ];
  static override flags = { ...nodeFlag };

  async run(): Promise<PowerReport> {
    const nodes = this.flags.node === undefined ? NODE_NAMES : [this.flags.node];
    const report = await this.withPair(
      (pair) => startNodes(pair, { nodes, signal: this.signal, progress: this.progress }),
      { oneMayBeDown: true },
    );
    const what = report.changed.length === 0 ? 'Nothing to start' : `Started ${report.changed.join(' and ')}`;
    this.log(
      `${what}; ${report.inSync ? 'both nodes are in sync' : 'the pair is not in sync (see status)'}.`,
    );
    return report;
  }
}
