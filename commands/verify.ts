import { PairCommand } from '../src/cli/pair-command.js';
import { prose } from '../src/cli/prose.js';
import { EXIT } from '../src/errors.js';
import type { VerifyReport } from '../src/pair/verify/report.js';
import { verifyPair } from '../src/pair/verify/verify.js';
import { renderVerify } from '../src/report/verify-text.js';

export default class Verify extends PairCommand<typeof Verify> {
  static override summary = 'Prove that what is written to either node shows on the other.';
  static override description = prose`
    Every kind of write, expiry, flags, CAS, binary and large values, in both directions, with the time each took to
    show on the peer. Safe on a pair in production: it uses keys of its own, removes them, and flushes nothing.
    Exits with 7 when a check fails.`;
  static override examples = [
    { description: 'The pair in repcache.yaml', command: '<%= config.bin %> verify' },
    { description: 'The pair on this machine', command: '<%= config.bin %> verify --local' },
    {
      description: 'Only whether it holds, for a script',
      command: '<%= config.bin %> verify --json | jq .ok',
    },
  ];

  async run(): Promise<VerifyReport> {
    const report = await this.withPair((pair) => verifyPair(pair, { signal: this.signal }));
    this.log(renderVerify(report, this.renderOptions));
    if (!report.ok) process.exitCode = EXIT.checkFailed;
    return report;
  }
}
