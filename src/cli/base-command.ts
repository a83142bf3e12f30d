// What every command shares: parsed flags, `--json`, an interrupt signal, and errors as docs/exit-codes.md promises.
import { Command, type Interfaces } from '@oclif/core';
import chalk from 'chalk';
import { OperatorError } from '../errors.js';
import type { RenderOptions } from '../report/paint.js';
import { scrub } from '../scrub.js';
import { describeError } from './describe-error.js';
import { formatError } from './format-error.js';
import { type Interrupt, watchForInterrupt } from './interrupt.js';
import { usageError } from './usage-error.js';

export abstract class BaseCommand<T extends typeof Command> extends Command {
  static override enableJsonFlag = true;

  protected flags!: Interfaces.InferredFlags<T['flags']>;
  #interrupt: Interrupt | undefined;

  protected override async init(): Promise<void> {
    await super.init();
    try {
      const { flags } = await this.parse(this.ctor);
      this.flags = flags as typeof this.flags;
    } catch (error) {
      throw usageError(error, this.ctor);
    }
    this.#interrupt = watchForInterrupt((message) => process.stderr.write(`${message}\n`));
  }

  /** Aborted when the operator wants the command to end. */
  protected get signal(): AbortSignal {
    return this.#interrupt!.signal;
  }

  /** How reports are laid out; `COLUMNS` pins the width where there is no terminal. */
  protected get renderOptions(): RenderOptions {
    const width = Number(process.env.COLUMNS) || process.stdout.columns || 100;
    return { width, color: chalk.level > 0 };
  }

  override log(message = '', ...args: unknown[]): void {
    super.log(scrub(message), ...args);
  }

  /** Plain, and with every string scrubbed: what is read by a program needs no colours. */
  protected override logJson(json: unknown): void {
    const clean = (_: string, value: unknown) => (typeof value === 'string' ? scrub(value) : value);
    process.stdout.write(`${JSON.stringify(json, clean, 2)}\n`);
  }

  protected override async catch(thrown: Error): Promise<never> {
    // After an interrupt every failure is its consequence.
    const signal = this.#interrupt?.signal;
    const interrupted =
      signal?.aborted === true && !(thrown instanceof OperatorError && thrown === signal.reason);
    const error = interrupted ? withCause(signal.reason as OperatorError, thrown) : thrown;
    const description = describeError(error);
    if (this.jsonEnabled()) {
      const { causes: _, ...shown } = description;
      this.logJson({ error: shown });
    } else {
      process.stderr.write(`${formatError(description)}\n`);
    }
    return this.exit(description.exit);
  }

  protected override async finally(error: Error | undefined): Promise<void> {
    this.#interrupt?.release();
    await super.finally(error);
  }
}

function withCause(error: OperatorError, cause: unknown): OperatorError {
  const { code, exitName: exit, suggestions } = error;
  return new OperatorError(error.message, { code, exit, suggestions, cause });
}
