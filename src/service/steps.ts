// The kinds of steps that an installation is made of: a folder, a file, a release, something gone.
import { OperatorError } from '../errors.js';
import type { Host } from '../host/host.js';
import { type PathState, pathState } from './path-state.js';
import type { Release, Step } from './service.js';

export interface FileStepOptions {
  readonly title: string;
  readonly path: string;
  readonly content: string;
  readonly mode: number;
  /** `user:group`; the login's own when absent. */
  readonly owner?: string;
  readonly root: boolean;
  readonly needsRestart?: boolean;
  readonly needsReload?: boolean;
}

/** A file with this content, mode and owner. What it held before is never shown: it may be a secret. */
export function fileStep(host: Host, options: FileStepOptions): Step {
  const { title, path, content, mode, owner, root } = options;
  return {
    title,
    needsRestart: options.needsRestart ?? false,
    needsReload: options.needsReload ?? false,
    check: async () => {
      const state = await pathState(host, path, root);
      if (state === undefined) return `${path} is missing`;
      if (state.kind !== 'file') return `${path} is not a file`;
      if ((await host.readFile(path, { root })) !== content) return `${path} differs`;
      return attributeDifference(path, state, { mode, owner });
    },
    apply: () => host.writeFile(path, content, { mode, root, ...(owner === undefined ? {} : { owner }) }),
  };
}

/** A folder with this mode and owner; those above it are made as well. */
export function folderStep(
  host: Host,
  options: { title: string; path: string; mode: number; owner?: string; root: boolean },
): Step {
  const { path, mode, owner, root } = options;
  return {
    title: options.title,
    check: async () => {
      const state = await pathState(host, path, root);
      if (state === undefined) return `${path} is missing`;
      if (state.kind !== 'folder') return `${path} is not a folder`;
      return attributeDifference(path, state, { mode, owner });
    },
    apply: async () => {
      const script = 'set -e; mkdir -p -- "$1"; [ -z "$3" ] || chown -- "$3" "$1"; chmod -- "$2" "$1"';
      const argv = ['sh', '-c', script, 'sh', path, mode.toString(8).padStart(4, '0'), owner ?? ''] as const;
      await host.run(argv, { root, label: `making ${path}` });
    },
  };
}

/** The executable of a release in its folder, proven by its checksum as the host itself computes it. */
export function releaseStep(
  host: Host,
  options: { release: Release; path: string; owner?: string; root: boolean },
): Step {
  const { release, path, owner, root } = options;
  const sha256 = async (): Promise<string> => {
    const { stdout } = await host.run(['sha256sum', '--', path], { root, label: `checksum of ${path}` });
    return stdout.replace(/^\\/, '').split(' ')[0];
  };
  return {
    title: `Release ${release.id}`,
    check: async () => {
      const state = await pathState(host, path, root);
      if (state === undefined) return `${path} is missing`;
      if (state.sizeBytes !== release.sizeBytes) return `${path} has the wrong size`;
      if ((await sha256()) !== release.sha256) return `${path} has the wrong checksum`;
      return attributeDifference(path, state, { mode: 0o755, owner });
    },
    apply: async () => {
      const folder = path.slice(0, path.lastIndexOf('/'));
      await host.run(['mkdir', '-p', '-m', '0755', '--', folder], { root });
      await host.putFile(release.localPath, path, {
        mode: 0o755,
        root,
        ...(owner === undefined ? {} : { owner }),
      });
      const actual = await sha256();
      if (actual === release.sha256) return;
      throw new OperatorError(
        `${host.name}: ${path} arrived with checksum ${actual}, not ${release.sha256}`,
        {
          code: 'RELEASE_CORRUPT',
          exit: 'stepFailed',
          suggestions: ['Was the executable rebuilt meanwhile? Run the same command again.'],
        },
      );
    },
  };
}

/** A symbolic link, switched at once: nobody ever finds it missing. */
export function linkStep(
  host: Host,
  options: { title: string; path: string; target: string; root: boolean; needsRestart?: boolean },
): Step {
  const { path, target, root } = options;
  return {
    title: options.title,
    needsRestart: options.needsRestart ?? false,
    check: async () => {
      const state = await pathState(host, path, root);
      if (state?.linkTarget === target) return undefined;
      return state === undefined
        ? `${path} is missing`
        : `${path} points to ${state.linkTarget ?? 'nothing'}`;
    },
    apply: async () => {
      const script = 'set -e; ln -s -- "$2" "$1.new.$$"; mv -fT -- "$1.new.$$" "$1"';
      await host.run(['sh', '-c', script, 'sh', path, target], {
        root,
        label: `pointing ${path} to ${target}`,
      });
    },
  };
}

/** Takes paths away, with all that is in them. */
export function removalStep(
  host: Host,
  options: { title: string; paths: readonly string[]; root: boolean },
): Step {
  const { title, paths, root } = options;
  return {
    title,
    check: async () => {
      const script = 'for path; do if [ -e "$path" ] || [ -L "$path" ]; then echo "$path"; fi; done';
      const { stdout } = await host.run(['sh', '-c', script, 'sh', ...paths], { root, label: title });
      const there = stdout.split('\n').filter((path) => path !== '');
      return there.length === 0 ? undefined : `${there.join(', ')} is there`;
    },
    apply: async () => {
      await host.run(['rm', '-rf', '--', ...paths], { root });
    },
  };
}

function attributeDifference(
  path: string,
  state: PathState,
  wanted: { mode: number; owner: string | undefined },
): string | undefined {
  if (state.mode !== wanted.mode)
    return `${path} has mode ${state.mode.toString(8)}, not ${wanted.mode.toString(8)}`;
  if (wanted.owner !== undefined && state.owner !== wanted.owner) {
    return `${path} belongs to ${state.owner}, not ${wanted.owner}`;
  }
  return undefined;
}
