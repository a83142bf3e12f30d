// Runs one command on a host: feeds it, limits it, becomes root for it, and says clearly how it ended.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { OperatorError } from '../errors.js';
import type { RunOptions, RunResult } from './host.js';
import { wrapCommand } from './privilege.js';
import type { Launch, Program, ProgramEnd } from './program.js';
import { quoteCommand } from './quote.js';

export interface RunnerOptions {
  /** The host's name in messages. */
  readonly hostName: string;
  readonly launch: Launch;
  /** Whether the login itself is root, so that sudo is not needed. Asked once. */
  readonly isRoot: () => Promise<boolean>;
  /** Gives the password for sudo, should it want one. Asked at most once. */
  readonly sudoPassword?: (() => Promise<string | undefined>) | undefined;
}

/** As the contract's options; files are streamed in rather than held in memory. */
export interface RunnerRunOptions extends Omit<RunOptions, 'stdin'> {
  readonly stdin?: string | Uint8Array | Readable;
}

const DEFAULT_TIMEOUT_MS = 30_000;
/** The host's own `timeout` acts first; this much later we stop waiting for word from it. */
const ANSWER_GRACE_MS = 5_000;
const STDERR_LINES_SHOWN = 6;
const COMMAND_LENGTH_SHOWN = 120;

interface Outcome {
  end: ProgramEnd | { kind: 'silent' };
  stdout: string;
  /** What the program wrote. */
  stderr: string;
  /** What sudo wrote before it let the program begin; undefined once it did. */
  refusal: string | undefined;
  elapsedMs: number;
}

export class Runner {
  readonly #options: RunnerOptions;
  #root: Promise<boolean> | undefined;
  #password: Promise<string | undefined> | undefined;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** Runs a command; see Host.run for the errors. */
  async run(argv: readonly [string, ...string[]], options: RunnerRunOptions = {}): Promise<RunResult> {
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const outcome = await this.#execute(argv, options, timeoutMs);
    const what = `${this.#options.hostName}: ${options.label ?? shortened(argv)}`;

    if (outcome.end.kind === 'lost') throw connectionLost(what, outcome.end.cause);
    // Killed from the host's side by `timeout`, or no word from it at all. A program may itself exit with 124, so the
    // clock decides: ours started before the host's, so it can't show less.
    const stopped = outcome.end.kind === 'exit' && [124, 137].includes(outcome.end.exitCode);
    if (outcome.end.kind === 'silent' || (stopped && outcome.elapsedMs >= timeoutMs)) {
      throw timedOut(what, timeoutMs, outcome.stderr);
    }
    if (outcome.refusal !== undefined) throw sudoRefused(this.#options.hostName, outcome.refusal);

    const exitCode = outcome.end.kind === 'exit' ? outcome.end.exitCode : 128;
    if (outcome.end.kind === 'signal' || (exitCode !== 0 && options.allowFailure !== true)) {
      throw commandFailed(what, outcome.end, outcome.stderr);
    }
    return { stdout: outcome.stdout, stderr: outcome.stderr, exitCode };
  }

  async #execute(argv: readonly string[], options: RunnerRunOptions, timeoutMs: number): Promise<Outcome> {
    const viaSudo = options.root === true && !(await this.#loginIsRoot());
    const wrapped = wrapCommand(argv, {
      viaSudo,
      hasPassword: this.#options.sudoPassword !== undefined,
      timeoutMs,
      env: options.env ?? {},
    });
    const startedMs = performance.now();
    const program = await this.#options.launch(wrapped.argv);

    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    program.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    program.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    const errorText = (): string => Buffer.concat(stderr).toString('utf8');

    if (viaSudo) this.#talkToSudo(program, wrapped, errorText, options.stdin);
    else feed(program, options.stdin);

    const end = await withDeadline(program, timeoutMs + ANSWER_GRACE_MS);
    const elapsedMs = performance.now() - startedMs;
    const text = errorText();
    const begunAt = wrapped.begunMark === undefined ? 0 : text.indexOf(wrapped.begunMark);
    const begun = begunAt >= 0;
    return {
      end,
      stdout: Buffer.concat(stdout).toString('utf8'),
      stderr: begun ? text.slice(begunAt + (wrapped.begunMark?.length ?? 0)) : '',
      refusal: begun ? undefined : text.replaceAll(wrapped.passwordMark ?? '\0', ''),
      elapsedMs,
    };
  }

  #loginIsRoot(): Promise<boolean> {
    this.#root ??= this.#options.isRoot();
    return this.#root;
  }

  /** Answers sudo's prompt once, and hands over the program's input when the program has begun. */
  #talkToSudo(
    program: Program,
    marks: { passwordMark?: string; begunMark?: string },
    errorText: () => string,
    stdin: RunnerRunOptions['stdin'],
  ): void {
    let begun = false;
    let answered = 0;
    const answer = async (): Promise<void> => {
      this.#password ??= this.#options.sudoPassword?.() ?? Promise.resolve(undefined);
      const password = await this.#password.catch(() => undefined);
      if (password === undefined) program.stdin.end();
      else program.stdin.write(`${password}\n`);
    };
    program.stdin.on('error', ignoreBrokenPipe);
    program.stderr.on('data', () => {
      if (begun) return;
      const text = errorText();
      if (marks.begunMark !== undefined && text.includes(marks.begunMark)) {
        begun = true;
        feed(program, stdin);
        return;
      }
      const asked = marks.passwordMark === undefined ? 0 : text.split(marks.passwordMark).length - 1;
      if (asked <= answered) return;
      answered = asked;
      // Asked again means that the password was wrong: an end of input makes sudo give up.
      if (asked > 1) program.stdin.end();
      else void answer();
    });
  }
}

function feed(program: Program, stdin: RunnerRunOptions['stdin']): void {
  if (stdin instanceof Readable) {
    // A program may end without reading all of its input; how it ended then says why.
    pipeline(stdin, program.stdin).catch(() => {});
    return;
  }
  program.stdin.on('error', ignoreBrokenPipe);
  program.stdin.end(stdin ?? '');
}

/** A program may end without reading its input; how it ended says why. */
function ignoreBrokenPipe(): void {}

async function withDeadline(program: Program, limitMs: number): Promise<ProgramEnd | { kind: 'silent' }> {
  let timer: NodeJS.Timeout | undefined;
  const silent = new Promise<{ kind: 'silent' }>((resolve) => {
    timer = setTimeout(() => resolve({ kind: 'silent' }), limitMs);
  });
  try {
    const end = await Promise.race([program.ended, silent]);
    if (end.kind === 'silent') program.kill();
    return end;
  } finally {
    clearTimeout(timer);
  }
}

function shortened(argv: readonly string[]): string {
  const command = quoteCommand(argv).replaceAll(/\s+/g, ' ');
  return command.length > COMMAND_LENGTH_SHOWN ? `${command.slice(0, COMMAND_LENGTH_SHOWN)}...` : command;
}

function lastLines(text: string): string {
  const lines = text.trimEnd().split('\n').slice(-STDERR_LINES_SHOWN);
  return lines.join('\n') === '' ? '' : `\n${lines.join('\n')}`;
}

/** For what a host refused in its own words. */
export const MEND_AND_REPEAT =
  'Mend on that host what the lines above say, then run the same command again: it changes only what still differs.';

function commandFailed(what: string, end: ProgramEnd | { kind: 'silent' }, stderr: string): OperatorError {
  const how =
    end.kind === 'signal'
      ? `was killed by ${end.signal}`
      : `exited with ${end.kind === 'exit' ? end.exitCode : 'an unknown status'}`;
  return new OperatorError(`${what} ${how}${lastLines(stderr)}`, {
    code: 'COMMAND_FAILED',
    exit: 'stepFailed',
    suggestions: [MEND_AND_REPEAT],
  });
}

function timedOut(what: string, timeoutMs: number, stderr: string): OperatorError {
  return new OperatorError(
    `${what} did not end within ${timeoutMs / 1000} s; whether it took effect is not known${lastLines(stderr)}`,
    {
      code: 'COMMAND_TIMED_OUT',
      exit: 'unknownOutcome',
      suggestions: [
        'See what the host is busy with, then run the same command again: it takes up where it stopped.',
      ],
    },
  );
}

function connectionLost(what: string, cause: unknown): OperatorError {
  return new OperatorError(`${what}: the connection was lost; whether the step took effect is not known`, {
    code: 'CONNECTION_LOST',
    exit: 'unknownOutcome',
    suggestions: ['Once the host can be reached, run the same command again: it takes up where it stopped.'],
    cause,
  });
}

function sudoRefused(hostName: string, said: string): OperatorError {
  return new OperatorError(`${hostName}: sudo does not let this login become root${lastLines(said)}`, {
    code: 'SUDO_REFUSED',
    exit: 'unsuitable',
    suggestions: [
      'Log in as root, or as a user that sudo allows to run any command.',
      'If sudo wants a password there, run with --ask-sudo-password.',
    ],
  });
}
