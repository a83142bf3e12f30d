import { Flags } from '@oclif/core';
import { nodeFlag } from '../src/cli/flags.js';
import { PairCommand } from '../src/cli/pair-command.js';
import { type PairLogs, pairLogs } from '../src/pair/logs.js';
import { NODE_NAMES } from '../src/pair/types.js';

export default class Logs extends PairCommand<typeof Logs> {
  static override summary = "The newest lines of both nodes' logs.";
  static override examples = [
    { description: 'Both nodes of the pair in repcache.yaml', command: '<%= config.bin %> logs' },
    { description: 'The last 200 lines of node a', command: '<%= config.bin %> logs --node a --lines 200' },
  ];
  static override flags = {
    ...nodeFlag,
    lines: Flags.integer({
      char: 'n',
      default: 50,
      min: 1,
      max: 100_000,
      helpValue: 'N',
      description: 'how many lines of each',
    }),
  };

  async run(): Promise<PairLogs> {
    const { node, lines } = this.flags;
    const nodes = node === undefined ? NODE_NAMES : [node];
    const logs = await this.withPair((pair) => pairLogs(pair, { nodes, lines }), { oneMayBeDown: true });
    for (const name of nodes) {
      const { host, lines: text, problem } = logs[name]!;
      this.log(`==> ${name} (${host}) <==`);
      this.log(problem ?? text?.join('\n'));
    }
    return logs;
  }
}
