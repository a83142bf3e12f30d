// Colours, or none: every renderer is told which, and never asks the terminal itself.
import { Chalk, type ChalkInstance } from 'chalk';

export interface RenderOptions {
  /** Columns of the terminal; no line is longer. */
  width: number;
  color: boolean;
}

export function paintFor({ color }: Pick<RenderOptions, 'color'>): ChalkInstance {
  return new Chalk({ level: color ? 1 : 0 });
}
