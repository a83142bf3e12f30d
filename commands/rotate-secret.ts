import { PairCommand } from '../src/cli/pair-command.js';
import { prose } from '../src/cli/prose.js';
import { type RotateReport, rotateSecret } from '../src/pair/rotate-secret.js';

export default class RotateSecret extends PairCommand<typeof RotateSecret> {
  static override summary = 'Give the pair a new replication secret, without cutting the link.';
  static override description = prose`
    Both nodes first accept the new secret beside the old one, and then only the new one; each reads its file again
    and nothing restarts. At every moment the two have a secret in common. One that was stopped half way is simply run
    again and goes on with the same secret. The secret is never shown: it lives in a file on each host, and nowhere else.`;
  static override examples = [
    { description: 'The pair in repcache.yaml', command: '<%= config.bin %> rotate-secret' },
    { description: 'The pair on this machine', command: '<%= config.bin %> rotate-secret --local' },
  ];

  async run(): Promise<RotateReport> {
    const report = await this.withPair((pair) =>
      rotateSecret(pair, { signal: this.signal, progress: this.progress }),
    );
    const how = report.linkKept
      ? 'the link stood all the while'
      : 'the link was lost meanwhile and came up again (see logs)';
    this.log(
      `The pair has ${report.resumed ? 'the new secret that an earlier run had begun with' : 'a new secret'}; ${how}.`,
    );
    return report;
  }
}
