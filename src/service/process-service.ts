// A node of the local pair: an ordinary process that outlives the command, without root and without systemd.
import { readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { OperatorError } from '../errors.js';
import type { Host } from '../host/host.js';
import { engineArguments } from './engine-arguments.js';
import {
  isRunning,
  type ProcessId,
  readProcessFile,
  signalProcess,
  uptimeSec,
  waitForEnd,
} from './process-id.js';
import { launch } from './process-launch.js';
import type { NodeService, NodeSpec, NodeStatus, Step } from './service.js';
import { fileStep, folderStep, linkStep, releaseStep, removalStep } from './steps.js';

const STOP_LIMIT_MS = 15_000;
const KILL_LIMIT_MS = 5_000;
/** The log is looked at when the node starts; a node writes few lines while it runs. */
const LOG_LIMIT_BYTES = 1 << 20;

/**
 * The node's folder holds `current` (link to its release), `command.json` (the engine's arguments), `secret`, `pid`
 * (process id, start time and boot id while it is meant to run), `log` and `log.1`. Releases are in the folder
 * beside it, shared with the other node.
 */
export class ProcessService implements NodeService {
  readonly host: Host;
  readonly name: 'a' | 'b';
  readonly #directory: string;
  readonly #releases: string;

  /** @param directory the node's own folder */
  constructor(host: Host, name: 'a' | 'b', directory: string) {
    this.host = host;
    this.name = name;
    this.#directory = directory;
    this.#releases = join(dirname(directory), 'releases');
  }

  installSteps(spec: NodeSpec): readonly Step[] {
    const { host } = this;
    const folder = (path: string): Step =>
      folderStep(host, { title: `Folder ${path}`, path, mode: 0o700, root: false });
    const args = [...engineArguments(spec, this.#path('secret')), ...userArguments()];
    return [
      folder(dirname(this.#directory)),
      folder(this.#releases),
      folder(this.#directory),
      releaseStep(host, {
        release: spec.release,
        path: join(this.#releases, spec.release.id, 'repcached'),
        root: false,
      }),
      linkStep(host, {
        title: 'Current release',
        path: this.#path('current'),
        target: join('..', 'releases', spec.release.id),
        root: false,
        needsRestart: true,
      }),
      this.secretStep(spec.secretText),
      fileStep(host, {
        title: 'Settings',
        path: this.#path('command.json'),
        content: `${JSON.stringify(args, undefined, 2)}\n`,
        mode: 0o600,
        root: false,
        needsRestart: true,
      }),
    ];
  }

  secretStep(content: string): Step {
    return fileStep(this.host, {
      title: 'Secret of the link',
      path: this.#path('secret'),
      content,
      mode: 0o600,
      root: false,
      needsReload: true,
    });
  }

  uninstallSteps(): readonly Step[] {
    const { host } = this;
    const otherNode = join(dirname(this.#directory), this.name === 'a' ? 'b' : 'a');
    const releases = removalStep(host, { title: 'Releases', paths: [this.#releases], root: false });
    return [
      {
        title: 'Stop the node',
        check: async () => {
          if ((await this.#running()) !== undefined) return 'it is running';
          return (await readProcessFile(this.#path('restore'))) === undefined
            ? undefined
            : 'it would be restarted';
        },
        apply: () => this.stop(),
      },
      removalStep(host, { title: `Folder ${this.#directory}`, paths: [this.#directory], root: false }),
      {
        ...releases,
        check: async () => ((await exists(otherNode)) ? undefined : await releases.check()),
      },
    ];
  }

  async status(): Promise<NodeStatus> {
    const { stdout } = await this.host.run(['readlink', '--', this.#path('current')], { allowFailure: true });
    const releaseId = stdout.trim().split('/').at(-1) ?? '';
    const release = releaseId === '' ? {} : { releaseId };
    if (!(await exists(this.#path('command.json')))) return { state: 'absent', ...release };
    const process = await readProcessFile(this.#path('pid'));
    if (process === undefined) return { state: 'stopped', ...release };
    if (!(await isRunning(process))) {
      return { state: 'failed', ...release, detail: (await this.logs({ lines: 1 })).trim() };
    }
    return { state: 'running', pid: process.pid, uptimeSec: await uptimeSec(process), ...release };
  }

  async start(): Promise<void> {
    await this.#disarm();
    if ((await this.#running()) !== undefined) return;
    const args = await this.#arguments();
    await this.#rotateLog();
    await rm(this.#path('pid'), { force: true });
    await launch({ directory: this.#directory, program: this.#path('current/repcached'), args });
    await this.#appears('pid');
  }

  async stop(): Promise<void> {
    await this.#disarm();
    const process = await this.#running();
    if (process !== undefined) {
      await signalProcess(process, 'SIGTERM');
      if (!(await waitForEnd(process, STOP_LIMIT_MS))) await this.#kill(process);
    }
    await rm(this.#path('pid'), { force: true });
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async reload(): Promise<void> {
    const process = await this.#running();
    if (process !== undefined) await signalProcess(process, 'SIGHUP');
  }

  /** Whoever starts the node again is armed first, so that no moment is left at which nobody would. */
  async crash(options: { restoreAfterSec: number }): Promise<void> {
    await this.#disarm();
    const args = await this.#arguments();
    const program = this.#path('current/repcached');
    await launch({ directory: this.#directory, program, args, delaySec: options.restoreAfterSec });
    await this.#appears('restore');
    const process = await this.#running();
    if (process !== undefined) await this.#kill(process);
  }

  async recover(): Promise<void> {
    await this.start();
  }

  async logs(options: { lines: number }): Promise<string> {
    const older = await readFile(this.#path('log.1'), 'utf8').catch(() => '');
    const newer = await readFile(this.#path('log'), 'utf8').catch(() => '');
    const lines = (older + newer).split('\n').slice(0, -1);
    return lines
      .slice(-options.lines)
      .map((line) => `${line}\n`)
      .join('');
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }

  async #running(): Promise<ProcessId | undefined> {
    const process = await readProcessFile(this.#path('pid'));
    return process !== undefined && (await isRunning(process)) ? process : undefined;
  }

  /** Ends whoever waits to start the node after a crash, with the `sleep` it waits in. */
  async #disarm(): Promise<void> {
    const waiting = await readProcessFile(this.#path('restore'));
    if (waiting === undefined) return;
    await signalProcess(waiting, 'SIGKILL', { group: true });
    await waitForEnd(waiting, KILL_LIMIT_MS);
    await rm(this.#path('restore'), { force: true });
  }

  async #kill(process: ProcessId): Promise<void> {
    await signalProcess(process, 'SIGKILL');
    if (await waitForEnd(process, KILL_LIMIT_MS)) return;
    throw new OperatorError(`node ${this.name}: process ${process.pid} is still there after SIGKILL`, {
      code: 'COMMAND_TIMED_OUT',
      exit: 'unknownOutcome',
    });
  }

  async #arguments(): Promise<string[]> {
    const text = await this.host.readFile(this.#path('command.json'));
    if (text !== undefined) return JSON.parse(text) as string[];
    throw new OperatorError(`node ${this.name} is not installed in ${this.#directory}`, {
      code: 'NODE_ABSENT',
      exit: 'config',
      suggestions: ['Deploy it first: repcachectl deploy --local'],
    });
  }

  async #rotateLog(): Promise<void> {
    const size = await stat(this.#path('log')).then(
      (found) => found.size,
      () => 0,
    );
    if (size > LOG_LIMIT_BYTES) await rename(this.#path('log'), this.#path('log.1'));
  }

  async #appears(name: string): Promise<void> {
    const deadline = performance.now() + KILL_LIMIT_MS;
    while (!(await exists(this.#path(name)))) {
      if (performance.now() >= deadline) {
        throw new OperatorError(`node ${this.name}: the process could not be started in ${this.#directory}`, {
          code: 'COMMAND_FAILED',
          exit: 'stepFailed',
          suggestions: [`See its log: ${this.#path('log')}`],
        });
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

/** As memcached, the engine runs as root only when told so in so many words; a root's local pair is its own. */
function userArguments(): string[] {
  return process.getuid?.() === 0 ? ['-u', 'root'] : [];
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
