// Builds the engine into one self-contained executable: npm run build:engine [-- --arch x64|arm64].
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ARCHITECTURES = {
  x64: { package: '@oven/bun-linux-x64', target: 'bun-linux-x64' },
  arm64: { package: '@oven/bun-linux-aarch64', target: 'bun-linux-arm64' },
} as const;
type Architecture = keyof typeof ARCHITECTURES;

/**
 * What the executable does of itself at run time, beyond running our code: nothing. By default it would read
 * .env and bunfig.toml from the current folder (a preload there is code), and BUN_OPTIONS from the environment.
 */
const CLOSED_DOORS = [
  '--no-compile-autoload-dotenv',
  '--no-compile-autoload-bunfig',
  '--compile-exec-argv=--disallow-code-generation-from-strings=strict --no-addons',
];

const root = fileURLToPath(new URL('../..', import.meta.url));

function main(): void {
  const { values } = parseArgs({ options: { arch: { type: 'string', default: hostArchitecture() } } });
  if (!isArchitecture(values.arch))
    fail(`--arch ${values.arch}: must be one of ${Object.keys(ARCHITECTURES).join(', ')}`);
  const target = ARCHITECTURES[values.arch];
  const compiler = runtimeOf(hostArchitecture());
  const runtime = runtimeOf(values.arch);
  const output = join(root, 'dist', 'engine', `repcached-linux-${values.arch}`);
  mkdirSync(dirname(output), { recursive: true });
  execFileSync(
    compiler,
    [
      'build',
      '--compile',
      `--target=${target.target}`,
      // The runtime of our own dependency: else one would be fetched from the network.
      `--compile-executable-path=${runtime}`,
      ...CLOSED_DOORS,
      `--outfile=${output}`,
      join(root, 'src', 'engine', 'server', 'main.ts'),
    ],
    { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  console.log(`built ${output}`);
}

function hostArchitecture(): string {
  return process.arch;
}

function isArchitecture(name: string): name is Architecture {
  return name in ARCHITECTURES;
}

/** The Bun binary of a platform package, which needs no install script (the `bun` package does). */
function runtimeOf(architecture: string): string {
  if (process.platform !== 'linux' || !isArchitecture(architecture)) {
    fail(`the engine is built on Linux, x64 or arm64; this is ${process.platform} ${architecture}`);
  }
  const name = ARCHITECTURES[architecture].package;
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), 'bin', 'bun');
  } catch {
    const install = architecture === process.arch ? 'npm install' : `npm install --no-save --force ${name}`;
    return fail(`the package ${name} is not installed; get it with: ${install}`);
  }
}

function fail(message: string): never {
  console.error(`build:engine: ${message}`);
  process.exit(1);
}

main();
