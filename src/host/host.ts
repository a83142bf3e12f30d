// One machine, as the rest of the CLI sees it: run a program, read and write files, reach a port.
// SshHost and LocalHost implement it; nothing above this folder knows which one it talks to.
import type { Duplex } from 'node:stream';

export interface RunOptions {
  /** Run as root: directly when the login is root, through sudo otherwise. */
  root?: boolean;
  /** Fed to the program's standard input. Secrets travel here, never in argv. */
  stdin?: string | Uint8Array;
  /** The step's time limit; what has not answered by then is "unknown", not "failed". Default 30_000. */
  timeoutMs?: number;
  /** Do not throw on a non-zero exit. */
  allowFailure?: boolean;
  /** Environment variables for the program. They can be seen in the host's process list: no secrets. */
  env?: Readonly<Record<string, string>>;
  /** What messages call this step; the command itself when absent. */
  label?: string;
}

export interface RunResult {
  stdout: string;
  stderr: string;
  exitCode: number;
}

export interface FileOptions {
  /** Permission bits, such as 0o600. */
  mode: number;
  /** `user:group`; left as the writer's when absent. */
  owner?: string;
  /** Write as root. */
  root?: boolean;
}

export interface Host {
  /** `a` or `b` in a pair; the name in every message. */
  readonly name: string;
  /** The address by which its peer and its clients reach it. */
  readonly address: string;

  /**
   * Runs a program; each element of argv arrives as one argument, whatever it contains.
   * Standard output and error are taken as UTF-8, whole, nothing trimmed.
   * @throws OperatorError `COMMAND_FAILED` (exit stepFailed), `COMMAND_TIMED_OUT` (exit unknownOutcome),
   *   `CONNECTION_LOST` (exit unknownOutcome), `SUDO_REFUSED` (exit unsuitable).
   */
  run(argv: readonly [string, ...string[]], options?: RunOptions): Promise<RunResult>;

  /**
   * Contents of a file, or undefined when there is none.
   * @throws OperatorError `COMMAND_FAILED` when it is there but cannot be read.
   */
  readFile(path: string, options?: { root?: boolean }): Promise<string | undefined>;

  /**
   * Writes beside the target, then renames: a reader sees the old or the new file, never a part. The content is
   * never in argv, and never readable for more than `mode` allows. The folder must exist.
   * @throws OperatorError `DISK_FULL` (exit unsuitable), and those of `run`.
   */
  writeFile(path: string, content: string, options: FileOptions): Promise<void>;

  /** Copies a local file to the host, in the same way. Refuses before the copy when the disk has no room. */
  putFile(localPath: string, path: string, options: FileOptions): Promise<void>;

  /**
   * Opens a byte stream to a TCP port as seen from the host itself (through SSH where the host is remote).
   * @throws OperatorError `CONNECT_FAILED` (exit connection) when nothing answers there within 10 s.
   */
  connect(address: string, port: number): Promise<Duplex>;

  /** Ends the connection; safe to call twice. */
  close(): Promise<void>;
}
