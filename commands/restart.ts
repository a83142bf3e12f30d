import { Flags } from '@oclif/core';
import { nodeFlag } from '../src/cli/flags.js';
import { PairCommand } from '../src/cli/pair-command.js';
import { prose } from '../src/cli/prose.js';
import { type PowerReport, restartNodes } from '../src/pair/power.js';
import { NODE_NAMES } from '../src/pair/types.js';

export default class Restart extends PairCommand<typeof Restart> {
  static override summary = 'Restart one node after the other, keeping the data.';
  static override description = prose`
    Each node restarts only while its peer holds everything, and gets it back before the other one's turn comes.
    When the pair is not in sync it refuses; --force restarts all the same. On hosts a node keeps what it holds in a
    file over the restart, and clients do without it meanwhile; what only that node of a local pair, or of the other
    engines, holds is lost.`;
  static override examples = [
    { description: 'Both nodes of the pair in repcache.yaml', command: '<%= config.bin %> restart' },
    { description: 'Only node b', command: '<%= config.bin %> restart --node b' },
  ];
  static override flags = {
    ...nodeFlag,
    force: Flags.boolean({ description: 'also when the pair is not in sync' }),
  };

  async run(): Promise<PowerReport> {
    const { node, force } = this.flags;
    const nodes = node === undefined ? NODE_NAMES : [node];
    const report = await this.withPair(
      (pair) => restartNodes(pair, { nodes, force, signal: this.signal, progress: this.progress }),
      { oneMayBeDown: true },
    );
    this.log(
      `Restarted ${nodes.join(' and ')}; ${report.inSync ? 'both are in sync' : 'not in sync (see status)'}.`,
    );
    return report;
  }
}
