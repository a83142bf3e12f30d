#!/usr/bin/env node
// Makes a fresh clone ready for `npm start` and `npm test`: dependencies, the compiled CLI, the engine. Each only when
// it is missing or older than what it is made from; says nothing when there is nothing to do. Needs Node alone.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const at = (...path) => join(root, ...path);
const CLI_STAMP = at('dist', '.cli-built');
const ENGINE_ARCHITECTURES = ['x64', 'arm64'];

checkNode();
installDependencies();
buildCli();
buildEngine();

function checkNode() {
  const { engines } = JSON.parse(readFileSync(at('package.json'), 'utf8'));
  const needed = /(\d+)\.(\d+)/.exec(engines.node).slice(1).map(Number);
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > needed[0] || (major === needed[0] && minor >= needed[1])) return;
  fail(
    `Node ${process.versions.node} is too old: this needs ${engines.node}.`,
    'Install a newer Node (https://nodejs.org), then run the same command again.',
  );
}

function installDependencies() {
  // npm writes this file last, so it stands for a complete installation.
  const record = at('node_modules', '.package-lock.json');
  if (modifiedMs(record) >= modifiedMs(at('package-lock.json')) && allInstalled(record)) return;
  if (lstatSync(at('node_modules'), { throwIfNoEntry: false })?.isSymbolicLink()) {
    fail('node_modules is a link, and npm ci would empty the folder that it points to.', 'rm node_modules');
  }
  step('Installing dependencies', ['ci', '--no-audit', '--no-fund'], 'npm ci');
}

/** Whether every package that npm wrote down as installed is still there. */
function allInstalled(record) {
  const { packages } = JSON.parse(readFileSync(record, 'utf8'));
  return Object.keys(packages).every((folder) => existsSync(at(folder, 'package.json')));
}

function buildCli() {
  const sources = [
    at('commands'),
    at('src'),
    at('tsconfig.json'),
    at('tsconfig.build.json'),
    at('package.json'),
  ];
  if (modifiedMs(CLI_STAMP) >= newestMs(sources, at('src', 'engine'))) return;
  step('Building repcachectl', ['run', '--silent', 'build:cli'], 'npm run build:cli');
  removeOrphans(at('dist', 'commands'), at('commands'));
  mkdirSync(at('dist'), { recursive: true });
  writeFileSync(CLI_STAMP, '');
}

function buildEngine() {
  if (process.platform !== 'linux' || !ENGINE_ARCHITECTURES.includes(process.arch)) {
    console.log(
      `Skipped: the engine is built on Linux (x64, arm64), not on ${process.platform} ${process.arch}.`,
    );
    return;
  }
  const artifact = at('dist', 'engine', `repcached-linux-${process.arch}`);
  if (modifiedMs(artifact) >= newestMs([at('src', 'engine'), at('package.json')])) return;
  step('Building the engine', ['run', '--silent', 'build:engine'], 'npm run build:engine');
}

/** Runs npm; its output is shown only when it fails. */
function step(title, npmArguments, retry) {
  console.log(`${title} ...`);
  const npm = process.env.npm_execpath;
  const [program, before] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  const result = spawnSync(program, [...before, ...npmArguments], { cwd: root, encoding: 'utf8' });
  if (result.status === 0) return;
  process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`);
  fail(`${title} failed${result.error ? `: ${result.error.message}` : '.'}`, `Once that is mended: ${retry}`);
}

function fail(problem, remedy) {
  console.error(`Error: ${problem}\nTry: ${remedy}`);
  process.exit(1);
}

/** Milliseconds; 0 when there is no such file. */
function modifiedMs(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Of files and whole folders. A folder's own time counts too: it changes when a file in it is removed. */
function newestMs(paths, except) {
  let newest = 0;
  for (const path of paths) {
    if (path === except) continue;
    newest = Math.max(newest, modifiedMs(path));
    if (!statSync(path).isDirectory()) continue;
    newest = Math.max(
      newest,
      newestMs(
        readdirSync(path).map((name) => join(path, name)),
        except,
      ),
    );
  }
  return newest;
}

/** A command whose source is gone would still be offered. */
function removeOrphans(builtDir, sourceDir) {
  for (const name of readdirSync(builtDir)) {
    const source = name.replace(/\.js(\.map)?$/, '.ts');
    if (!existsSync(join(sourceDir, source))) rmSync(join(builtDir, name), { recursive: true });
  }
}
