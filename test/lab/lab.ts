// The lab's own command line: `npm run lab -- up | down | status | ssh HOST [COMMAND...] | ops COMMAND...`.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import {
  ALL_HOSTS,
  DEFAULT_LAB_NAME,
  type HostName,
  labLayout,
  namespaceOf,
  opsHome,
  PAIR_HOSTS,
} from './infra/layout.js';
import { down, status, up } from './infra/lifecycle.js';
import { cliArgv } from './infra/ops.js';

const USAGE = `usage: npm run lab -- COMMAND

  up [HOST...]             boot the lab: a and b, or the hosts named (${ALL_HOSTS.join(', ')})
  down                     remove all of it but the cache
  status                   tell what is up
  ssh [USER@]HOST [COMMAND...]   log in from the ops machine
  ops [COMMAND...]         run a command on the ops machine, or a shell
  cli ARGUMENT...          run repcachectl on the ops machine

REPCACHECTL_LAB names the lab (default ${DEFAULT_LAB_NAME}); several can be up at once.
`;

const layout = labLayout(process.env.REPCACHECTL_LAB ?? DEFAULT_LAB_NAME);
const [command, ...args] = process.argv.slice(2);

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`lab: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function main(): Promise<number> {
  switch (command) {
    case 'up':
      await up(layout, args.length === 0 ? PAIR_HOSTS : args.map(hostName), (title, durationMs) => {
        process.stdout.write(`${(durationMs / 1000).toFixed(1).padStart(6)} s  ${title}\n`);
      });
      return await printStatus();
    case 'down':
      await down(layout);
      return 0;
    case 'status':
      return await printStatus();
    case 'ssh': {
      const [target = '', ...remote] = args;
      hostName(target.replace(/^.*@/, ''));
      return inOps(['ssh', target, ...remote]);
    }
    case 'ops':
      return inOps(args.length === 0 ? ['bash'] : args);
    case 'cli':
      return inOps(cliArgv(args));
    default:
      process.stderr.write(USAGE);
      return 2;
  }
}

/** Runs a program on the ops machine with this terminal; its exit status. */
function inOps(argv: readonly string[]): number {
  const home = opsHome(layout);
  const result = spawnSync('ip', ['netns', 'exec', namespaceOf(layout, 'ops'), ...argv], {
    cwd: home,
    env: {
      HOME: home,
      PATH: `${path.dirname(process.execPath)}:/usr/sbin:/usr/bin:/sbin:/bin`,
      LANG: 'C.UTF-8',
      TERM: process.env.TERM ?? 'dumb',
    },
    stdio: 'inherit',
  });
  if (result.error) throw result.error;
  return result.status ?? 1;
}

async function printStatus(): Promise<number> {
  for (const member of await status(layout)) {
    process.stdout.write(`${member.name.padEnd(7)} ${member.address.padEnd(15)} ${member.state}\n`);
  }
  return 0;
}

function hostName(text: string): HostName {
  const name = ALL_HOSTS.find((host) => host === text);
  if (name === undefined) throw new Error(`no host '${text}'; there are ${ALL_HOSTS.join(', ')}`);
  return name;
}
