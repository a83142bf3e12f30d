// A command that is about one pair: finds it by the shared flags and opens it for as long as the work takes.
import type { Command, Interfaces } from '@oclif/core';
import { type LocatedPair, locatePair } from '../pair/config/locate.js';
import { type Access, closePair, type OpenOptions, openPair } from '../pair/open.js';
import type { OpenPair } from '../pair/open-pair.js';
import type { Progress } from '../pair/progress.js';
import { accessOf } from './access.js';
import { BaseCommand } from './base-command.js';
import { pairFlags, selectionOf } from './flags.js';
import { progressFor } from './progress.js';

type PairFlags = Interfaces.InferredFlags<typeof pairFlags>;

export abstract class PairCommand<T extends typeof Command> extends BaseCommand<T> {
  static override baseFlags = pairFlags;

  /** The flags of this class; the subclass's own are in `flags`. */
  get #pairFlags(): PairFlags {
    return this.flags as unknown as PairFlags;
  }

  protected get access(): Access {
    return accessOf({ ...this.#pairFlags, json: this.jsonEnabled() }, this.signal);
  }

  protected get progress(): Progress {
    return progressFor({ json: this.jsonEnabled() });
  }

  protected locate(options = { mayBeNew: false }): Promise<LocatedPair> {
    return locatePair(selectionOf(this.#pairFlags), options);
  }

  /** Runs the work on the opened pair and closes it whatever happens. */
  protected async withPair<R>(work: (pair: OpenPair) => Promise<R>, options: OpenOptions = {}): Promise<R> {
    const { config } = await this.locate();
    const pair = await openPair(config, this.access, options);
    try {
      return await work(pair);
    } finally {
      await closePair(pair);
    }
  }
}
