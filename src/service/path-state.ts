// What is at a path on a host: kind, mode, owner, size, link target, in one question.
import type { Host } from '../host/host.js';

export interface PathState {
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  /** Permission bits, with setuid, setgid and sticky. */
  readonly mode: number;
  /** `user:group` */
  readonly owner: string;
  readonly sizeBytes: number;
  /** For links only. */
  readonly linkTarget?: string;
}

const SCRIPT =
  '[ -e "$1" ] || [ -L "$1" ] || exit 0; stat -c "%f %s %U:%G" -- "$1"; if [ -L "$1" ]; then readlink -- "$1"; fi';

const FORMAT_BITS = 0o170000;
const KINDS = new Map<number, PathState['kind']>([
  [0o100000, 'file'],
  [0o040000, 'folder'],
  [0o120000, 'link'],
]);

/** What is there, or undefined when nothing is. Links are not followed. */
export async function pathState(host: Host, path: string, root: boolean): Promise<PathState | undefined> {
  const { stdout } = await host.run(['sh', '-c', SCRIPT, 'sh', path], { root, label: `looking at ${path}` });
  if (stdout === '') return undefined;
  const [line, linkTarget] = stdout.split('\n');
  const [raw, size, owner] = line.split(' ');
  const bits = Number.parseInt(raw, 16);
  const state = {
    kind: KINDS.get(bits & FORMAT_BITS) ?? 'other',
    mode: bits & 0o7777,
    owner,
    sizeBytes: Number(size),
  };
  return state.kind === 'link' ? { ...state, linkTarget } : state;
}
