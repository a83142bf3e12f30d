// The logins of the auth file, in memory that all threads share: the main thread reads the file, each thread compares.
import {
  AUTH_FILE_MAX_BYTES,
  type Credentials,
  type Login,
  matchLogin,
  parseLogins,
} from '../protocol/auth/credentials.js';
import type { SharedMemory } from '../store/shared-memory.js';
import { FatalError } from './exit.js';
import { readPrivateFile } from './private-file.js';

/** Words of the control block. The generation is odd while the bytes are being changed. */
const GENERATION = 0;
const LENGTH = 1;
const CONTROL_BYTES = 8;

export class SharedLogins implements Credentials {
  readonly #control: Int32Array;
  readonly #bytes: Uint8Array;
  /** What this thread has read last. */
  #generation = 0;
  #logins: readonly Login[] = [];

  constructor(memory: SharedMemory) {
    this.#control = new Int32Array(memory.block('logins-control', CONTROL_BYTES));
    this.#bytes = new Uint8Array(memory.block('logins', AUTH_FILE_MAX_BYTES));
  }

  /**
   * Reads the file, and puts its logins in force for all threads. On one thread only; whoever is logged in stays so.
   * @throws FatalError when the file is open to others, or is no auth file: then nothing changes
   */
  load(path: string): void {
    const file = readPrivateFile('-Y', path, AUTH_FILE_MAX_BYTES, 'no auth file of ours');
    const parsed = parseLogins(file);
    if ('problem' in parsed) throw new FatalError(`-Y ${path}: ${parsed.problem}`);
    Atomics.add(this.#control, GENERATION, 1);
    this.#bytes.fill(0);
    this.#bytes.set(file);
    Atomics.store(this.#control, LENGTH, file.length);
    Atomics.add(this.#control, GENERATION, 1);
  }

  match(user: Uint8Array, password: Uint8Array): boolean {
    if (Atomics.load(this.#control, GENERATION) !== this.#generation) this.#refresh();
    return matchLogin(this.#logins, user, password);
  }

  /** Takes what the main thread has read. Until a change is complete the old logins stay in force. */
  #refresh(): void {
    const generation = Atomics.load(this.#control, GENERATION);
    const file = this.#bytes.slice(0, Atomics.load(this.#control, LENGTH));
    if (generation % 2 !== 0 || Atomics.load(this.#control, GENERATION) !== generation) return;
    const parsed = parseLogins(file);
    this.#logins = 'logins' in parsed ? parsed.logins : [];
    this.#generation = generation;
  }
}
