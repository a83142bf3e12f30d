// Stands in for a host that could not be reached, so that a verb can still work on the other one:
// whoever needs this one gets the error that connecting to it gave.
import type { Host } from '../host/host.js';

export class UnreachableHost implements Host {
  readonly name: string;
  readonly address: string;
  readonly #why: unknown;

  constructor(name: string, address: string, why: unknown) {
    this.name = name;
    this.address = address;
    this.#why = why;
  }

  async run(): Promise<never> {
    throw this.#why;
  }

  async readFile(): Promise<never> {
    throw this.#why;
  }

  async writeFile(): Promise<never> {
    throw this.#why;
  }

  async putFile(): Promise<never> {
    throw this.#why;
  }

  async connect(): Promise<never> {
    throw this.#why;
  }

  async close(): Promise<void> {}
}
