// The entry of the engine's executable: command line, signals, and the one place where the process ends.
// Worker threads enter here as well, as it is the one file that is sure to be inside the executable.
import { isMainThread } from 'node:worker_threads';
import { VERSION } from '../version.js';
import { isInBackground, moveToBackground } from './background.js';
import { bunNet } from './bun-net.js';
import { runClientThread } from './client-thread.js';
import { EXIT, FatalError } from './exit.js';
import { helpText } from './help.js';
import { logLine } from './log.js';
import { type Options, parseCommandLine } from './options.js';
import { runNode } from './run-node.js';

function main(): void {
  const command = parseCommandLine(process.argv.slice(2));
  switch (command.kind) {
    case 'help':
      process.stdout.write(helpText(VERSION));
      return;
    case 'version':
      process.stdout.write(`repcached ${VERSION}\n`);
      return;
    case 'run':
      if (command.options.daemon && !isInBackground()) moveToBackground();
      else run(command.options);
  }
}

/** Runs until a signal: the first ends the node in good order, a second at once. */
function run(options: Options): void {
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  // As memcached: a closed terminal is no reason to drop a cache.
  process.on('SIGHUP', () => node.reload());

  let isStopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (isStopping) process.exit(EXIT.ok);
    isStopping = true;
    logLine(`stopping (${signal})`);
    node.stop().then(() => process.exit(EXIT.ok), fail);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  // memcached's own for a restart with -e.
  process.on('SIGUSR1', stop);
  // After the handlers: whoever reads "listening" in the log may send a signal the next moment.
  const node = runNode(options, bunNet, fail);
}

/** Ends the process with one line: an operator's error as it is, a bug of ours with the place it happened. */
function fail(error: unknown): never {
  if (error instanceof FatalError) {
    logLine(error.message);
    process.exit(error.exitStatus);
  }
  logLine(`internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  process.exit(EXIT.software);
}

if (isMainThread) {
  try {
    main();
  } catch (error) {
    fail(error);
  }
} else {
  runClientThread();
}
