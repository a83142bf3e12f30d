// Shows the work on a pair: a live task list on a terminal, a line for each finished step elsewhere, nothing for --json.
import chalk from 'chalk';
import { Listr, type ListrTask } from 'listr2';
import { onBoth } from '../pair/on-both.js';
import type { Progress, Say } from '../pair/progress.js';
import { NODE_NAMES, type NodeName } from '../pair/types.js';
import { scrub } from '../scrub.js';

export function progressFor(options: { readonly json: boolean }): Progress {
  if (options.json) return silent;
  return process.stdout.isTTY === true ? live : plain;
}

const withDetail = (title: string, detail: string): string =>
  detail === '' ? title : `${title} ${chalk.dim(scrub(detail))}`;

const silent: Progress = {
  step: (_, run) => run(() => {}),
  both: (_, run) => onBoth((name) => run(name, () => {})),
};

/** For files, pipes and CI: what is done, when it is done. */
const plain: Progress = {
  step: (title, run) => plainly(title, run),
  both: (title, run) => onBoth((name) => plainly(`${title}: ${name}`, (say) => run(name, say))),
};

async function plainly<T>(title: string, run: (say: Say) => Promise<T>): Promise<T> {
  let last = '';
  const line = (mark: string): void => void process.stdout.write(`${mark} ${withDetail(title, last)}\n`);
  try {
    const result = await run((detail) => {
      last = detail;
    });
    line(chalk.green('✔'));
    return result;
  } catch (error) {
    line(chalk.red('✖'));
    throw error;
  }
}

const live: Progress = {
  async step<T>(title: string, run: (say: Say) => Promise<T>): Promise<T> {
    const outcome: { result?: T } = {};
    await show([liveTask(title, run, (result) => (outcome.result = result))]);
    return outcome.result as T;
  },

  async both<T>(title: string, run: (name: NodeName, say: Say) => Promise<T>): Promise<Record<NodeName, T>> {
    // Each task settles in its own way; onBoth then words what became of the two.
    const settled: Partial<Record<NodeName, { result: T } | { error: unknown }>> = {};
    const work = (name: NodeName) =>
      liveTask(
        name,
        async (say) => {
          try {
            settled[name] = { result: await run(name, say) };
          } catch (error) {
            settled[name] = { error };
            throw error;
          }
        },
        () => {},
      );
    const nested: ListrTask = {
      title,
      task: (_, task) => task.newListr(NODE_NAMES.map(work), { concurrent: true, exitOnError: false }),
    };
    await show([nested]);
    return onBoth(async (name) => {
      const outcome = settled[name]!;
      if ('error' in outcome) throw outcome.error;
      return outcome.result;
    });
  },
};

function liveTask<T>(title: string, run: (say: Say) => Promise<T>, done: (result: T) => void): ListrTask {
  return {
    title,
    task: async (_, task) => {
      done(
        await run((detail) => {
          task.title = withDetail(title, detail);
        }),
      );
    },
  };
}

async function show(tasks: ListrTask[]): Promise<void> {
  await new Listr(tasks, {
    // Signals are ours (cli/interrupt.ts); errors are printed once, at the end.
    registerSignalListeners: false,
    rendererOptions: { showErrorMessage: false, collapseErrors: true, collapseSubtasks: false },
  }).run();
}
