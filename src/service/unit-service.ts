// What all nodes that run as a systemd unit have in common: power, a crash on purpose, and the log.
import type { Host } from '../host/host.js';
import { type CrashLayout, crashUnit, recoverUnit } from './systemd-crash.js';

/** Installing, uninstalling and the status are left to each kind of node. */
export abstract class UnitService {
  readonly host: Host;
  readonly name: 'a' | 'b';
  readonly #layout: CrashLayout;
  readonly #powerTimeoutMs: number;

  /** @param powerTimeoutMs longer than the unit's own limit for stopping */
  constructor(host: Host, name: 'a' | 'b', layout: CrashLayout, powerTimeoutMs: number) {
    this.host = host;
    this.name = name;
    this.#layout = layout;
    this.#powerTimeoutMs = powerTimeoutMs;
  }

  start(): Promise<void> {
    return this.systemctl('start');
  }

  stop(): Promise<void> {
    return this.systemctl('stop');
  }

  restart(): Promise<void> {
    return this.systemctl('restart');
  }

  crash(options: { restoreAfterSec: number }): Promise<void> {
    return crashUnit(this.host, this.#layout, options.restoreAfterSec);
  }

  recover(): Promise<void> {
    return recoverUnit(this.host, this.#layout);
  }

  async logs(options: { lines: number }): Promise<string> {
    const count = String(options.lines);
    const { unit } = this.#layout;
    const argv = ['journalctl', '--no-pager', '-o', 'short-iso', '-n', count, '-u', unit] as const;
    return (await this.host.run(argv, { root: true })).stdout;
  }

  protected async systemctl(verb: 'start' | 'stop' | 'restart' | 'reload'): Promise<void> {
    const timeoutMs = this.#powerTimeoutMs;
    await this.host.run(['systemctl', verb, this.#layout.unit], { root: true, timeoutMs });
  }
}
