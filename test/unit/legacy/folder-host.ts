// A host that is a folder: what is said of /usr/local, /var and /etc is done below it, for real and without root, and
// programs that a test puts into its bin/ stand in for the system's own.
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import type { FileOptions, Host, RunOptions, RunResult } from '../../../src/host/host.js';
import { LocalHost } from '../../../src/host/local-host.js';

/** Not where a path goes on, as in /tmp/x/usr/local. */
const SYSTEM_FOLDER = /(?<![\w.-])\/(usr\/local|var\/tmp|var\/log|etc)\b/g;

export class FolderHost implements Host {
  readonly name: string;
  readonly address = '127.0.0.1';
  readonly folder: string;
  /** What was run, in order; each command line as it was asked for. */
  readonly ran: string[] = [];
  readonly #local: LocalHost;

  constructor(name: string, folder: string) {
    this.name = name;
    this.folder = folder;
    this.#local = new LocalHost({ name });
    for (const below of ['bin', 'usr/local', 'var/tmp', 'var/log', 'etc']) {
      mkdirSync(`${folder}/${below}`, { recursive: true });
    }
  }

  /** Puts a shell script there; a path from the host's own root. */
  program(path: string, script: string): void {
    this.file(path, `#!/bin/sh\n${script}\n`);
    chmodSync(this.folder + path, 0o755);
  }

  file(path: string, content: string): void {
    mkdirSync(`${this.folder}${path}`.replace(/\/[^/]*$/, ''), { recursive: true });
    writeFileSync(this.folder + path, content);
  }

  read(path: string): string {
    return readFileSync(this.folder + path, 'utf8');
  }

  run(argv: readonly [string, ...string[]], options: RunOptions = {}): Promise<RunResult> {
    this.ran.push(argv.join(' '));
    const [program, ...rest] = argv.map((argument) => this.#here(argument)) as [string, ...string[]];
    const env = { ...options.env, PATH: `${this.folder}/bin:${process.env.PATH}` };
    return this.#local.run([program, ...rest], { ...options, root: false, env });
  }

  readFile(path: string): Promise<string | undefined> {
    return this.#local.readFile(this.#here(path));
  }

  writeFile(path: string, content: string, { mode }: FileOptions): Promise<void> {
    return this.#local.writeFile(this.#here(path), content, { mode });
  }

  putFile(localPath: string, path: string, { mode }: FileOptions): Promise<void> {
    return this.#local.putFile(localPath, this.#here(path), { mode });
  }

  connect(): Promise<Duplex> {
    throw new Error('not part of this test');
  }

  async close(): Promise<void> {}

  #here(text: string): string {
    return text.replace(SYSTEM_FOLDER, (path) => this.folder + path);
  }
}
