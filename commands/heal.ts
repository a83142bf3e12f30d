import { Flags } from '@oclif/core';
import { confirm } from '../src/cli/ask.js';
import { yesFlag } from '../src/cli/flags.js';
import { PairCommand } from '../src/cli/pair-command.js';
import { prose } from '../src/cli/prose.js';
import { EXIT } from '../src/errors.js';
import { type HealPlan, healPair, planHeal } from '../src/pair/legacy/heal.js';
import { peerOf } from '../src/pair/open-pair.js';
import type { VerifyReport } from '../src/pair/verify/report.js';
import { verifyPair } from '../src/pair/verify/verify.js';
import { renderVerify } from '../src/report/verify-text.js';

/** Ready for JSON. */
interface HealReport extends HealPlan {
  readonly healed: boolean;
  readonly verify?: VerifyReport;
}

export default class Heal extends PairCommand<typeof Heal> {
  static override summary = 'Bring the nodes of a legacy pair together again after their link was lost.';
  static override description = prose`
    Nodes of the C program dial each other once, as they start; after a cut both only wait. This keeps one node with
    all it holds (the fuller one, unless --keep names it), restarts the other, which takes a full copy, and verifies
    the pair. What only the restarted node held is lost, so it asks first. Pairs of our engine need no healing.`;
  static override examples = [
    { description: 'Keep the fuller node', command: '<%= config.bin %> heal' },
    { description: 'Keep what b holds, without asking', command: '<%= config.bin %> heal --keep b --yes' },
  ];
  static override flags = {
    ...yesFlag,
    keep: Flags.option({ options: ['a', 'b'] as const, description: 'the node whose data stays' })(),
  };

  async run(): Promise<HealReport> {
    const { yes, keep } = this.flags;
    const report = await this.withPair(async (pair): Promise<HealReport> => {
      const plan = await planHeal(pair, keep);
      if (plan.keep === undefined) return { ...plan, healed: false };
      const question = `${plan.why}. This keeps ${plan.keep}; what only ${peerOf(plan.keep)} holds is lost.`;
      await confirm(question, { yes, json: this.jsonEnabled(), signal: this.signal });
      await healPair(pair, plan.keep, { signal: this.signal, progress: this.progress });
      return { ...plan, healed: true, verify: await verifyPair(pair, { signal: this.signal }) };
    });
    if (!report.healed) this.log(`Nothing to heal: ${report.why}.`);
    if (report.verify) this.log(renderVerify(report.verify, this.renderOptions));
    if (report.verify?.ok === false) process.exitCode = EXIT.checkFailed;
    return report;
  }
}
