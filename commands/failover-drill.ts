import { Flags } from '@oclif/core';
import { confirm } from '../src/cli/ask.js';
import { nodeFlag, yesFlag } from '../src/cli/flags.js';
import { PairCommand } from '../src/cli/pair-command.js';
import { prose } from '../src/cli/prose.js';
import { EXIT } from '../src/errors.js';
import { runDrill } from '../src/pair/drill/drill.js';
import type { DrillReport } from '../src/pair/drill/report.js';
import { renderDrill, renderEvent } from '../src/report/drill-text.js';

export default class FailoverDrill extends PairCommand<typeof FailoverDrill> {
  static override summary = 'Kill each node in turn under load, and measure what clients lose.';
  static override description = prose`
    For each node: clients write through both, the node is killed (SIGKILL), everything is expected on the survivor,
    the node is started again and must get back all it missed. Reports the acknowledged writes that were lost, how
    long clients saw errors, and how long the resync took. The keys are the drill's own and are removed.

    The killed node loses nothing that its peer holds, but its clients do fail over: it asks first. It puts the node
    back whatever happens; should this machine die meanwhile, a timer on the host does it. Exits with 7 when a check fails.`;
  static override examples = [
    {
      description: 'Both nodes of the pair in repcache.yaml, one after the other',
      command: '<%= config.bin %> failover-drill',
    },
    {
      description: 'Only node b, without asking',
      command: '<%= config.bin %> failover-drill --node b --yes',
    },
    {
      description: 'Fail when any acknowledged write is lost',
      command: '<%= config.bin %> failover-drill --max-lost 0',
    },
  ];

  static override flags = {
    ...nodeFlag,
    ...yesFlag,
    'max-lost': Flags.integer({
      min: 0,
      helpValue: 'N',
      description: 'fail when more acknowledged writes are lost',
    }),
    'down-for': Flags.integer({
      min: 1,
      max: 60,
      helpValue: 'SEC',
      description: 'leave the node dead this long (default 3)',
    }),
  };

  async run(): Promise<DrillReport> {
    const { node, yes, 'max-lost': maxLost, 'down-for': downSec } = this.flags;
    const report = await this.withPair(async (pair) => {
      const victims = node === undefined ? 'each node of the pair in turn' : `node ${node}`;
      await confirm(`This kills ${victims}, under load.`, {
        yes,
        json: this.jsonEnabled(),
        signal: this.signal,
      });
      return runDrill(pair, {
        signal: this.signal,
        ...(node !== undefined && { victims: [node] }),
        ...(maxLost !== undefined && { maxLost }),
        ...(downSec !== undefined && { downSec }),
        onProgress: (event) => this.log(`${event.victim} ${renderEvent(event)}`),
      });
    });
    this.log(renderDrill(report, this.renderOptions));
    if (!report.ok) process.exitCode = EXIT.checkFailed;
    return report;
  }
}
