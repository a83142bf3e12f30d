import { BaseCommand } from '../src/cli/base-command.js';
import { prose } from '../src/cli/prose.js';
import { type BuiltEngine, buildEngine } from '../src/pair/build.js';

export default class Build extends BaseCommand<typeof Build> {
  static override summary = 'Build the engine executable that deploy copies to the hosts.';
  static override description = prose`
    From this repository's sources, into dist/engine/. The result needs nothing on a host but glibc 2.17 or later.`;
  static override examples = [
    { description: 'For this machine and hosts like it', command: '<%= config.bin %> build' },
  ];

  async run(): Promise<BuiltEngine> {
    const engine = await buildEngine(this.signal);
    this.log(
      `${engine.path}\n${(engine.sizeBytes / 1e6).toFixed(1)} MB, sha256 ${engine.sha256}, release ${engine.release}`,
    );
    return engine;
  }
}
